"""Lines as strace's options write them, some nasty: read by both ways, and what they say."""

import gzip
import io
import lzma
from collections.abc import Callable

import pytest
import zstandard

from iowitness.traces.events import (
    AnyEvent,
    Closed,
    Executed,
    Opened,
    Read,
    Received,
    Sent,
    Socket,
    ThreadEnded,
    Written,
)
from iowitness.traces.fast_lines import FastLines
from iowitness.traces.strace_events import StraceReader
from iowitness.traces.strace_history import read_history
from iowitness.traces.trace_error import TraceError

OPENED = '7 openat(AT_FDCWD</d>, "/d/a", O_RDWR|O_CREAT|O_EXCL, 0666) = 3</d/a>'


def timed(*texts: str) -> list[bytes]:
    """The texts with times and, where they end in a result, durations."""
    lines: list[bytes] = []
    for index, text in enumerate(texts):
        thread, _, rest = text.partition(" ")
        took = "" if rest.endswith(("...>", "---", "+++", " = ?")) else " <0.000012>"
        lines.append(f"{thread} 1700000000.{index:06d} {rest}{took}".encode("latin-1"))
    return lines


def events_of(*texts: str) -> list[AnyEvent]:
    """What the lines tell, after the fast way and the complete one were found to agree."""
    lines = timed(*texts)
    complete, quick = StraceReader(), StraceReader()
    for line in lines:
        complete.read(line)
    FastLines(quick).read(lines)
    for reader in (complete, quick):
        reader.finish()
    assert quick.world.out == complete.world.out
    assert quick.world.gaps == complete.world.gaps
    assert quick.line_counts == complete.line_counts
    assert quick.call_counts == complete.call_counts
    return complete.world.out


@pytest.mark.parametrize(
    ("shown", "content"),
    [
        (r"a\"b", b'a"b'),
        (r"\"", b'"'),
        (r"\\", b"\\"),
        (r"\\\"", b'\\"'),
        (r") = 5 <0.000001>", b") = 5 <0.000001>"),
        (r"\", 3) = 3 <0.1>\"", b'", 3) = 3 <0.1>"'),
        (r"\0\1\177", b"\0\1\x7f"),
        (r"\x41\x00", b"A\0"),
        ("<unfinished ...>", b"<unfinished ...>"),
    ],
)
@pytest.mark.parametrize("call", ["read", "write", "pread64", "pwrite64", "writev"])
def test_a_buffer_may_look_like_syntax(call: str, shown: str, content: bytes) -> None:
    count = len(content)
    buffer = f'"{shown}", {count}'
    if call == "writev":
        buffer = f'[{{iov_base="{shown}", iov_len={count}}}], 1'
    offset = ", 0" if call.startswith("p") else ""
    moved = events_of(OPENED, f"7 {call}(3</d/a>, {buffer}{offset}) = {count}")[1]
    assert isinstance(moved, Read | Written)
    assert (moved.offset, moved.byte_count, moved.data) == (0, count, content)


@pytest.mark.parametrize(
    "name",
    [r"a\"b", "c) = 5", "d, e", r"f\76g", r"\74... read resumed\76", r"\74unfinished ...\76",
     "x -\\76 y", "[b]", "{c}", "(deleted)", r"n\nl", r"\303\251", "back\\\\slash", " ", "/* c */"],
)  # fmt: skip
def test_a_path_may_look_like_syntax(name: str) -> None:
    opened, written, closed = events_of(
        f'7 openat(AT_FDCWD</d>, "/d/{name}", O_RDWR|O_CREAT|O_EXCL, 0666) = 3</d/{name}>',
        f'7 write(3</d/{name}>, "x", 1) = 1',
        f"7 close(3</d/{name}>) = 0",
    )
    assert isinstance(opened, Opened)
    assert isinstance(written, Written)
    assert isinstance(closed, Closed)
    assert opened.file == written.file == closed.endpoint
    assert (written.offset, closed.last) == (0, True)


