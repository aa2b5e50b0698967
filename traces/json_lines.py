r"""JSON of any text, also of names that are no UTF-8.

Python holds a byte of a name that is no UTF-8 as a lone surrogate (PEP 383, `os.fsdecode`: 0xff is
U+DCFF). UTF-8 has no place for one, so the value that has it is written with the escape `\udcff`,
which JSON's grammar allows, and read back as it was; `os.fsencode` of it is the name again.
"""

import json as standard_json
from collections.abc import Iterable
from typing import TypeVar

import msgspec

ValueT = TypeVar("ValueT")

_SURROGATE = b"\\ud"


def encoded(value: object) -> bytes:
    """A value as one line of JSON, without the newline."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        plain = msgspec.to_builtins(value, str_keys=True)
        return standard_json.dumps(plain, separators=(",", ":")).encode("ascii")


def indented(value: object) -> bytes:
    """A value as JSON for people, with a newline."""
    return standard_json.dumps(msgspec.to_builtins(value, str_keys=True), indent=2).encode() + b"\n"


def encoded_lines(values: Iterable[object]) -> bytes:
    """Values as lines of JSON, each with its newline."""
    some = list(values)
    try:
        return msgspec.json.Encoder().encode_lines(some)
    except UnicodeEncodeError:
        return b"".join(encoded(value) + b"\n" for value in some)


class JsonDecoder:
    """Reads values of one type. Raises msgspec.DecodeError."""

    def __init__(self, kind: object) -> None:
        self._kind = kind
        self._decoder: msgspec.json.Decoder[object] = msgspec.json.Decoder(kind)

    def decode(self, text: bytes) -> object:
        """The value of one line."""
        try:
            return self._decoder.decode(text)
        except msgspec.DecodeError:
            if text.find(_SURROGATE) < 0:
                raise
        try:
            plain = standard_json.loads(text)
        except ValueError as error:
            raise msgspec.DecodeError(str(error)) from error
        return msgspec.convert(plain, self._kind, builtin_types=())


def decoded(text: bytes, kind: type[ValueT]) -> ValueT:
    """The value of one text. Raises msgspec.DecodeError."""
    value = JsonDecoder(kind).decode(text)
    assert isinstance(value, kind)  # the decoder was made for it
    return value
