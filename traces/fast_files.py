"""The fast way for openat, close, lseek and anonymous memory: what surrounds reads and writes."""

from iowitness.traces.call_shapes import (
    HERE,
    MEMORY,
    NOT_OPENED,
    OPENED_AT,
    OPENING,
    SHUT,
    SOUGHT,
    UNMAPPED,
    duration_of,
    is_flags,
)
from iowitness.traces.call_view import EntryNotes
from iowitness.traces.descriptor_table import Opening
from iowitness.traces.events import Closed
from iowitness.traces.fast_setting import FastSetting, Handler, Remembered
from iowitness.traces.file_calls import OpenFlags, open_flags, opened_event, opened_node
from iowitness.traces.file_names import UNEVEN
from iowitness.traces.memory_calls import rounded
from iowitness.traces.name_calls import GONE
from iowitness.traces.processes import Thread

_BACKSLASH = 0x5C
_DOTS = frozenset({b"", b".", b".."})


def handlers(setting: FastSetting) -> dict[bytes, Handler]:
    """The handlers of calls about files and memory, by the call's name."""
    return {
        b"openat": opening_at(setting),
        b"close": closing(setting),
        b"lseek": seeking(setting),
        b"mmap": mapping_memory(setting),
        b"munmap": unmapping_memory(),
    }


def _here(text: bytes) -> bool | None:
    return HERE.fullmatch(text) is not None or None


def _how(text: bytes) -> OpenFlags | None:
    """What stands between path and result of an openat."""
    found = OPENING.fullmatch(text)
    return None if found is None else open_flags(found[1])


def _failed(text: bytes) -> str | None:
    """The error of an openat's result, up to the duration."""
    found = NOT_OPENED.fullmatch(text)
    return None if found is None else found[1].decode()


def _even(text: bytes) -> bool | None:
    """Whether a folder is absolute, plain text, and in no need of normalising."""
    if _BACKSLASH in text or not text.isascii():
        return None
    return not text or (text[:1] == b"/" and UNEVEN.search(text.decode()) is None) or None


def opening_at(setting: FastSetting) -> Handler:
    """A handler of openat with an absolute path; `file_calls` tells the same at length."""
    out, names, ended = setting.world.out, setting.world.names, setting.ended
    here, hows, failures = Remembered(_here), Remembered(_how), Remembered(_failed)
    folders, opened, before_duration = (
        Remembered(_even),
        OPENED_AT.fullmatch,
        -setting.duration_width,
    )

    def handle(
        thread: Thread, start_ns: int, text: bytes, number: int, resumed: int,
        _notes: EntryNotes | None,
    ) -> bool:  # fmt: skip
        parts = text.split(b'"')
        if len(parts) != 3 or (parts[0] not in here.known and not here.learn(parts[0])):
            return False
        folder, slash, last = parts[1].rpartition(b"/")
        if not slash or last in _DOTS or _BACKSLASH in last or not last.isascii():
            return False
        between, _, result = parts[2].partition(b"= ")
        how = hows.known.get(between) or hows.learn(between)
        took_ns = ended.known.get(result[before_duration:])
        if took_ns is None:
            took_ns = ended.learn(result[before_duration:])
        if how is None or took_ns is None:
            return False
        if folder not in folders.known and not folders.learn(folder):
            return False
        result = result[:before_duration]
        if result[:1] == b"-":
            error = failures.known.get(result) or failures.learn(result)
            if error in GONE:
                names.missing.add(parts[1].decode())
            return error is not None
        found = opened(result)
        if found is None:
            return False
        node = opened_node(names, found[2].decode(), how, deleted=False)
        descriptor = int(found[1])
        opening = Opening("file", node.file, node, 0, how.append)
        thread.process.table.bind(
            descriptor, opening, close_on_exec=how.close_on_exec, text=result[:-2]
        )
        end_ns = start_ns + took_ns
        out.append(
            opened_event(start_ns, end_ns, thread, "openat", number, resumed, node, descriptor, how)
        )
        return True

    return handle


def _shut(text: bytes) -> bool | None:
    return SHUT.fullmatch(text) is not None or None


