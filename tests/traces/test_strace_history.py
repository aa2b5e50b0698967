"""What a trace says, from strace's text to events: small traces, one behaviour each."""

from iowitness.traces.events import (
    Closed,
    Executed,
    Mapped,
    Marked,
    Opened,
    Read,
    Received,
    Sent,
    Sized,
    Socket,
    Synced,
    ThreadEnded,
    ThreadStarted,
    Transferred,
    Unmapped,
    Unverifiable,
    Waited,
    Written,
)
from tests.doubles.given_lines import THREAD_FLAGS, history


def test_a_write_starts_where_the_last_one_ended() -> None:
    writes = list(
        history("""
            openat(AT_FDCWD</d>, "a", O_WRONLY|O_CREAT|O_EXCL, 0644) = 3</d/a>
            write(3</d/a>, "abc", 3) = 3
            write(3</d/a>, "defgh", 5) = 2
            write(3</d/a>, "fgh", 3) = 3
        """).of_kind(Written)
    )
    assert [(each.offset, each.byte_count, each.data) for each in writes] == [
        (0, 3, b"abc"),
        (3, 2, b"de"),
        (5, 3, b"fgh"),
    ]
    assert {each.file.path for each in writes} == {"/d/a"}


def test_an_appending_write_starts_at_the_end_of_the_file() -> None:
    text = """
        openat(AT_FDCWD</d>, "a", O_WRONLY|O_APPEND) = 3</d/a>
        fstat(3</d/a>, {st_mode=S_IFREG|0644, st_size=100, ...}) = 0
        write(3</d/a>, "abc", 3) = 3
        write(3</d/a>, "d", 1) = 1
    """
    assert [each.offset for each in history(text).of_kind(Written)] == [100, 103]


def test_a_size_that_shows_before_the_first_change_is_the_size_at_open() -> None:
    text = """
        openat(AT_FDCWD</d>, "a", O_WRONLY|O_APPEND) = 3</d/a>
        fstat(3</d/a>, {st_mode=S_IFREG|0644, st_size=100, ...}) = 0
    """
    read = history(text)
    assert [each.size_byte_count for each in read.of_kind(Opened)] == [100]
    assert [each.size_byte_count for each in read.of_kind(Sized)] == [100]


def test_a_size_that_shows_after_a_change_leaves_the_size_at_open_unknown() -> None:
    text = """
        openat(AT_FDCWD</d>, "a", O_WRONLY) = 3</d/a>
        write(3</d/a>, "d", 1) = 1
        fstat(3</d/a>, {st_mode=S_IFREG|0644, st_size=100, ...}) = 0
    """
    assert [each.size_byte_count for each in history(text).of_kind(Opened)] == [None]


def test_a_position_from_before_the_trace_is_unknown_until_it_is_set() -> None:
    text = """
        write(7</d/a>, "abc", 3) = 3
        lseek(7</d/a>, 10, SEEK_SET) = 10
        write(7</d/a>, "abc", 3) = 3
        write(7</d/a>, "abc", 3) = 3
    """
    assert [each.offset for each in history(text).of_kind(Written)] == [None, 10, 13]


def test_two_descriptors_from_before_the_trace_may_share_their_position() -> None:
    text = """
        lseek(7</d/a>, 10, SEEK_SET) = 10
        write(8</d/a>, "abc", 3) = 3
        write(7</d/a>, "abc", 3) = 3
    """
    assert [each.offset for each in history(text).of_kind(Written)] == [None, None]


def test_dup_shares_the_position() -> None:
    text = """
        open("/d/a", O_RDWR|O_TRUNC) = 3</d/a>
        dup(3</d/a>) = 4</d/a>
        write(3</d/a>, "abc", 3) = 3
        write(4</d/a>, "abc", 3) = 3
        close(3</d/a>) = 0
        close(4</d/a>) = 0
    """
    read = history(text)
    assert [each.offset for each in read.of_kind(Written)] == [0, 3]
    assert [each.last for each in read.of_kind(Closed)] == [False, True]


def test_a_forked_child_shares_the_position_but_not_the_table() -> None:
    text = """
        1 open("/d/a", O_RDWR|O_TRUNC) = 3</d/a>
        1 clone(child_stack=NULL, flags=SIGCHLD) = 2
        2 write(3</d/a>, "abc", 3) = 3
        2 close(3</d/a>) = 0
        1 write(3</d/a>, "abc", 3) = 3
    """
    read = history(text)
    assert [(each.process_id, each.offset) for each in read.of_kind(Written)] == [(2, 0), (1, 3)]
    assert [each.last for each in read.of_kind(Closed)] == [False]


