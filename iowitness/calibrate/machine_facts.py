"""What the machine says of itself: cores, memory, the kernel's settings, the disk's read-ahead."""

import os
import platform
from pathlib import Path

_VM = Path("/proc/sys/vm")
_CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
_DEFAULT_READ_AHEAD_KIB = 128


def core_count() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def memory_byte_count() -> int:
    """The machine's memory, or this container's limit where that is lower."""
    lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    total = next(int(line.split()[1]) * 1_024 for line in lines if line.startswith("MemTotal:"))
    return min([total, *(limit for path in _CGROUP_LIMITS if (limit := _limit(path)) is not None)])


def _limit(path: Path) -> int | None:
    try:
        text = path.read_text("ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def dirty_settings(memory: int) -> dict[str, float]:
    """The kernel's rules for dirty pages, by the preset's field.

    Limits that are set in bytes are told as shares. Source: sysctl/vm.rst.
    """
    return {
        "dirty_ratio": _share("dirty", memory),
        "dirty_background_ratio": _share("dirty_background", memory),
        "dirty_expire_s": _number("dirty_expire_centisecs") / 100,
        "dirty_writeback_interval_s": _number("dirty_writeback_centisecs") / 100,
    }


def read_ahead_byte_count(folder: Path) -> int:
    """The read-ahead of the device that a folder is on; Linux's default where it cannot be told."""
    device = os.stat(folder).st_dev
    block = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}")
    for queue in (block / "queue", block.resolve().parent / "queue"):
        try:
            return int((queue / "read_ahead_kb").read_text("ascii")) * 1_024
        except (OSError, ValueError):
            continue
    return _DEFAULT_READ_AHEAD_KIB * 1_024


def kernel() -> str:
    """`Linux 6.18.5 x86_64`."""
    return f"{platform.system()} {platform.release()} {platform.machine()}"


def _number(name: str) -> int:
    return int((_VM / name).read_text("ascii"))


def _share(name: str, memory: int) -> float:
    in_bytes = _number(f"{name}_bytes")
    return in_bytes / memory if in_bytes else _number(f"{name}_ratio") / 100
