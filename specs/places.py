"""Places: where an event happened, in the few words that an error message has room for."""

import msgspec

from iowitness.specs.verdict import Verdict, Witness
from iowitness.traces.events import AnyEvent, File, Socket
from iowitness.traces.history import Provenance


def short_path(path: str) -> str:
    """The last folder and the name, a long run of leading zeros cut: `plain-0/0….log`."""
    folder, _, name = path.rpartition("/")
    stem, dot, ending = name.rpartition(".")
    if dot and len(stem) > 12 and stem.isdecimal():
        digits = stem.lstrip("0")
        name = f"0…{digits}{dot}{ending}" if digits else f"0…{dot}{ending}"
    last = folder.rpartition("/")[2]
    return f"{last}/{name}" if last else name


def subject(event: AnyEvent) -> str:
    """What an event happened to: a short path, a connection, or nothing."""
    for name in ("file", "source", "channel", "socket", "destination", "endpoint"):
        found = getattr(event, name, None)
        if isinstance(found, File):
            return short_path(found.path)
        if isinstance(found, Socket):
            return f"{found.local} → {found.remote}" if found.remote else found.local
    path = getattr(event, "new_path", None) or getattr(event, "path", None)
    return short_path(path) if isinstance(path, str) else ""


def raw_place(event: AnyEvent, provenance: Provenance) -> str:
    """The line of the raw trace on which an event's call begins: `broker.strace:418`."""
    if not event.line:
        return ""
    raw = provenance.raw_files[0].rpartition("/")[2] if provenance.raw_files else "trace"
    return f"{raw}:{event.line}"


def placed(witness: Witness, provenance: Provenance) -> Witness:
    """The witness with its offender's file and raw line behind the message."""
    if not witness.events:
        return witness
    offender = witness.events[0]
    parts = [part for part in (subject(offender), raw_place(offender, provenance)) if part]
    if not parts:
        return witness
    return msgspec.structs.replace(witness, message=f"{witness.message} ({', '.join(parts)})")


def verdict_line(verdict: Verdict) -> str:
    """A verdict in one line: `VIOLATED sequential-writes: write of 512 B at 8192, ...`."""
    return f"{verdict.outcome} {verdict.contract}: {verdict.summary}"
