"""The fast way for openat, close, lseek and anonymous memory: what surrounds reads and writes."""

import re

from iowitness.traces.call_view import EntryNotes
from iowitness.traces.descriptor_table import Opening
from iowitness.traces.events import Closed
from iowitness.traces.fast_setting import FastSetting, Handler
from iowitness.traces.file_calls import open_flags, opened_event, opened_node
from iowitness.traces.file_names import UNEVEN
from iowitness.traces.memory_calls import rounded
from iowitness.traces.name_calls import GONE
from iowitness.traces.processes import overlapping

_GONE = frozenset(error.encode() for error in GONE)
_UNEVEN = re.compile(UNEVEN.pattern.encode()).search


def handlers(setting: FastSetting) -> dict[bytes, Handler]:
    """The handlers of calls about files and memory, by the call's name."""
    return {
        b"openat": opening_at(setting),
        b"close": closing(setting),
        b"lseek": seeking(setting),
        b"mmap": mapping_memory(setting),
        b"munmap": unmapping_memory(setting),
    }


def opening_at(setting: FastSetting) -> Handler:
    """A handler of openat with an absolute path; `file_calls` tells the same at length."""
    match, out, names = setting.shapes.open_at().fullmatch, setting.world.out, setting.world.names
    threads, unit_ns, durations = setting.threads, setting.unit_ns, setting.durations

    def handle(line: bytes, number: int, resumed: int, _notes: EntryNotes | None) -> bool:
        found = match(line)
        if found is None:
            return False
        pid, clock, asked, flags, text, result, shown, error, duration = found.groups()
        thread = threads[pid]
        took_ns = durations[duration]
        if thread is None or took_ns < 0 or _UNEVEN(asked) is not None:
            return False
        if error is not None:
            if error in _GONE:
                names.missing.add(asked.decode())
            return True
        how = open_flags(flags)
        node = opened_node(names, shown.decode(), how, deleted=False)
        descriptor = int(result)
        opening = Opening("file", node.file, node, 0, how.append)
        table = thread.process.table
        table.bind(descriptor, opening, close_on_exec=how.close_on_exec, text=text)
        start_ns = int(clock.replace(b".", b"")) * unit_ns
        end_ns = start_ns + took_ns
        out.append(
            opened_event(start_ns, end_ns, thread, "openat", number, resumed, node, descriptor, how)
        )
        return True

    return handle


def closing(setting: FastSetting) -> Handler:
    """A handler of close; `descriptor_calls` tells the same at length."""
    match, out = setting.shapes.shut().fullmatch, setting.world.out
    threads, unit_ns, durations = setting.threads, setting.unit_ns, setting.durations

    def handle(line: bytes, number: int, resumed: int, notes: EntryNotes | None) -> bool:
        found = match(line)
        if found is None:
            return False
        pid, clock, shown, duration = found.groups()
        thread = threads[pid]
        took_ns = durations[duration]
        if thread is None or took_ns < 0:
            return False
        process = thread.process
        table = process.table
        descriptor = table.by_text.get(shown) if notes is None else notes.closed
        if descriptor is None or not descriptor.opening.seen:
            return False
        if notes is None:
            table.unbind(descriptor.number)
        opening = descriptor.opening
        start_ns = int(clock.replace(b".", b"")) * unit_ns
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


def seeking(setting: FastSetting) -> Handler:
    """A handler of lseek from the start or the position; SEEK_END tells a size and is rare."""
    match, threads = setting.shapes.seek().fullmatch, setting.threads

    def handle(line: bytes, _number: int, _resumed: int, notes: EntryNotes | None) -> bool:
        found = match(line)
        if found is None:
            return False
        thread = threads[found[1]]
        if thread is None or setting.durations[found[5]] < 0:
            return False
        if notes is not None:
            opening = notes.openings.get(found[3])
        else:
            descriptor = thread.process.table.by_text.get(found[3])
            opening = None if descriptor is None else descriptor.opening
        if opening is None:
            return False
        if opening.node is not None:
            opening.move(int(found[4]))
            opening.read_up_to = None
        return True

    return handle


def mapping_memory(setting: FastSetting) -> Handler:
    """A handler of memory without a file: no event, unless it covers a mapping of one."""
    match, threads = setting.shapes.map_memory().fullmatch, setting.threads

    def handle(line: bytes, _number: int, _resumed: int, _notes: EntryNotes | None) -> bool:
        found = match(line)
        if found is None:
            return False
        thread = threads[found[1]]
        if thread is None or setting.durations[found[6]] < 0:
            return False
        if b"MAP_FIXED" not in found[4]:
            return True
        start = int(found[5], 16)
        return not overlapping(thread.process.mappings, start, start + rounded(int(found[3])))

    return handle


def unmapping_memory(setting: FastSetting) -> Handler:
    """A handler of munmap where no file was mapped."""
    match, threads = setting.shapes.unmap().fullmatch, setting.threads

    def handle(line: bytes, _number: int, _resumed: int, _notes: EntryNotes | None) -> bool:
        found = match(line)
        if found is None:
            return False
        thread = threads[found[1]]
        if thread is None or setting.durations[found[5]] < 0:
            return False
        start = int(found[3], 16)
        return not overlapping(thread.process.mappings, start, start + rounded(int(found[4])))

    return handle
