"""strace-parser as the oracle: where it can read a line, both find the same fields.

It knows no thread column and no descriptors with `->`; of each recording a spread of whole calls
is shown to it without the column, and what it refuses is left out, and so are strings with a comma,
at which it splits them. It reads some hundred lines a second.
"""

import lzma
import warnings
from pathlib import Path
from typing import Any

import pytest

from iowitness.traces.strace_calls import parse_call
from iowitness.traces.strace_clock import seconds_ns
from iowitness.traces.strace_line import LineKind, read_line
from iowitness.traces.strace_text import split_arguments

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # lark imports a module of Python's past
    strace_parser = pytest.importorskip("strace_parser.parser")
    transformer = pytest.importorskip("strace_parser.json_transformer")
    UnexpectedInput = pytest.importorskip("lark").UnexpectedInput

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the oracle is of 2022

FOLDER = Path(__file__).parents[2] / "traces" / "recorded"
SAMPLE_COUNT = 40


def sample(name: str) -> list[bytes]:
    """Whole calls of a recording, spread over all of it."""
    lines = lzma.decompress((FOLDER / f"{name}.strace.xz").read_bytes()).splitlines()
    calls = [line for line in lines if read_line(line).kind is LineKind.CALL]
    return calls[:: max(1, len(calls) // SAMPLE_COUNT)]


def value_of(argument: bytes) -> Any:
    """An argument taken apart by our scanner, in the oracle's notation."""
    if argument.startswith(b"{"):
        return {"braced": [value_of(part) for part in split_arguments(argument, 1, 0x7D)[0]]}
    if argument.startswith(b"["):
        return {"bracketed": [value_of(part) for part in split_arguments(argument, 1, 0x5D)[0]]}
    key, equals, value = argument.partition(b"=")
    if equals and key.replace(b"_", b"").isalnum():
        return {key.decode(): value_of(value)}
    return argument.decode()


def oracle_value(found: dict[str, Any]) -> Any:
    """What the oracle found, in the same notation."""
    if found["type"] in ("braced", "bracketed"):
        return {found["type"]: [oracle_value(part) for part in found["value"]]}
    if found["type"] == "key_value":
        return {found["key"]: oracle_value(found["value"])}
    return found.get("value", found)


def is_whole(arguments: list[dict[str, Any]]) -> bool:
    """Whether the oracle cut no string in two, and met no function such as htons(80)."""
    return all(
        part["type"] != "function" and str(part.get("value", "")).count('"') % 2 == 0
        for part in arguments
    )


@pytest.mark.parametrize(
    ("name", "at_least"),
    [
        ("kafka43", 20),
        ("nginx-sendfile-off", 8),
        ("nginx-sendfile-on", 20),
        ("redis-aof-always", 2),
        ("sqlite-wal", 30),
    ],
)
def test_both_find_the_same_fields(name: str, at_least: int) -> None:
    compared = 0
    for raw in sample(name):
        line = read_line(raw)
        text = raw.split(b" ", 1)[1].strip().decode()
        try:
            (found,) = transformer.to_json(strace_parser.get_parser().parse(text + "\n"))
        except UnexpectedInput:
            continue
        if found["type"] != "syscall" or not is_whole(found["args"]):
            continue
        call_name, _, arguments = line.text.partition(b"(")
        ours = parse_call(arguments)
        assert call_name.decode() == found["name"]
        assert round(seconds_ns(line.clock) / 1e9, 6) == round(found["timestamp"], 6)
        assert [value_of(each) for each in ours.arguments] == [
            oracle_value(each) for each in found["args"]
        ]
        result, _, duration = found["result"].rpartition(" <")
        assert result.split(" ")[0] == ours.result_text.decode()
        assert seconds_ns(duration.rstrip(">").encode()) == ours.duration_ns
        assert (ours.error or "") in result
        compared += 1
    assert compared >= at_least
