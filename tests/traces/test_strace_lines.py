"""How lines become calls: joined, refused, held back, and whose they are."""

import pytest

from iowitness.traces.events import (
    Closed,
    Executed,
    File,
    Opened,
    Synced,
    ThreadEnded,
    ThreadStarted,
    Written,
)
from iowitness.traces.strace_history import read_history
from iowitness.traces.trace_error import TraceError
from tests.doubles.given_lines import THREAD_FLAGS, history


def test_a_path_may_look_like_the_end_of_a_call() -> None:
    text = (
        r'openat(AT_FDCWD</d>, "we\"ird, ) = 3 <unfinished ...>\n", O_RDWR|O_TRUNC) '
        r"= 3</d/we\"ird, ) = 3 \74unfinished ...\76\n>"
    )
    (opened,) = history(text).of_kind(Opened)
    assert opened.file == File(1, '/d/we"ird, ) = 3 <unfinished ...>\n')


def test_a_line_that_is_not_understood_is_an_error_with_its_place() -> None:
    with pytest.raises(TraceError, match=r"<lines>:2: .*expected"):
        history("getpid() = 1\n1 this is no call")


def test_a_malformed_call_is_an_error_with_its_place() -> None:
    with pytest.raises(TraceError, match=r"<lines>:1: .*write"):
        history("write(3</d/a>) = 3")


def test_a_trace_cut_off_within_its_last_line_has_a_gap() -> None:
    read = read_history([b"1 getpid() = 1\n", b'1 write(3</d/a>, "ab'])
    assert read.provenance.gaps[0].line == 2
    assert "cut off" in read.provenance.gaps[0].reason
    assert sum(read.provenance.line_counts.values()) == 2


def test_a_call_that_never_resumes_is_a_gap() -> None:
    read = history('write(3</d/a>, "ab", 2 <unfinished ...>')
    (first, _running) = read.provenance.gaps
    assert (first.line, first.call, first.process_id) == (1, "write", 1)


def test_a_descriptor_that_changed_unseen_is_a_gap() -> None:
    text = """
        open("/d/a", O_RDONLY) = 3</d/a>
        write(3</d/b>, "abc", 3) = 3
    """
    read = history(text)
    assert [gap.line for gap in read.provenance.gaps] == [2, 2]
    assert [each.offset for each in read.of_kind(Written)] == [None]


def test_a_child_of_one_of_several_clones_waits_for_its_parent_s_return() -> None:
    text = f"""
        1 open("/d/a", O_RDWR|O_TRUNC) = 3</d/a>
        1 clone(child_stack=NULL, flags=SIGCHLD) = 2
        2 getpid() = 2
        1 clone3({{flags={THREAD_FLAGS}, exit_signal=0}} <unfinished ...>
        2 vfork( <unfinished ...>
        7 close(3</d/a>) = 0
        1 <... clone3 resumed> => {{parent_tid=[8]}}, 88) = 8
        8 write(3</d/a>, "abc", 3) = 3
        2 <... vfork resumed>) = 7
        2 write(3</d/a>, "abc", 3) = 3
    """
    read = history(text)
    assert [(each.process_id, each.offset) for each in read.of_kind(Written)] == [(1, 0), (2, 3)]
    assert [each.process_id for each in read.of_kind(Closed)] == [7]
    assert [(each.line, each.resumed_line) for each in read.of_kind(ThreadStarted)] == [
        (2, 0),
        (4, 7),
        (5, 9),
    ]
    assert sum(read.provenance.line_counts.values()) == 10


def test_a_child_whose_parent_never_returns_does_not_hold_the_trace_back() -> None:
    text = f"""
        1 clone(child_stack=NULL, flags=SIGCHLD) = 2
        2 getpid() = 2
        1 clone3({{flags={THREAD_FLAGS}, exit_signal=0}} <unfinished ...>
        2 vfork( <unfinished ...>
        7 write(3</d/a>, "abc", 3) = 3
    """
    read = history(text)
    assert len(list(read.of_kind(Written))) == 1
    assert "thread 7 may be the child of several" in [gap.reason for gap in read.provenance.gaps]