def test_a_thread_shares_the_table() -> None:
    text = f"""
        1 open("/d/a", O_RDWR|O_TRUNC) = 3</d/a>
        1 clone3({{flags={THREAD_FLAGS}, exit_signal=0}} => {{parent_tid=[2]}}, 88) = 2
        2 close(3</d/a>) = 0
        2 open("/d/b", O_RDWR|O_TRUNC) = 3</d/b>
        1 write(3</d/b>, "abc", 3) = 3
    """
    read = history(text)
    assert [each.file.path for each in read.of_kind(Written)] == ["/d/b"]
    assert read.provenance.gaps[:-1] == ()
    assert [each.started_process_id for each in read.of_kind(ThreadStarted)] == [1]


def test_a_child_may_show_before_its_parent_s_call_returns() -> None:
    text = f"""
        1 open("/d/a", O_RDWR|O_TRUNC) = 3</d/a>
        1 clone3({{flags={THREAD_FLAGS}, exit_signal=0}} <unfinished ...>
        2 write(3</d/a>, "abc", 3) = 3
        1 <... clone3 resumed> => {{parent_tid=[2]}}, 88) = 2
    """
    (write,) = history(text).of_kind(Written)
    assert (write.process_id, write.thread_id, write.offset) == (1, 2, 0)


def test_a_descriptor_closed_in_two_parts_is_free_at_once() -> None:
    text = f"""
        1 open("/d/a", O_RDWR|O_TRUNC) = 3</d/a>
        1 clone3({{flags={THREAD_FLAGS}, exit_signal=0}} => {{parent_tid=[2]}}, 88) = 2
        1 close(3</d/a> <unfinished ...>
        2 open("/d/b", O_RDWR|O_TRUNC) = 3</d/b>
        1 <... close resumed>) = 0
        2 write(3</d/b>, "abc", 3) = 3
    """
    read = history(text)
    assert [each.file.path for each in read.of_kind(Written)] == ["/d/b"]
    assert [each.endpoint.path for each in read.of_kind(Closed) if each.endpoint] == ["/d/a"]


def test_a_file_keeps_its_identity_across_rename() -> None:
    text = """
        openat(AT_FDCWD</d>, "a.tmp", O_WRONLY|O_CREAT|O_EXCL, 0644) = 3</d/a.tmp>
        rename("a.tmp", "a") = 0
        write(3</d/a>, "abc", 3) = 3
        openat(AT_FDCWD</d>, "a", O_RDONLY) = 4</d/a>
    """
    read = history(text)
    first, second = read.of_kind(Opened)
    assert first.file is second.file
    assert second.size_byte_count == 3
    assert first.file.path == "/d/a.tmp"


def test_a_file_created_after_an_unlink_is_another_one() -> None:
    text = """
        open("/d/a", O_WRONLY|O_CREAT, 0644) = 3</d/a>
        unlink("/d/a") = 0
        open("/d/a", O_WRONLY|O_CREAT, 0644) = 4</d/a>
        write(3</d/a>(deleted), "abc", 3) = 3
        write(4</d/a>, "abc", 3) = 3
    """
    read = history(text)
    first, second = read.of_kind(Opened)
    assert first.file.file_id != second.file.file_id
    assert [each.file for each in read.of_kind(Written)] == [first.file, second.file]
    assert second.size_byte_count == 0


def test_renaming_a_directory_renames_what_is_in_it() -> None:
    text = """
        open("/d/p/a", O_WRONLY|O_TRUNC) = 3</d/p/a>
        rename("/d/p", "/d/q") = 0
        write(3</d/q/a>, "abc", 3) = 3
    """
    read = history(text)
    assert [each.offset for each in read.of_kind(Written)] == [0]
    assert [gap.line for gap in read.provenance.gaps] == [3]  # still running, nothing else


def test_sendfile_is_joined_as_text_before_it_is_parsed() -> None:
    text = """
        1 open("/d/a", O_RDONLY) = 3</d/a>
        1 sendfile(4<TCP:[127.0.0.1:1->127.0.0.1:2]>, 3</d/a>, [0] <unfinished ...>
        2 getpid() = 2
        1 <... sendfile resumed> => [1024], 2048) = 1024
        1 sendfile(4<TCP:[127.0.0.1:1->127.0.0.1:2]>, 3</d/a>, NULL, 10) = 10
    """
    first, second = history(text).of_kind(Transferred)
    assert (first.offset, first.byte_count, first.requested_byte_count) == (0, 1024, 2048)
    assert (first.line, first.resumed_line) == (2, 4)
    assert isinstance(first.destination, Socket)
    assert first.destination.remote == "127.0.0.1:2"
    assert second.offset == 0


def test_iovecs_are_joined_as_far_as_they_are_whole() -> None:
    text = """
        writev(3</d/a>, [{iov_base="ab", iov_len=2}, {iov_base="cd"..., iov_len=9}, \
            {iov_base="e", iov_len=1}], 3) = 12
        writev(3</d/a>, [{iov_base="ab", iov_len=2}, {iov_base="cd", iov_len=2}], 2) = 3
    """
    first, second = history(" ".join(text.split("\\\n"))).of_kind(Written)
    assert (first.data, first.requested_byte_count) == (b"abcd", 12)
    assert (second.data, second.requested_byte_count) == (b"abc", 4)


