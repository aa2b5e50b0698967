"""Converters of the calls by which files appear in memory, where bytes move without any call.

Source: mmap(2), munmap(2), mremap(2), msync(2), io_uring_setup(2), process_vm_readv(2),
io_submit(2).
"""

from collections.abc import Mapping
from dataclasses import replace

from iowitness.traces.byte_calls import Converter
from iowitness.traces.call_view import CallView
from iowitness.traces.descriptor_table import Opening
from iowitness.traces.events import Endpoint, Mapped, Synced, Unmapped, Unverifiable
from iowitness.traces.file_mappings import MappedRange

_PAGE_BYTE_COUNT = 4096
"""Mappings are of whole pages, their lengths in calls need not be. Huge pages round up further."""


def rounded(byte_count: int) -> int:
    """A length in whole pages."""
    return -(-byte_count // _PAGE_BYTE_COUNT) * _PAGE_BYTE_COUNT


def _map(view: CallView) -> None:
    if view.failed or view.result is None:
        return
    address, length = view.result, view.number(1)
    flags = view.flags(3)
    if flags & {b"MAP_FIXED"}:
        _drop(view, address, rounded(length))
    if b"MAP_ANONYMOUS" in flags or view.arguments[4].startswith(b"-1"):
        return
    node = view.opening(4).node
    if node is None:
        return
    writable = b"PROT_WRITE" in view.flags(2)
    shared = bool(flags & {b"MAP_SHARED", b"MAP_SHARED_VALIDATE"})
    offset = view.number(5) * (_PAGE_BYTE_COUNT if view.name == "mmap2" else 1)
    mapped = MappedRange(address, address + rounded(length), node, offset, writable, shared)
    view.process.mappings.add(mapped)
    _mapped(view, mapped, length)


def _mapped(view: CallView, mapped: MappedRange, byte_count: int) -> None:
    view.world.out.append(
        Mapped(
            **view.at,
            file=mapped.node.file,
            address=mapped.address,
            offset=mapped.offset,
            byte_count=byte_count,
            writable=mapped.writable,
            shared=mapped.shared,
        )
    )


def _drop(view: CallView, address: int, length: int) -> list[MappedRange]:
    """Take a range out of the process's mappings, with an event for each file in it."""
    gone = view.process.mappings.take(address, address + length)
    for part in gone:
        view.world.out.append(
            Unmapped(
                **view.at,
                file=part.node.file,
                address=part.address,
                byte_count=part.end - part.address,
            )
        )
    return gone


def _unmap(view: CallView) -> None:
    if not view.failed:
        _drop(view, view.number(0), rounded(view.number(1)))


def _remap(view: CallView) -> None:
    """A mapping moves or changes its size; a size of 0 makes a second one of the same pages."""
    if view.failed or view.result is None:
        return
    old, old_length, length = view.number(0), view.number(1), view.number(2)
    before = next(iter(view.process.mappings.within(old, old + 1)), None)
    if old_length and b"MREMAP_DONTUNMAP" not in view.flags(3):
        _drop(view, old, rounded(old_length))
    if b"MREMAP_FIXED" in view.flags(3):
        _drop(view, view.result, rounded(length))
    if before is None:
        return
    moved = MappedRange(
        view.result,
        view.result + rounded(length),
        before.node,
        before.offset + old - before.address,
        before.writable,
        before.shared,
    )
    view.process.mappings.add(moved)
    _mapped(view, moved, length)


def _protect(view: CallView) -> None:
    """Mprotect may make a mapping of a file writable: an event says so, as a mapping anew."""
    if view.failed or b"PROT_WRITE" not in view.flags(2):
        return
    start, end = view.number(0), view.number(0) + rounded(view.number(1))
    mappings = view.process.mappings
    for mapped in mappings.within(start, end):
        if not mapped.writable:
            writable = replace(mapped, writable=True)
            mappings.add(writable)
            _mapped(view, writable, mapped.end - mapped.address)


def _msync(view: CallView) -> None:
    """Each mapped file in the range was asked to become durable."""
    start = view.number(0)
    end = start + rounded(view.number(1))
    for mapped in view.process.mappings.within(start, end):
        low, high = max(start, mapped.address), min(end, mapped.end)
        view.world.out.append(
            Synced(
                **view.at,
                file=mapped.node.file,
                scope="mapping",
                offset=mapped.offset + low - mapped.address,
                byte_count=high - low,
            )
        )


def _unverifiable(reason: str, *, takes_descriptor: int | None = None) -> Converter:
    """A converter of a call by which bytes move that no trace of calls shows."""

    def convert(view: CallView) -> None:
        if view.failed:
            return
        endpoint: Endpoint | None = None
        if takes_descriptor is not None and view.has(takes_descriptor):
            endpoint = view.opening(takes_descriptor).endpoint
        view.world.out.append(Unverifiable(**view.at, reason=reason, endpoint=endpoint))

    return convert


def _io_uring_setup(view: CallView) -> None:
    if view.failed or view.result is None:
        return
    view.process.table.bind(view.result, Opening("other"), close_on_exec=True)
    _unverifiable("io_uring moves bytes without a call for each")(view)


_RING = _unverifiable("io_uring moves bytes without a call for each")
_ASYNCHRONOUS = _unverifiable("io_submit moves bytes after the call has returned")

CONVERTERS: Mapping[str, Converter] = {
    "mmap": _map,
    "mmap2": _map,
    "munmap": _unmap,
    "mremap": _remap,
    "mprotect": _protect,
    "pkey_mprotect": _protect,
    "msync": _msync,
    "io_uring_setup": _io_uring_setup,
    "io_uring_enter": _RING,
    "io_uring_register": _RING,
    "io_submit": _ASYNCHRONOUS,
    "process_vm_readv": _unverifiable("process_vm_readv copies from another process's memory"),
    "process_vm_writev": _unverifiable("process_vm_writev writes into another process's memory"),
    "remap_file_pages": _unverifiable("remap_file_pages rearranges a mapping of a file"),
}
