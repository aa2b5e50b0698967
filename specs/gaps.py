"""What a gap of the source may hide: from the call that never ended to the kinds of event."""

from collections.abc import Iterable

from iowitness.traces.history import CUT_OFF, STILL_RUNNING, Gap

_READS = ("Read", "Received")
_WRITES = ("Written", "Sent", "Marked")
_KINDS_OF_CALL: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("read", "readv", "pread64", "preadv", "preadv2"), _READS),
    **dict.fromkeys(("recvfrom", "recvmsg", "recvmmsg", "recv"), ("Received",)),
    **dict.fromkeys(("write", "writev", "pwrite64", "pwritev", "pwritev2"), _WRITES),
    **dict.fromkeys(("sendto", "sendmsg", "sendmmsg", "send"), ("Sent",)),
    **dict.fromkeys(
        ("sendfile", "sendfile64", "splice", "tee", "vmsplice", "copy_file_range"),
        ("Transferred", "Sent"),
    ),
    **dict.fromkeys(("open", "openat", "openat2", "creat"), ("Opened",)),
    **dict.fromkeys(("close", "close_range"), ("Closed",)),
    **dict.fromkeys(
        ("fsync", "fdatasync", "sync", "syncfs", "sync_file_range", "msync"), ("Synced",)
    ),
    **dict.fromkeys(("mmap", "mremap", "munmap"), ("Mapped", "Unmapped")),
    **dict.fromkeys(("truncate", "ftruncate"), ("Resized",)),
    "fallocate": ("Allocated",),
    **dict.fromkeys(("rename", "renameat", "renameat2"), ("Renamed",)),
    **dict.fromkeys(("unlink", "unlinkat", "rmdir"), ("Unlinked",)),
    **dict.fromkeys(("link", "linkat", "symlink", "symlinkat"), ("Linked",)),
    **dict.fromkeys(("mkdir", "mkdirat"), ("DirectoryMade",)),
    **dict.fromkeys(("accept", "accept4"), ("Accepted",)),
    "connect": ("Connected",),
    **dict.fromkeys(("socket", "socketpair"), ("SocketOpened",)),
    **dict.fromkeys(("exit", "exit_group"), ("ThreadEnded",)),
    **dict.fromkeys(("clone", "clone3", "fork", "vfork"), ("ThreadStarted",)),
    **dict.fromkeys(
        (
            *("futex", "futex_waitv", "poll", "ppoll", "select", "pselect6"),
            *("epoll_wait", "epoll_pwait", "epoll_pwait2", "nanosleep", "clock_nanosleep"),
            *("wait4", "waitid", "pause", "rt_sigsuspend", "rt_sigtimedwait", "restart_syscall"),
            *("sched_yield", "flock", "fcntl", "semop", "semtimedop", "msgrcv", "sigsuspend"),
        ),
        ("Waited",),
    ),
}


def may_hide(gap: Gap, needs: Iterable[str]) -> bool:
    """True if the gap may have swallowed an event of one of the kinds in `needs`.

    A gap that names no call, or one that this table does not know, may hide anything.
    """
    hidden = _KINDS_OF_CALL.get(gap.call) if gap.call else None
    return hidden is None or not set(hidden).isdisjoint(needs)


def ends_early(gaps: Iterable[Gap]) -> bool:
    """True if the source ended before what it watched: what is still waited for may have come."""
    return any(gap.reason.startswith((CUT_OFF, STILL_RUNNING)) for gap in gaps)
