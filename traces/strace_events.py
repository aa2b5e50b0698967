"""Strace's lines to events: joins lines to calls and hands each to the converter of its name.

The table `CONVERTERS` says which call becomes what; every other call is counted by name.
"""

from collections import Counter
from collections.abc import Mapping

from iowitness.traces import (
    byte_calls,
    descriptor_calls,
    file_calls,
    kernel_copies,
    memory_calls,
    name_calls,
    process_calls,
)
from iowitness.traces.byte_calls import Converter
from iowitness.traces.call_view import DESCRIPTOR_ARGUMENTS, CallView, EntryNotes
from iowitness.traces.decoration import is_descriptor, read_decoration
from iowitness.traces.descriptor_calls import closed
from iowitness.traces.events import AnyEvent, ThreadEnded
from iowitness.traces.file_mappings import FileMappings
from iowitness.traces.history import STILL_RUNNING
from iowitness.traces.processes import Thread, child_of
from iowitness.traces.strace_calls import (
    Call,
    CallJoiner,
    ParsedCall,
    Pending,
    parse_call,
    whole_arguments,
)
from iowitness.traces.strace_clock import StraceClock
from iowitness.traces.strace_line import (
    OF_NO_THREAD,
    Line,
    LineKind,
    ending,
    superseding_thread_id,
)
from iowitness.traces.strace_world import World
from iowitness.traces.trace_error import TraceError
from iowitness.traces.unknown_parent import CLONES, MOST_HELD, HeldLines, clones_in_progress
from iowitness.traces.unnamed_thread import UnnamedThread

CONVERTERS: Mapping[str, Converter] = {
    **byte_calls.CONVERTERS,
    **file_calls.CONVERTERS,
    **name_calls.CONVERTERS,
    **kernel_copies.CONVERTERS,
    **descriptor_calls.CONVERTERS,
    **memory_calls.CONVERTERS,
    **process_calls.CONVERTERS,
}
"""The converter of each system call that yields events or changes what later calls mean."""

_RELATION = frozenset({b"CLONE_THREAD", b"CLONE_FILES"})
"""The flags of clone on which it depends what a child shares."""

HARMLESS_IF_ABANDONED = frozenset(
    {name for name, convert in process_calls.CONVERTERS.items() if name not in CLONES}
) | frozenset(
    process_calls.names(
        """
        exit exit_group read pread64 pread readv preadv preadv2 recvfrom recv recvmsg recvmmsg
        accept accept4 connect open openat close lseek fstat stat lstat newfstatat statx access
        kill tgkill tkill rt_sigreturn mmap munmap
        """
    )
)
"""Calls that a process's end may cut off without a doubt about what reached a file or peer.

What such a read took in was never seen by the program, and its end undoes the rest.
"""