def test_a_failed_write_is_an_event_in_which_nothing_moved() -> None:
    text = 'write(3</d/a>, "abc", 3) = -1 ENOSPC (No space left on device) <0.000010>'
    (write,) = history(text).of_kind(Written)
    assert (write.error, write.byte_count, write.data) == ("ENOSPC", 0, None)


def test_a_failed_sync_is_an_event() -> None:
    text = "fsync(3</d/a>) = -1 EIO (Input/output error) (INJECTED)"
    (sync,) = history(text).of_kind(Synced)
    assert sync.error == "EIO"


def test_a_write_to_descriptor_minus_one_is_a_mark() -> None:
    text = 'write(-1, "iowitness:begin:write", 21) = -1 EBADF (Bad file descriptor)'
    (mark,) = history(text).of_kind(Marked)
    assert (mark.verb, mark.name, mark.error) == ("begin", "write", None)


def test_exec_closes_what_is_marked_so() -> None:
    text = """
        open("/d/a", O_RDONLY|O_CLOEXEC) = 3</d/a>
        open("/d/b", O_RDONLY) = 4</d/b>
        execve("/bin/true", ["true", "x"], 0x7ffc /* 35 vars */) = 0
        read(4</d/b>, "abc", 10) = 3
    """
    read = history(text)
    assert [each.descriptor for each in read.of_kind(Closed)] == [3]
    assert [(each.path, each.arguments) for each in read.of_kind(Executed)] == [
        ("/bin/true", ("true", "x"))
    ]


def test_the_end_of_a_process_closes_its_descriptors() -> None:
    text = """
        open("/d/a", O_RDONLY|O_CLOEXEC) = 3</d/a>
        exit_group(7) = ?
        +++ exited with 7 +++
    """
    read = history(text)
    assert [each.descriptor for each in read.of_kind(Closed)] == [3]
    (ended,) = read.of_kind(ThreadEnded)
    assert (ended.whole_process, ended.status) == (True, 7)
    assert read.provenance.gaps == ()


def test_an_unmapping_takes_what_it_covers() -> None:
    text = """
        open("/d/a", O_RDWR) = 3</d/a>
        mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_SHARED, 3</d/a>, 0x1000) = 0x7f0000000000
        msync(0x7f0000001000, 4096, MS_SYNC) = 0
        munmap(0x7f0000000000, 4096) = 0
    """
    read = history(text)
    (mapped,) = read.of_kind(Mapped)
    assert (mapped.writable, mapped.shared, mapped.offset) == (True, True, 4096)
    (sync,) = read.of_kind(Synced)
    assert (sync.scope, sync.offset, sync.byte_count) == ("mapping", 8192, 4096)
    assert [each.byte_count for each in read.of_kind(Unmapped)] == [4096]


def test_peeked_bytes_are_marked_so() -> None:
    text = 'recvfrom(3<TCP:[1.1.1.1:1->1.1.1.1:2]>, "ab", 2, MSG_PEEK, NULL, NULL) = 2'
    (received,) = history(text).of_kind(Received)
    assert received.peeked


def test_a_socket_keeps_its_identity_when_it_gets_addresses() -> None:
    text = """
        socket(AF_INET, SOCK_STREAM, 0) = 3<TCP:[77]>
        connect(3<TCP:[77]>, {sa_family=AF_INET, sin_port=htons(2), \
sin_addr=inet_addr("127.0.0.1")}, 16) = 0
        sendto(3<TCP:[127.0.0.1:1->127.0.0.1:2]>, "hi", 2, 0, NULL, 0) = 2
    """
    (sent,) = history(text).of_kind(Sent)
    assert sent.channel == Socket(1, "TCP", "127.0.0.1:1", "127.0.0.1:2")


def test_a_wait_on_an_eventfd_is_a_wait() -> None:
    text = """
        eventfd2(0, EFD_CLOEXEC) = 3<anon_inode:[eventfd]>
        read(3<anon_inode:[eventfd]>, "\\1\\0\\0\\0\\0\\0\\0\\0", 8) = 8
        write(3<anon_inode:[eventfd]>, "\\1\\0\\0\\0\\0\\0\\0\\0", 8) = 8
    """
    assert [type(each) for each in history(text)] == [Waited]


def test_a_bare_descriptor_from_before_the_trace_is_unverifiable() -> None:
    (event,) = history('write(3, "abc", 3) = 3')
    assert isinstance(event, Unverifiable)


def test_a_bare_descriptor_is_followed_from_its_open() -> None:
    text = """
        open("/d/a", O_RDONLY) = 3
        read(3, "abc", 10) = 3
        read(3, "", 10) = 0
    """
    read = history(text)
    assert [(each.file.path, each.offset) for each in read.of_kind(Read)] == [
        ("/d/a", 0),
        ("/d/a", 3),
    ]
    assert [each.size_byte_count for each in read.of_kind(Sized)] == [3]
