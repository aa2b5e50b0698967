"""The strace command line of a capture, and what strace's complaints mean. Pure.

Source: strace(1); strace 6.1 src/strace.c, src/filter_seccomp.c for the wording of the complaints.
"""

from collections.abc import Sequence

PLAIN_TIMES = ("-ttt", "-T")
FINE_TIMES = ("--absolute-timestamps=format:unix,precision:ns", "--syscall-times=ns")
"""Nanoseconds; since strace 5.3. Without them intervals that touch look as if they overlapped."""

MARK_BYTE_COUNT = 80
"""The longest mark that every capture keeps whole: `iowitness:begin:` and a name of 64 bytes."""

_FALLBACK_WORDS = (
    "--seccomp-bpf is not enabled",
    "--seccomp-bpf cannot be used",
    "seccomp filter is requested but unavailable",
    "Seccomp filter is requested but there are no syscalls",
    "seccomp filter disabled",
)
_FORBIDDEN_WORDS = (
    "PTRACE_TRACEME",
    "PTRACE_SEIZE",
    "PTRACE_ATTACH",
    "PTRACE_SETOPTIONS",
    "ptrace(",
)


class CaptureError(Exception):
    """A capture that could not be made; the message says what was found and what to do."""


class StraceMissing(CaptureError):
    """There is no strace on PATH."""

    def __init__(self, strace: str = "strace") -> None:
        super().__init__(
            f"{strace}=missing, expected it on PATH. Debian and Ubuntu: apt-get install strace; "
            "Fedora: dnf install strace; Alpine: apk add strace"
        )


class CaptureTimedOut(CaptureError):
    """A command that had to be killed because its time was over."""

    def __init__(self, program: str, most_s: float) -> None:
        super().__init__(
            f"command={program} still ran after {most_s:g} s, expected its end; it was killed"
        )


class PtraceForbidden(CaptureError):
    """The kernel or a sandbox does not let this process trace another."""

    def __init__(self, said: str) -> None:
        self.said = said
        super().__init__(
            f"ptrace=forbidden ({said}), expected permission to trace. In Docker: run with "
            "--cap-add SYS_PTRACE (before Docker 19.03 also --security-opt seccomp=unconfined). To "
            "attach to a running process: sysctl kernel.yama.ptrace_scope=0, or be root. A process "
            "that another debugger traces already cannot be traced"
        )


def filter_argument(calls: Sequence[str]) -> list[str]:
    """`-e trace=...` for the calls; the `?` lets a strace pass that does not know one of them."""
    if not calls:
        return []
    return ["-e", "trace=" + ",".join(f"?{call}" for call in sorted(calls))]


def content_option(content_byte_count: int) -> list[str]:
    """`-s` for the bytes to keep of each buffer, with room for a mark in any case."""
    return ["-s", str(max(content_byte_count, MARK_BYTE_COUNT))]


def injections(faults: Sequence[str]) -> list[str]:
    """`-e inject=...` for each fault, `call:error=ENOSPC:when=3+`, passed through to strace.

    `when` counts the calls of each thread apart: `when=3` is every thread's third call. Of two
    faults for one call strace obeys the last one.
    """
    return [part for fault in faults for part in ("-e", f"inject={fault}")]


def fallback_said(complaints: str) -> str:
    """Words of strace about stopping at every call; empty where --seccomp-bpf works."""
    for line in complaints.splitlines():
        if any(words in line for words in _FALLBACK_WORDS):
            return line.strip()
    return ""


def forbidden_said(complaints: str) -> str:
    """Words of strace about a refused ptrace; empty where there are none."""
    for line in complaints.splitlines():
        refused = "not permitted" in line or "denied" in line or "not implemented" in line
        if refused and any(words in line for words in _FORBIDDEN_WORDS):
            return line.strip()
    return ""


def unknown_option_said(complaints: str) -> str:
    """Words of strace about an option that it does not know; empty where it knows all."""
    for line in complaints.splitlines():
        if "unrecognized option" in line or "invalid option" in line or "invalid -" in line:
            return line.strip()
    return ""
