"""One event in words, for a witness and for a difference."""

from iowitness.report.file_names import relative_path
from iowitness.report.quantities import count_text
from iowitness.traces.events import (
    AnyEvent,
    Channel,
    Closed,
    Endpoint,
    File,
    Mapped,
    Pipe,
    Read,
    Received,
    Renamed,
    Resized,
    Sent,
    Socket,
    Synced,
    Transferred,
    Unverifiable,
    Written,
)


def event_words(event: AnyEvent, root: str) -> str:
    """`pwrite64 of 512 B at 8,192 in plain-0/0.log`; the error where the call failed."""
    words = f"{event.call or type(event).__name__}{_object(event, root)}"
    return f"{words}: {event.error}" if event.error else words


def event_place(event: AnyEvent, file_name: str) -> str:
    """`broker.strace:418`, or the simulated time where there is no raw trace."""
    if event.line:
        return f"{file_name}:{event.line}"
    return f"at {event.start_ns / 1e9:.6f} s"


def _object(event: AnyEvent, root: str) -> str:
    match event:
        case Written() | Read():
            return f" of {_bytes(event.byte_count)}{_at(event.offset)} in {_end(event.file, root)}"
        case Sent():
            return f" of {_bytes(event.byte_count)} to {_end(event.channel, root)}"
        case Received():
            return f" of {_bytes(event.byte_count)} from {_end(event.channel, root)}"
        case Transferred():
            source = f"{_end(event.source, root)}{_at(event.offset)}"
            return (
                f" of {_bytes(event.byte_count)} from {source} to {_end(event.destination, root)}"
            )
        case Mapped():
            sharing = "shared" if event.shared else "private"
            mode = "writable" if event.writable else "read-only"
            return f" of {_end(event.file, root)}, {sharing}, {mode}"
        case Resized():
            return f" of {_end(event.file, root)} to {_bytes(event.size_byte_count)}"
        case Renamed():
            old, new = relative_path(event.old_path, root), relative_path(event.new_path, root)
            return f" of {old} to {new}"
        case Closed(endpoint=None):
            return f" of descriptor {event.descriptor}"
        case Closed(endpoint=endpoint) if endpoint is not None:
            return f" of {_end(endpoint, root)}"
        case Synced(file=File() as file):
            return f" of {_end(file, root)}"
        case Unverifiable():
            return f" ({event.reason})"
        case _:
            return _named(event, root)


def _named(event: AnyEvent, root: str) -> str:
    """The kinds that only name a file, a socket or a path."""
    for attribute in ("file", "socket"):
        endpoint = getattr(event, attribute, None)
        if isinstance(endpoint, File | Socket):
            return f" of {_end(endpoint, root)}"
    path = getattr(event, "path", None)
    return f" of {relative_path(path, root)}" if isinstance(path, str) else ""


def _end(endpoint: Endpoint | Channel, root: str) -> str:
    match endpoint:
        case File():
            return relative_path(endpoint.path, root)
        case Socket():
            peer = endpoint.remote or endpoint.local
            return f"socket {peer}" if peer else f"{endpoint.family} socket"
        case Pipe():
            return f"pipe {endpoint.pipe_id}"


def _bytes(byte_count: int) -> str:
    return f"{count_text(byte_count)} B"


def _at(offset: int | None) -> str:
    return "" if offset is None else f" at {count_text(offset)}"