def test_every_byte_of_a_path_may_be_escaped() -> None:
    escaped = "".join(f"\\x{byte:02x}" for byte in b"/d/back\\slash")
    opened = events_of(f'7 openat(AT_FDCWD, "{escaped}", O_RDONLY) = 3<{escaped}>')[0]
    assert isinstance(opened, Opened)
    assert opened.file.path == "/d/back\\slash"


def test_constants_may_be_named_in_comments() -> None:
    opened, accepted = events_of(
        '7 openat(-100 /* AT_FDCWD */</d>, "a", 0x441 /* O_WRONLY|O_CREAT|O_APPEND */, 0666) '
        "= 3</d/a>",
        "7 eventfd2(0, 0x80000 /* EFD_CLOEXEC */) = 4<anon_inode:[eventfd]>",
        '7 execve("/bin/a", ["a"], 0x7ffe /* 12 vars */) = 0',
    )[:2]
    assert isinstance(opened, Opened)
    assert (opened.file.path, opened.access, opened.append) == ("/d/a", "write", True)
    assert isinstance(accepted, Closed)
    assert accepted.descriptor == 4


def test_constants_without_names_are_refused() -> None:
    with pytest.raises(TraceError, match="trace without -X raw"):
        events_of('7 openat(0xffffff9c, "/d/a", 0x441, 0666) = 3')


def test_a_table_of_calls_may_stand_behind_a_trace_but_not_for_it() -> None:
    table = [b"% time     seconds  usecs/call     calls    errors syscall",
             b"------ ----------- ----------- --------- --------- ----------------",
             b" 61.20    0.000112           5        21         3 openat",
             b"100.00    0.000183                   131         5 total"]  # fmt: skip
    counts = read_history([*timed("7 getpid() = 7"), *table]).provenance.line_counts
    assert counts == {"call": 1, "table": 4}
    with pytest.raises(TraceError, match="trace without -c"):
        read_history(table)


@pytest.mark.parametrize(
    "shown", ["pid:9", "signalfd:[INT USR1]", "anon_inode:[io_uring]", "net:[4026531840]"]
)
def test_what_is_no_socket_is_not_taken_for_one(shown: str) -> None:
    closed = events_of(f"7 fcntl(3<{shown}>, F_GETFD) = 0x1 (flags FD_CLOEXEC)",
                       f"7 close(3<{shown}>) = 0")[0]  # fmt: skip
    assert isinstance(closed, Closed)
    assert closed.endpoint is None


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ("TCPv6:[[::1]:80->[fe80::1%eth0]:5]", ("TCPv6", "[::1]:80", "[fe80::1%eth0]:5")),
        (r'UNIX-STREAM:[1->2,"/r\")>]"]', ("UNIX-STREAM", '/r")>]', "1")),
        (r'UNIX-DGRAM:[1,@"a\0c"]', ("UNIX-DGRAM", "@a\0c", "")),
        ("NETLINK:[ROUTE:123]", ("NETLINK", "ROUTE:123", "")),
    ],
)
def test_sockets_are_told_by_family_and_addresses(
    shown: str, expected: tuple[str, str, str]
) -> None:
    sent, received = events_of(f'7 write(4<{shown}>, "q", 1) = 1', f'7 read(4<{shown}>, "", 9) = 0')
    assert isinstance(sent, Sent)
    assert isinstance(received, Received)
    assert isinstance(sent.channel, Socket)
    assert sent.channel == received.channel
    family, local, remote = expected
    assert (sent.channel.family, sent.channel.local) == (family, local)
    assert sent.channel.remote == remote or family.startswith("UNIX")


def test_a_signal_between_the_parts_of_a_call_changes_nothing() -> None:
    read = events_of(
        "7 read(3</d/a>,  <unfinished ...>",
        "7 --- SIGALRM {si_signo=SIGALRM, si_code=SI_KERNEL} ---",
        '7 <... read resumed>"x", 10) = 1',
        "7 +++ killed by SIGSEGV (core dumped) +++",
    )[0]
    assert isinstance(read, Read)
    assert (read.byte_count, read.line, read.resumed_line) == (1, 1, 3)


