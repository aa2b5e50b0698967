"""The machine under the log, as figures: processor, memory, disk, link.

Every preset names where its figures come from (`sources`); times are integer nanoseconds.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from iowitness.model.drive import Drive

Gather: TypeAlias = Literal["pages", "copies"]

SECTOR_BYTE_COUNT = 512
PAGE_BYTE_COUNT = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class Processor:
    """Cores and what the work on them costs.

    `mode_switch_ns` is one way into or out of the kernel, `context_switch_ns` one change of
    thread, `page_fault_ns` the first touch of a fresh page of 4 KiB, its zeroing included, and
    `cache_page_ns` a fresh page's way into the page cache, `send_page_ns` a cached page's way to a
    socket by reference; `encrypt_bytes_per_s` is TLS's cipher.
    `append_record_ns` and `read_record_ns` are clients' work for a record, `send_request_ns` and
    `fetch_request_ns` their work for a request, `request_ns` the broker's. `timer_late_ns` is how
    much later than asked a thread goes on that sleeps up to a deadline. Rates are of one core.
    """

    core_count: int = 4
    mode_switch_ns: int = 100
    context_switch_ns: int = 2_000
    copy_bytes_per_s: int = 8_000_000_000
    page_fault_ns: int = 500
    cache_page_ns: int = 300
    checksum_bytes_per_s: int = 15_000_000_000
    send_page_ns: int = 60
    encrypt_bytes_per_s: int = 3_000_000_000
    append_record_ns: int = 1_500
    read_record_ns: int = 0
    send_request_ns: int = 0
    fetch_request_ns: int = 0
    timer_late_ns: int = 0
    request_ns: int = 30_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Memory, and the kernel's rules for dirty pages.

    With more than one node, a store to another node's memory costs `remote_store_ns_per_kib` more;
    threads allocate on their own node while it has room. `reserve_ratio` is what the kernel keeps
    free. `copy_total_bytes_per_s` is what all cores together can copy.
    Source: Documentation/admin-guide/sysctl/vm.rst; the defaults are Linux's.
    """

    byte_count: int = 8_000_000_000
    node_count: int = 1
    remote_store_ns_per_kib: int = 0
    copy_total_bytes_per_s: int = 40_000_000_000
    reserve_ratio: float = 0.004
    dirty_ratio: float = 0.2
    dirty_background_ratio: float = 0.1
    dirty_expire_ns: int = 30_000_000_000
    dirty_writeback_interval_ns: int = 5_000_000_000
    read_ahead_byte_count: int = 131_072


@dataclass(frozen=True, slots=True, kw_only=True)
class SolidStateDisk:
    """A solid-state drive: dies behind channels, all working at once.

    `read_ns` and `program_ns` are of one die and `page_byte_count` (of all its planes together),
    `erase_ns` of one block across all dies, which is `block_byte_count` long. A volatile cache of
    `cache_byte_count` confirms writes early; 0 is none, or one that survives a power cut is given
    as a small `flush_ns`. `command_ns` is the controller's and the protocol's for each
    request, one after another. `over_provisioning` is flash beyond `byte_count`, as a share of it.
    """

    byte_count: int
    channel_count: int
    read_ns: int
    program_ns: int
    channel_bytes_per_s: int
    interface_bytes_per_s: int
    flush_ns: int
    command_ns: int = 0
    dies_per_channel: int = 1
    page_byte_count: int = 4_096
    erase_ns: int = 3_000_000
    block_byte_count: int = 16_777_216
    over_provisioning: float = 0.07
    queue_depth: int = 32
    cache_byte_count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RateByDepth:
    """The rate that was measured with so many requests under way."""

    depth: int
    bytes_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualDiskFigures:
    """A disk known by measurement only. Rates are in order of depth."""

    byte_count: int
    read_latency_ns: int
    write_latency_ns: int
    flush_ns: int
    read_rates: tuple[RateByDepth, ...]
    write_rates: tuple[RateByDepth, ...]


Disk: TypeAlias = Drive | SolidStateDisk | VirtualDiskFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What lies between two sockets: a delay and a rate. The defaults are of loopback.

    A device that gathers takes cached pages by reference; one that does not needs them copied
    together into socket buffers first (`gather`: NETIF_F_SG of Linux's network devices).
    """

    latency_ns: int = 15_000
    bytes_per_s: int = 4_000_000_000
    gather: Gather = "pages"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """One machine."""

    name: str
    disk: Disk
    processor: Processor = Processor()
    memory: Memory = Memory()
    link: Link = Link()
