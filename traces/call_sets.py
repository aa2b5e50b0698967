"""Which system calls show which kinds of event: the table from which a trace's filter is made."""

from collections.abc import Iterable, Mapping

from iowitness.traces.events import CALL_KINDS
from iowitness.traces.process_calls import names

_BYTES_IN = names("read readv pread64 preadv preadv2")
_BYTES_OUT = names("write writev pwrite64 pwritev pwritev2")
_RECEIVING = names("recvfrom recvmsg recvmmsg")
_SENDING = names("sendto sendmsg sendmmsg")
_TRANSFERRING = names("sendfile splice tee vmsplice copy_file_range ioctl")

CALLS_BY_KIND: Mapping[str, frozenset[str]] = {
    kind: frozenset(calls)
    for kind, calls in {
        "Opened": names("open openat openat2 creat open_by_handle_at memfd_create memfd_secret"),
        "SocketOpened": names("socket socketpair"),
        "PipeOpened": names("pipe pipe2"),
        "Closed": names("close close_range dup2 dup3 execve execveat"),
        "Read": _BYTES_IN,
        "Written": _BYTES_OUT,
        "Received": _BYTES_IN + _RECEIVING + names("vmsplice"),
        "Sent": _BYTES_OUT + _SENDING + names("vmsplice"),
        "Transferred": _TRANSFERRING,
        "Mapped": names("mmap mremap mprotect pkey_mprotect"),
        "Unmapped": names("munmap mmap mremap"),
        "Synced": names("fsync fdatasync sync_file_range msync syncfs sync"),
        "Sized": names("fstat newfstatat statx stat lstat lseek"),
        "Resized": names("truncate ftruncate"),
        "Allocated": names("fallocate"),
        "Renamed": names("rename renameat renameat2"),
        "Linked": names("link linkat symlink symlinkat"),
        "Unlinked": names("unlink unlinkat rmdir"),
        "DirectoryMade": names("mkdir mkdirat"),
        "Listening": names("bind listen"),
        "Connected": names("connect"),
        "Accepted": names("accept accept4"),
        "ThreadStarted": names("clone clone3 fork vfork"),
        "ThreadNamed": names("prctl"),
        "ThreadEnded": names("exit exit_group"),
        "Executed": names("execve execveat"),
        "Waited": names(
            "futex futex_waitv poll ppoll select pselect6 epoll_wait epoll_pwait epoll_pwait2 "
            "nanosleep clock_nanosleep wait4 waitid pause rt_sigsuspend rt_sigtimedwait"
        ),
        "Unverifiable": names(
            "io_uring_setup io_uring_enter io_uring_register io_submit process_vm_readv "
            "process_vm_writev remap_file_pages"
        ),
        "Marked": names("write"),
    }.items()
}
"""The calls of each kind. A trace whose filter lacks one of them may miss events of the kind."""

STATE_CALLS = frozenset(
    names(
        """
        open openat openat2 creat open_by_handle_at memfd_create memfd_secret close close_range
        dup dup2 dup3 fcntl ioctl lseek socket socketpair accept accept4 pipe pipe2 eventfd eventfd2
        timerfd_create signalfd signalfd4 inotify_init inotify_init1 epoll_create epoll_create1
        pidfd_open pidfd_getfd userfaultfd fanotify_init perf_event_open bpf
        landlock_create_ruleset io_uring_setup recvmsg rename renameat renameat2 link linkat unlink
        unlinkat chdir fchdir truncate ftruncate fallocate clone clone3 fork vfork unshare execve
        execveat exit exit_group prctl write
        """
    )
)
"""The calls that change what later ones mean; they are traced whatever is asked for."""

DEFAULT_KINDS: frozenset[str] = CALL_KINDS - {"Waited"}
"""What a capture shows unless told otherwise.

Waits are left out: under CPython's interpreter lock or a JVM they are the most frequent calls by
far, each costs 28 us under strace, and no contract needs them.
"""


def calls_for(kinds: Iterable[str]) -> frozenset[str]:
    """The calls that a trace has to show so that these kinds of event are visible in it."""
    calls = set(STATE_CALLS)
    for kind in kinds:
        calls |= CALLS_BY_KIND[kind]
    return frozenset(calls)


def kinds_visible_in(calls: frozenset[str]) -> frozenset[str]:
    """The kinds of event that a trace of these calls would show had they happened."""
    return frozenset(kind for kind, needed in CALLS_BY_KIND.items() if needed <= calls)