def test_exec_by_another_thread_goes_on_under_the_first_thread_s_number() -> None:
    text = f"""
        1 open("/d/a", O_RDWR|O_TRUNC|O_CLOEXEC) = 3</d/a>
        1 clone3({{flags={THREAD_FLAGS}, exit_signal=0}} => {{parent_tid=[2]}}, 88) = 2
        1 futex(0x7f, FUTEX_WAIT, 1, NULL <unfinished ...>
        2 execve("/bin/true", ["true"], 0x7ffd /* 35 vars */ <unfinished ...>
        1 <... futex resumed> <unfinished ...>) = ?
        1 +++ superseded by execve in pid 2 +++
        1 <... execve resumed>) = 0
        1 exit_group(0) = ?
        1 +++ exited with 0 +++
    """
    read = history(text)
    (executed,) = read.of_kind(Executed)
    assert (executed.thread_id, executed.path) == (1, "/bin/true")
    assert [each.descriptor for each in read.of_kind(Closed)] == [3]
    assert [each.whole_process for each in read.of_kind(ThreadEnded)] == [True]
    assert read.provenance.gaps == ()


def test_a_write_that_its_process_s_end_cut_off_is_a_gap_and_a_read_is_none() -> None:
    text = """
        1 read(3</d/a>,  <unfinished ...>) = ?
        1 +++ killed by SIGKILL +++
        2 write(3</d/a>, "abc", 3 <unfinished ...>) = ?
        2 +++ killed by SIGKILL (core dumped) +++
    """
    read = history(text)
    assert [gap.call for gap in read.provenance.gaps] == ["write"]
    assert [each.signal for each in read.of_kind(ThreadEnded)] == ["SIGKILL", "SIGKILL"]


def test_a_line_that_strace_broke_off_goes_on_in_the_next() -> None:
    lines = [
        b'open("/d/a", O_RDWR|O_TRUNC) = 3</d/a>\n',
        b"vfork(strace: Process 2 attached\n",
        b" <unfinished ...>\n",
        b'[pid     2] write(3</d/a>, "abc", 3) = 3\n',
        b"[pid     2] +++ exited with 0 +++\n",
        b"<... vfork resumed>) = 2\n",
        b'write(3</d/a>, "abc", 3) = 3\n',
        b"+++ exited with 0 +++\n",
    ]
    read = read_history(lines)
    assert [(each.process_id, each.offset) for each in read.of_kind(Written)] == [(2, 0), (0, 3)]
    assert read.provenance.gaps == ()
    assert read.provenance.line_counts["interrupted"] == 1


def test_the_first_thread_s_number_shows_late_and_is_taken_for_it() -> None:
    lines = [
        b'open("/d/a", O_RDWR|O_TRUNC) = 3</d/a>\n',
        b"clone(child_stack=NULL, flags=SIGCHLD <unfinished ...>\n",
        b"[pid     2] getpid() = 2\n",
        b"[pid     1] <... clone resumed>) = 2\n",
        b'[pid     1] write(3</d/a>, "abc", 3) = 3\n',
        b"[pid     1] +++ exited with 0 +++\n",
        b'write(3</d/a>, "abc", 3) = 3\n',
        b"+++ exited with 0 +++\n",
    ]
    writes = list(read_history(lines).of_kind(Written))
    assert [(each.process_id, each.offset) for each in writes] == [(0, 0), (2, 3)]


@pytest.mark.parametrize("name", [b"strace", b"/usr/bin/strace", b"./strace", b"../bin/strace"])
@pytest.mark.parametrize("cut", [b"3</tmp/a/part0>", b"3", b"3</tmp/it's>"])
def test_straces_own_words_within_a_line_are_cut_out_however_it_was_called(
    name: bytes, cut: bytes
) -> None:
    lines = [
        b'1 1.0 openat(AT_FDCWD, "/tmp/a/part0", O_WRONLY) = 3\n',
        b"1 1.1 fsync(%b%b: Process 2 attached\n" % (cut, name),
        b") = 0\n",
    ]
    history = read_history(lines)
    assert len(list(history.of_kind(Synced))) == 1