def test_a_number_of_a_process_may_come_again() -> None:
    events = events_of(
        OPENED, '7 write(3</d/a>, "abc", 3) = 3', "7 +++ exited with 0 +++",
        '7 openat(AT_FDCWD</d>, "/d/b", O_RDWR|O_CREAT|O_EXCL, 0666) = 3</d/b>',
        '7 write(3</d/b>, "abc", 3) = 3', "7 +++ exited with 1 +++",
    )  # fmt: skip
    assert [each.offset for each in events if isinstance(each, Written)] == [0, 0]
    assert [each.status for each in events if isinstance(each, ThreadEnded)] == [0, 1]


@pytest.mark.parametrize("pid", ["1", "12", "1234", "123456", "1234567"])
def test_the_column_of_numbers_is_as_wide_as_it_is(pid: str) -> None:
    head = f"{pid:<5}"
    written = events_of(OPENED.replace("7 ", f"{head} ", 1),
                        f'{head} write(3</d/a>, "abc", 3) = 3')[-1]  # fmt: skip
    assert isinstance(written, Written)
    assert written.thread_id == int(pid)


def test_threads_with_numbers_of_different_lengths_share_a_file() -> None:
    written = events_of(
        "99999 clone(child_stack=0x7, flags=CLONE_VM|CLONE_FILES|CLONE_THREAD) = 100000",
        OPENED.replace("7 ", "99999 ", 1),
        '100000 write(3</d/a>, "abc", 3) = 3',
        '99999 write(3</d/a>, "abc", 3) = 3',
    )
    assert [each.offset for each in written if isinstance(each, Written)] == [0, 3]


def test_lines_that_went_through_another_system_end_in_a_carriage_return() -> None:
    lines = [line + b"\r\n" for line in timed(OPENED, '7 write(3</d/a>, "abc", 3) = 3')]
    assert [each.offset for each in read_history(lines).of_kind(Written)] == [0]


@pytest.mark.parametrize("damage", [b"1700000000.00_001", b"\t1.000001", b"1700000000,000001"])
def test_a_time_of_another_form_is_refused(damage: bytes) -> None:
    lines = timed(OPENED, '7 write(3</d/a>, "abc", 3) = 3')
    lines[1] = lines[1].replace(b"1700000000.000001", damage)
    with pytest.raises(TraceError, match="<lines>:2"):
        read_history([line + b"\n" for line in lines])


def test_a_child_s_protection_of_memory_leaves_the_parent_s_alone() -> None:
    text = [OPENED.replace("O_RDWR|O_CREAT|O_EXCL, 0666", "O_RDONLY"),
            "7 mmap(NULL, 4096, PROT_READ, MAP_SHARED, 3</d/a>, 0) = 0x7f0000000000",
            "7 fork() = 8",
            "8 mprotect(0x7f0000000000, 4096, PROT_READ|PROT_WRITE) = 0",
            "7 mprotect(0x7f0000000000, 4096, PROT_READ|PROT_WRITE) = 0"]  # fmt: skip
    mapped = [each for each in events_of(*text) if type(each).__name__ == "Mapped"]
    assert [each.process_id for each in mapped] == [7, 8, 7]


def test_arguments_of_a_program_may_look_like_syntax() -> None:
    executed = events_of('7 execve("/bin/a", ["a", "b\\")", ") = 3", ...], 0x7 /* 3 vars */) = 0')[
        0
    ]
    assert isinstance(executed, Executed)
    assert executed.arguments == ("a", 'b")', ") = 3")


@pytest.mark.parametrize("packed", [bytes, gzip.compress, lzma.compress, zstandard.compress])
def test_standard_input_may_be_compressed(
    packed: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = b"".join(line + b"\n" for line in timed(OPENED, '7 write(3</d/a>, "abc", 3) = 3'))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(packed(text))))
    assert [each.offset for each in read_history("-").of_kind(Written)] == [0]
