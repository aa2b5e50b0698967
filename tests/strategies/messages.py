"""Any message that a declaration allows; fields that a version lacks keep their default."""

import types
import typing
from typing import Annotated, Any

import msgspec
from hypothesis import strategies as st
from msgspec import Struct

from iowitness.impl.message_codec import Int8, Int16, Int32, Int64, Uuid, Versions

_TEXT = st.text(alphabet="abcüXYZ09-_.", max_size=8)
_RANGES = {
    typing.get_args(Int8)[1]: st.integers(-(2**7), 2**7 - 1),
    typing.get_args(Int16)[1]: st.integers(-(2**15), 2**15 - 1),
    typing.get_args(Int32)[1]: st.integers(-(2**31), 2**31 - 1),
    typing.get_args(Int64)[1]: st.integers(-(2**40), 2**40),  # kio keeps times as floats
    typing.get_args(Uuid)[1]: st.binary(min_size=16, max_size=16),
}
_SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    str: _TEXT,
    bool: st.booleans(),
    bytes: st.binary(max_size=12),
}


def messages(kind: type[Struct], version: int, *, nulls: bool = True) -> st.SearchStrategy[Any]:
    """Messages of one type at one version; without `nulls`, since not every version takes them."""
    hints = typing.get_type_hints(kind, include_extras=True)
    fields = {}
    for field in msgspec.structs.fields(kind):
        inner, marks = _unwrapped(hints[field.name])
        versions = next((mark for mark in marks if isinstance(mark, Versions)), Versions(0))
        if versions.first <= version <= versions.last:
            fields[field.name] = _values(inner, marks, version, nulls=nulls)
    return st.builds(kind, **fields)


def _unwrapped(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    if typing.get_origin(hint) is Annotated:
        inner, *marks = typing.get_args(hint)
        return inner, tuple(marks)
    return hint, ()


def _values(
    hint: Any, marks: tuple[Any, ...], version: int, *, nulls: bool
) -> st.SearchStrategy[Any]:
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        (hint,) = (part for part in typing.get_args(hint) if part is not types.NoneType)
        inner, inner_marks = _unwrapped(hint)
        there = _values(inner, marks + inner_marks, version, nulls=nulls)
        return st.none() | there if nulls else there
    for mark in marks:
        if mark in _RANGES:
            return _RANGES[mark]
    if typing.get_origin(hint) is tuple:
        element = _unwrapped(typing.get_args(hint)[0])
        return st.lists(_values(*element, version, nulls=nulls), max_size=3).map(tuple)
    if isinstance(hint, type) and issubclass(hint, Struct):
        return messages(hint, version, nulls=nulls)
    return _SCALARS[hint]
