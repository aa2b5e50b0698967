"""How much of a file is in the page cache, asked of the kernel: cachestat(2), or else mincore(2).

cachestat came with Linux 6.5 and counts dirty pages too; mincore needs a mapping, sees only which
pages are there, and since 5.2 tells it only to who may write the file.
"""

import ctypes
import mmap
import os
from dataclasses import dataclass
from pathlib import Path

_CACHESTAT = 451
"""The number of cachestat on every architecture."""

PAGE_BYTE_COUNT = mmap.PAGESIZE


class _Range(ctypes.Structure):
    _fields_ = (("offset", ctypes.c_uint64), ("length", ctypes.c_uint64))


class _Counts(ctypes.Structure):
    _fields_ = (
        ("cached", ctypes.c_uint64),
        ("dirty", ctypes.c_uint64),
        ("writeback", ctypes.c_uint64),
        ("evicted", ctypes.c_uint64),
        ("recently_evicted", ctypes.c_uint64),
    )


@dataclass(frozen=True, slots=True)
class Residency:
    """Pages of a file in memory; `dirty` and `writeback` are None where mincore had to tell."""

    cached: int
    dirty: int | None
    writeback: int | None


class ResidencyUnavailable(Exception):
    """Neither call works here; the message says why."""


def residency(path: Path) -> Residency:
    """The pages of a file that are in memory now. Raises ResidencyUnavailable or OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return by_cachestat(descriptor) or by_mincore(descriptor)
    finally:
        os.close(descriptor)


def by_cachestat(descriptor: int) -> Residency | None:
    """The answer of cachestat; None where the kernel is older than 6.5 or forbids it."""
    libc = ctypes.CDLL(None, use_errno=True)
    asked, counts = _Range(0, 0), _Counts()
    failed = libc.syscall(
        _CACHESTAT, ctypes.c_int(descriptor), ctypes.byref(asked), ctypes.byref(counts), 0
    )
    if failed:
        return None
    return Residency(int(counts.cached), int(counts.dirty), int(counts.writeback))


def by_mincore(descriptor: int) -> Residency:
    """The answer of mincore for a mapping of the whole file."""
    size = os.fstat(descriptor).st_size
    if size == 0:
        return Residency(0, None, None)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int,
                          ctypes.c_int, ctypes.c_long)  # fmt: skip
    address = libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, descriptor, 0)
    if address in (None, ctypes.c_void_p(-1).value):
        raise ResidencyUnavailable(f"mmap: {os.strerror(ctypes.get_errno())}")
    pages = -(-size // PAGE_BYTE_COUNT)
    flags = (ctypes.c_ubyte * pages)()
    try:
        if libc.mincore(ctypes.c_void_p(address), ctypes.c_size_t(size), flags):
            raise ResidencyUnavailable(f"mincore: {os.strerror(ctypes.get_errno())}")
    finally:
        libc.munmap(ctypes.c_void_p(address), ctypes.c_size_t(size))
    return Residency(sum(flag & 1 for flag in flags), None, None)
