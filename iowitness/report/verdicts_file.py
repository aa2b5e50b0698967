"""`verdicts.json`: all of a report but its histories, for machines, in a versioned form."""

from typing import Literal

import msgspec
from msgspec import Struct

from iowitness.report.printable import printable
from iowitness.report.run_report import RunFacts, RunReport
from iowitness.specs.verdict import Outcome
from iowitness.traces.history import History

FORMAT = "iowitness-verdicts"
VERSION = 1
"""Raised when an older reader would misread; a new optional field does not raise it."""


class VerdictsFileError(Exception):
    """A file that is no `verdicts.json` of a version that this program reads."""


class RunSummary(Struct, frozen=True, kw_only=True):
    """What can be told from a `RunFacts` and is written beside it, so that jq need not compute.

    `prediction_agrees` is None where nothing was predicted.
    """

    outcome: Outcome
    prediction_agrees: bool | None
    compared_event_count: int
    raw_traces: tuple[str, ...]


class _Head(Struct):
    format: Literal["iowitness-verdicts"]
    version: int


class _Body(RunFacts, frozen=True, kw_only=True):
    raw_traces: tuple[str, ...] = ()


def verdicts_json(facts: RunFacts, raw_traces: tuple[str, ...] = ()) -> bytes:
    """The file's bytes: indented JSON with a newline at its end.

    `raw_traces` are the names of the raw traces beside it. Bytes in events are base64. A path that
    is no UTF-8 has its odd bytes as `\\xff`-like escapes, because JSON has no other way.
    """
    agreement = facts.agreement
    summary = RunSummary(
        outcome=facts.outcome,
        prediction_agrees=None if agreement is None else agreement.agrees,
        compared_event_count=0 if agreement is None else agreement.compared_count,
        raw_traces=raw_traces,
    )
    document = {
        "format": FORMAT,
        "version": VERSION,
        **msgspec.structs.asdict(summary),
        **{name: getattr(facts, name) for name in RunFacts.__struct_fields__},
    }
    try:
        text = msgspec.json.encode(document)
    except UnicodeEncodeError:
        text = msgspec.json.encode(_without_surrogates(msgspec.to_builtins(document)))
    return msgspec.json.format(text, indent=2) + b"\n"


def read_verdicts_json(text: bytes, place: str) -> tuple[RunFacts, tuple[str, ...]]:
    """The facts, and the names of the raw traces beside the file.

    `place` is the file's name, for messages. Raises `VerdictsFileError`.
    """
    try:
        head = msgspec.json.decode(text, type=_Head)
        if head.version != VERSION:
            raise VerdictsFileError(
                f"{place}: version={head.version}, expected {VERSION}: "
                "it was written by another iowitness; use that one, or run `verify` again"
            )
        body = msgspec.json.decode(text, type=_Body)
    except msgspec.DecodeError as error:  # a ValidationError is one too
        raise VerdictsFileError(
            f"{place}: {error}; expected the verdicts.json of an artifacts folder"
        ) from error
    facts = {name: getattr(body, name) for name in RunFacts.__struct_fields__}
    return RunFacts(**facts), body.raw_traces


def with_histories(facts: RunFacts, observed: History, predicted: History | None) -> RunReport:
    """The report that the facts and the histories make together."""
    values = {name: getattr(facts, name) for name in RunFacts.__struct_fields__}
    return RunReport(**values, observed=observed, predicted=predicted)


def _without_surrogates(value: object) -> object:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {printable(str(key)): _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_surrogates(item) for item in value]
    return value