class StraceReader:
    """Turns the lines of one raw trace, in order, into events.

    `read` takes a line and may yield events; `finish` ends the trace and settles the accounts.
    """

    def __init__(
        self, process_ids: Mapping[int, int] | None = None, *, first_thread_id: int = 0
    ) -> None:
        self.world = World(process_ids or {})
        self.clock = StraceClock()
        self.line_counts: Counter[str] = Counter()
        self.call_counts: Counter[str] = Counter()
        self.line_count = 0
        self.detached = False
        self.data_is_visible = False
        self._joiner = CallJoiner(self.clock)
        self._unnamed = UnnamedThread(first_thread_id)
        self._held = HeldLines()

    def read(self, raw: bytes) -> None:
        """Take the next line, without its newline; events go to `world.out`.

        Raises `TraceError` with the reason, not the place, for a line that is not understood.
        """
        self.line_count += 1
        line = self._joiner.line(raw)
        if line.kind is LineKind.TABLE and self.clock.form is None:
            raise TraceError("the table of strace -c, expected calls: trace without -c")
        self.line_counts[line.kind.value] += 1
        self.take(line)

    def take(self, line: Line) -> None:
        """Take the value of a line, which its source has counted."""
        kind = line.kind
        if kind in OF_NO_THREAD:
            return
        line = self._unnamed.named(line, self.world.threads, self._joiner.pending)
        if self._held.is_waiting:
            self._hold(line)
        elif line.thread_id not in self.world.threads and self._may_have_parents(line.thread_id):
            self._held.begin(line.thread_id)
            self._hold(line)
        else:
            self._take(line)

    def _may_have_parents(self, thread_id: int) -> bool:
        """Whether clones in progress would make the thread different things."""
        relations = {
            (self.world.thread(parent_id, self.line_count).process.process_id, flags & _RELATION)
            for parent_id, flags in clones_in_progress(self._joiner.pending)
            if parent_id != thread_id
        }
        return len(relations) > 1

    def _hold(self, line: Line) -> None:
        """Hold a line back, or release all once the parent is known, or never will be."""
        held = self._held
        parent_id = held.add(self.line_count, line)
        if parent_id:
            for other_id, flags in clones_in_progress(self._joiner.pending):
                if other_id == parent_id:
                    parent = self.world.thread(parent_id, self.line_count).process
                    child = child_of(parent, held.thread_id, flags)
                    self.world.started(child, self.line_count)
                    self._release()
                    return
        if len(held.lines) > MOST_HELD:
            self._release_unsolved()

    def _release_unsolved(self) -> None:
        """Take the newest clone for the parent's, and say so."""
        thread_id = self._held.thread_id
        self.world.gap(
            f"thread {thread_id} may be the child of several", self.line_count, None, None
        )
        self._new_thread(thread_id)
        self._release()

    def _release(self) -> None:
        now = self.line_count
        for number, line in self._held.released():
            self.line_count = number
            self.take(line)
        self.line_count = now

    def _take(self, line: Line) -> None:
        kind = line.kind
        if kind is LineKind.CALL:
            self._call(self._joiner.whole(line, self.line_count))
        elif kind is LineKind.UNFINISHED or kind is LineKind.DETACHED:
            self._begun(line)
        elif kind is LineKind.RESUMED:
            self._resumed(line)
        elif kind is LineKind.EXITED or kind is LineKind.KILLED:
            self._ended(line)
        elif kind is LineKind.SUPERSEDED:
            self._superseded(line)
        elif kind is LineKind.SIGNAL:
            self.clock.time_ns(line.clock, self.line_count)

    @property
    def pending(self) -> dict[int, Pending]:
        """The calls in progress, by thread."""
        return self._joiner.pending

    @property
    def needs_every_line(self) -> bool:
        """Whether the next line goes with others that the reader keeps back."""
        return self._joiner.is_broken_off or self._held.is_waiting

    def events(self) -> list[AnyEvent]:
        """The events since the last time, in order; they are not kept."""
        out = self.world.out
        events = out.copy()
        out.clear()
        return events

    def _call(self, call: Call) -> None:
        """A whole call: count it, and convert it where there is a converter."""
        self.call_counts[call.name] += 1
        parsed = parse_call(call.text)
        if parsed.tampered:
            self.world.tampered_count += 1
        thread = self._thread(call.thread_id)
        if parsed.result is None and parsed.error is None:
            self._did_not_return(call, thread)
            return
        convert = CONVERTERS.get(call.name)
        if convert is None:
            return
        try:
            convert(_view(self.world, thread, call, parsed))
        except (IndexError, KeyError, ValueError) as error:
            if isinstance(error, TraceError):
                raise
            raise TraceError(
                f"call={call.name} arguments={len(parsed.arguments)}, expected the arguments "
                f"of {call.name}(2) ({type(error).__name__}: {error})"
            ) from error

    def _did_not_return(self, call: Call, thread: Thread) -> None:
        """`= ?`: the thread ended within the call."""
        if call.name not in HARMLESS_IF_ABANDONED and call.name in CONVERTERS:
            self.world.gap(
                f"{call.name} did not return: its process ended within it",
                call.line,
                thread.process.process_id,
                call.name,
            )

    def _thread(self, thread_id: int) -> Thread:
        """The thread of a line; one not met yet may be the child of a clone in progress."""
        found = self.world.threads.get(thread_id)
        if found is None or found.ended:
            found = self._new_thread(thread_id)
        found.shown = True
        return found

    def _new_thread(self, thread_id: int) -> Thread:
        for parent_id, flags in clones_in_progress(self._joiner.pending):
            if parent_id != thread_id:
                child = child_of(
                    self.world.thread(parent_id, self.line_count).process, thread_id, flags
                )
                self.world.started(child, self.line_count)
                return child
        return self.world.thread(thread_id, self.line_count)

    def _begun(self, line: Line) -> None:
        """The first part of a call: note now what its descriptors stand for."""
        thread = self._thread(line.thread_id)
        pending = self._joiner.begun(line, self.line_count)
        if line.kind is LineKind.DETACHED:
            self.detached = True
        wanted = DESCRIPTOR_ARGUMENTS.get(pending.name)
        if wanted is None:
            return
        notes = EntryNotes({})
        arguments = whole_arguments(pending.text)
        for index in wanted:
            if index < len(arguments) and is_descriptor(arguments[index]):
                notes.openings[arguments[index]] = self.world.opening(
                    thread.process, arguments[index], self.line_count
                )
        if pending.name == "close" and notes.openings:
            number = read_decoration(next(iter(notes.openings))).number
            notes.closed = thread.process.table.unbind(number)
        pending.entry = notes

    def _resumed(self, line: Line) -> None:
        call = self._joiner.resumed(line, self.line_count)
        if call is None:
            name = line.name.decode()
            self.call_counts[name] += 1
            thread = self._thread(line.thread_id)
            self.world.gap(
                f"{name} was in progress when the trace began",
                self.line_count,
                thread.process.process_id,
                name,
            )
            return
        self._call(call)

    def _superseded(self, line: Line) -> None:
        """Another thread of the process called execve: it goes on under the first thread's id."""
        joiner = self._joiner
        self.clock.time_ns(line.clock, self.line_count)
        other = superseding_thread_id(line)
        joiner.pending.pop(line.thread_id, None)
        if other in joiner.pending:
            joiner.pending[line.thread_id] = joiner.pending.pop(other)
        thread = self._thread(line.thread_id)
        for thread_id in thread.process.living - {line.thread_id}:
            self.world.ended(self.world.threads[thread_id])

    def _ended(self, line: Line) -> None:
        """A thread ended; with the last one go its process's descriptors."""
        now_ns = self.clock.time_ns(line.clock, self.line_count)
        thread = self._thread(line.thread_id)
        pending = self._joiner.pending.pop(line.thread_id, None)
        if pending is not None:
            call = _call_of(pending, line.thread_id)
            self.call_counts[call.name] += 1
            self._did_not_return(call, thread)
        process = thread.process
        self.world.ended(thread)
        how = ending(line)
        view = CallView(
            self.world,
            thread,
            "exit",
            start_ns=now_ns,
            end_ns=now_ns,
            line=self.line_count,
            arguments=[],
            result=0,
            result_text=b"0",
            error=None,
        )
        if not process.living and not self._table_is_shared(thread):
            for descriptor in process.table.all_closed():
                closed(view, descriptor)
            process.mappings = FileMappings()
        self.world.out.append(
            ThreadEnded(
                **view.at,
                whole_process=not process.living,
                status=how.status,
                signal=how.signal,
            )
        )

    def _table_is_shared(self, thread: Thread) -> bool:
        return any(
            other.process.table is thread.process.table and not other.ended
            for other in self.world.threads.values()
        )

    def finish(self) -> None:
        """The trace is over: what is still in progress becomes a gap."""
        if self._held.is_waiting:
            self._release_unsolved()
        if self._joiner.is_broken_off:
            self.world.gap("the trace ends within a line", self.line_count, None, None)
        for thread_id, pending in self._joiner.pending.items():
            self.call_counts[pending.name] += 1
            thread = self._thread(thread_id)
            if self.detached and pending.name in HARMLESS_IF_ABANDONED:
                continue
            self.world.gap(
                f"{pending.name} was in progress when the trace ended",
                pending.line,
                thread.process.process_id,
                pending.name,
            )
        if not self.detached:
            self._report_living()

    def _report_living(self) -> None:
        """Threads without an end: strace ended before them, or never followed them."""
        living = [thread for thread in self.world.threads.values() if not thread.ended]
        for reason, threads in (
            (STILL_RUNNING, [each for each in living if each.shown]),
            (
                "processes or threads were started that the trace does not follow (-f)",
                [each for each in living if not each.shown],
            ),
        ):
            if threads:
                ids = sorted({each.process.process_id for each in threads})[:5]
                shown = ", ".join(str(process_id) for process_id in ids)
                self.world.gap(f"{reason}: {shown}", self.line_count, None, None)


def _view(world: World, thread: Thread, call: Call, parsed: ParsedCall) -> CallView:
    """A call within the world; its end is told by its duration, else by where it resumed."""
    end_ns = call.start_ns if call.end_ns is None else call.end_ns
    if parsed.duration_ns is not None:
        end_ns = call.start_ns + parsed.duration_ns
    return CallView(
        world,
        thread,
        call.name,
        start_ns=call.start_ns,
        end_ns=end_ns,
        line=call.line,
        resumed_line=call.resumed_line,
        arguments=parsed.arguments,
        result=parsed.result,
        result_text=parsed.result_text,
        error=parsed.error,
        entry=call.entry if isinstance(call.entry, EntryNotes) else None,
    )


def _call_of(pending: Pending, thread_id: int) -> Call:
    return Call(pending.name, pending.text, thread_id, pending.start_ns, None, pending.line)
