"""kio as an oracle: what another implementation reads out of our bytes, as plain values."""

import dataclasses
import datetime
import enum
import uuid
from typing import Any

import kio.serial
from kio.index import load_request_schema, load_response_schema
from msgspec import Struct

_NO_UUID = bytes(16)


def read_request(api_key: int, version: int, body: bytes) -> tuple[dict[str, Any], int]:
    """The request's fields and the bytes that it took."""
    return _read(load_request_schema(api_key, version), body)


def read_response(api_key: int, version: int, body: bytes) -> tuple[dict[str, Any], int]:
    """The response's fields and the bytes that it took."""
    return _read(load_response_schema(api_key, version), body)


def _read(schema: Any, body: bytes) -> tuple[dict[str, Any], int]:
    value, size = kio.serial.entity_reader(schema)(body, 0)
    return _plain(value), size


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {
            field.name.removesuffix("_ms"): _plain(getattr(value, field.name))
            for field in dataclasses.fields(value)
        }
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    if isinstance(value, datetime.timedelta):
        return round(value.total_seconds() * 1_000)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, uuid.UUID):
        return value.bytes
    return value


def plain(message: Struct) -> dict[str, Any]:
    """One of our messages in the same shape."""
    return {
        name.removesuffix("_ms"): _our_plain(getattr(message, name))
        for name in message.__struct_fields__
    }


def _our_plain(value: Any) -> Any:
    if isinstance(value, Struct):
        return plain(value)
    if isinstance(value, tuple):
        return tuple(map(_our_plain, value))
    return None if value == _NO_UUID else value


__all__ = ["plain", "read_request", "read_response"]