def closing(setting: FastSetting) -> Handler:
    """A handler of close; `descriptor_calls` tells the same at length."""
    out, ends, ended = setting.world.out, Remembered(_shut), setting.ended
    before_duration = -setting.duration_width

    def handle(
        thread: Thread, start_ns: int, text: bytes, number: int, resumed: int,
        notes: EntryNotes | None,
    ) -> bool:  # fmt: skip
        shown, _, end = text.rpartition(b")")
        took, end = end[before_duration:], end[:before_duration]
        took_ns = ended.known.get(took)
        if took_ns is None:
            took_ns = ended.learn(took)
        if took_ns is None or (end not in ends.known and not ends.learn(end)):
            return False
        process = thread.process
        table = process.table
        descriptor = table.by_text.get(shown) if notes is None else notes.closed
        if descriptor is None or not descriptor.opening.seen:
            return False
        if notes is None:
            table.unbind(descriptor.number)
        elif shown not in notes.openings:
            return False
        opening = descriptor.opening
        out.append(
            Closed(
                start_ns=start_ns,
                end_ns=start_ns + took_ns,
                process_id=process.process_id,
                thread_id=thread.thread_id,
                call="close",
                line=number,
                resumed_line=resumed,
                endpoint=opening.endpoint,
                descriptor=descriptor.number,
                last=opening.references <= 0,
            )
        )
        return True

    return handle


def _sought(text: bytes) -> int:
    """The position to which an lseek led, -1 where the text says something else."""
    found = SOUGHT.fullmatch(text)
    return -1 if found is None else int(found[1])


def seeking(setting: FastSetting) -> Handler:
    """A handler of lseek from the start or the position; SEEK_END tells a size and is rare."""
    ended, before_duration = setting.ended, -setting.duration_width

    def handle(
        thread: Thread, _start_ns: int, text: bytes, _number: int, _resumed: int,
        notes: EntryNotes | None,
    ) -> bool:  # fmt: skip
        parts = text.rsplit(b", ", 2)
        if len(parts) != 3:
            return False
        shown, place, end = parts
        took, end = end[before_duration:], end[:before_duration]
        if end == b"SEEK_SET) = " + place + b" <" and place.isdigit():
            position = int(place)
        else:
            position = _sought(end)
        if position < 0 or (took not in ended.known and ended.learn(took) is None):
            return False
        if notes is None:
            descriptor = thread.process.table.by_text.get(shown)
            opening = None if descriptor is None else descriptor.opening
        else:
            opening = notes.openings.get(shown)
        if opening is None or not place.removeprefix(b"-").isdigit():
            return False
        if opening.node is not None:
            opening.read_up_to = None
            if opening.seen:
                opening.position = position
            else:
                opening.move(position)
        return True

    return handle


def _is_address(text: bytes) -> bool:
    return text == b"NULL" or (text[:2] == b"0x" and text.isalnum())


def _length(text: bytes) -> int | None:
    """A length in whole pages."""
    return rounded(int(text)) if text.isdigit() else None


def _flags(text: bytes) -> bool | None:
    """Whether names of flags, which they are, have MAP_FIXED among them."""
    return text.find(b"MAP_FIXED") >= 0 if is_flags(text) else None


def mapping_memory(setting: FastSetting) -> Handler:
    """A handler of memory without a file: no event, unless it covers a mapping of one."""
    match, flags, lengths = MEMORY.fullmatch, Remembered(_flags), Remembered(_length)
    ended, before_duration = setting.ended, -setting.duration_width

    def handle(
        thread: Thread, _start_ns: int, text: bytes, _number: int, _resumed: int,
        _notes: EntryNotes | None,
    ) -> bool:  # fmt: skip
        parts = text.split(b", ")
        if len(parts) != 6 or parts[4] != b"-1":
            return False
        asked, length, access, how, _, end = parts
        took = end[before_duration:]
        found = match(end[:before_duration])
        if found is None or (took not in ended.known and ended.learn(took) is None):
            return False
        byte_count = lengths.known.get(length) or lengths.learn(length)
        is_fixed = flags.known.get(how)
        if is_fixed is None:
            is_fixed = flags.learn(how)
        if byte_count is None or is_fixed is None or not _is_address(asked):
            return False
        if access not in flags.known and flags.learn(access) is None:
            return False
        if not is_fixed:
            return True
        start = int(found[1], 16)
        return not thread.process.mappings.touches(start, start + byte_count)

    return handle


def unmapping_memory() -> Handler:
    """A handler of munmap where no file was mapped."""
    match = UNMAPPED.fullmatch

    def handle(
        thread: Thread, _start_ns: int, text: bytes, _number: int, _resumed: int,
        _notes: EntryNotes | None,
    ) -> bool:  # fmt: skip
        found = match(text)
        if found is None or duration_of(found[3]) < 0:
            return False
        start = int(found[1], 16)
        return not thread.process.mappings.touches(start, start + rounded(int(found[2])))

    return handle
