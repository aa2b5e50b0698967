"""Hardware presets as YAML: the models that the text is held against, and what becomes of them."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from iowitness.located_yaml import read_yaml, validate
from iowitness.model import hardware
from iowitness.model.drive_yaml import SpinningPart
from iowitness.model.yaml_parts import (
    NotNegative,
    Part,
    PositiveFloat,
    PositiveInt,
    Share,
    WhatIfError,
    nanoseconds,
)


class SolidPart(Part):
    """`SolidStateDisk`, times in microseconds; what is left out keeps its default."""

    kind: Literal["solid"]
    byte_count: PositiveInt
    channel_count: PositiveInt
    read_us: PositiveFloat
    program_us: PositiveFloat
    channel_bytes_per_s: PositiveInt
    interface_bytes_per_s: PositiveInt
    flush_us: NotNegative
    command_us: NotNegative = 0
    dies_per_channel: PositiveInt = 1
    page_byte_count: PositiveInt = 4_096
    erase_us: NotNegative = 3_000
    block_byte_count: PositiveInt = 16_777_216
    over_provisioning: PositiveFloat = 0.07
    queue_depth: PositiveInt = 32
    cache_byte_count: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _pages_fit_blocks(self) -> "SolidPart":
        dies = self.channel_count * self.dies_per_channel
        if self.block_byte_count % 4_096 or self.block_byte_count < dies * self.page_byte_count:
            raise ValueError(
                f"disk.block_byte_count={self.block_byte_count}, expected a multiple of 4096 that "
                f"has a page of {self.page_byte_count} B for each of {dies} dies"
            )
        return self

    def value(self) -> hardware.SolidStateDisk:
        """In nanoseconds."""
        return hardware.SolidStateDisk(
            byte_count=self.byte_count,
            channel_count=self.channel_count,
            read_ns=nanoseconds(self.read_us),
            program_ns=nanoseconds(self.program_us),
            channel_bytes_per_s=self.channel_bytes_per_s,
            interface_bytes_per_s=self.interface_bytes_per_s,
            flush_ns=nanoseconds(self.flush_us),
            command_ns=nanoseconds(self.command_us),
            dies_per_channel=self.dies_per_channel,
            page_byte_count=self.page_byte_count,
            erase_ns=nanoseconds(self.erase_us),
            block_byte_count=self.block_byte_count,
            over_provisioning=self.over_provisioning,
            queue_depth=self.queue_depth,
            cache_byte_count=self.cache_byte_count,
        )


class RatePart(Part):
    """`RateByDepth`."""

    depth: PositiveInt
    bytes_per_s: PositiveFloat


class VirtualPart(Part):
    """`VirtualDiskFigures`, times in microseconds; rates in order of depth."""

    kind: Literal["virtual"]
    byte_count: PositiveInt
    read_latency_us: NotNegative
    write_latency_us: NotNegative
    flush_us: NotNegative
    read_rates: Annotated[list[RatePart], Field(min_length=1)]
    write_rates: Annotated[list[RatePart], Field(min_length=1)]

    @field_validator("read_rates", "write_rates")
    @classmethod
    def _in_order(cls, rates: list[RatePart]) -> list[RatePart]:
        depths = [rate.depth for rate in rates]
        if depths != sorted(set(depths)):
            raise ValueError(f"expected rising depths, found {depths}")
        return rates

    def value(self) -> hardware.VirtualDiskFigures:
        """In nanoseconds."""
        return hardware.VirtualDiskFigures(
            byte_count=self.byte_count,
            read_latency_ns=nanoseconds(self.read_latency_us),
            write_latency_ns=nanoseconds(self.write_latency_us),
            flush_ns=nanoseconds(self.flush_us),
            read_rates=tuple(hardware.RateByDepth(**one.model_dump()) for one in self.read_rates),
            write_rates=tuple(hardware.RateByDepth(**one.model_dump()) for one in self.write_rates),
        )


class ProcessorPart(Part):
    """`Processor`; what is left out keeps its default."""

    core_count: PositiveInt = 4
    mode_switch_ns: PositiveInt = 100
    context_switch_ns: PositiveInt = 2_000
    copy_bytes_per_s: PositiveInt = 8_000_000_000
    page_fault_ns: PositiveInt = 500
    cache_page_ns: PositiveInt = 300
    checksum_bytes_per_s: PositiveInt = 15_000_000_000
    send_page_ns: PositiveInt = 60
    encrypt_bytes_per_s: PositiveInt = 3_000_000_000
    append_record_ns: PositiveInt = 1_500
    read_record_ns: Annotated[int, Field(ge=0)] = 0
    send_request_ns: Annotated[int, Field(ge=0)] = 0
    fetch_request_ns: Annotated[int, Field(ge=0)] = 0
    timer_late_ns: Annotated[int, Field(ge=0)] = 0
    request_ns: PositiveInt = 30_000


class MemoryPart(Part):
    """`Memory`, times in seconds."""

    byte_count: PositiveInt = 8_000_000_000
    node_count: PositiveInt = 1
    remote_store_ns_per_kib: Annotated[int, Field(ge=0)] = 0
    copy_total_bytes_per_s: PositiveInt = 40_000_000_000
    reserve_ratio: Share = 0.004
    dirty_ratio: Share = 0.2
    dirty_background_ratio: Share = 0.1
    dirty_expire_s: PositiveFloat = 30.0
    dirty_writeback_interval_s: PositiveFloat = 5.0
    read_ahead_byte_count: PositiveInt = 131_072

    @model_validator(mode="after")
    def _limits_in_order(self) -> "MemoryPart":
        if self.dirty_background_ratio >= self.dirty_ratio:
            raise ValueError(
                f"memory.dirty_background_ratio={self.dirty_background_ratio}, "
                f"expected < dirty_ratio={self.dirty_ratio}"
            )
        return self

    def value(self) -> hardware.Memory:
        """In nanoseconds."""
        return hardware.Memory(
            byte_count=self.byte_count,
            node_count=self.node_count,
            remote_store_ns_per_kib=self.remote_store_ns_per_kib,
            copy_total_bytes_per_s=self.copy_total_bytes_per_s,
            reserve_ratio=self.reserve_ratio,
            dirty_ratio=self.dirty_ratio,
            dirty_background_ratio=self.dirty_background_ratio,
            dirty_expire_ns=round(self.dirty_expire_s * 1e9),
            dirty_writeback_interval_ns=round(self.dirty_writeback_interval_s * 1e9),
            read_ahead_byte_count=self.read_ahead_byte_count,
        )


class LinkPart(Part):
    """`Link`, latency in microseconds."""

    latency_us: NotNegative = 15.0
    bytes_per_s: PositiveInt = 4_000_000_000
    gather: hardware.Gather = "pages"


class HardwarePart(Part):
    """A whole preset. `sources` says of each part where its figures come from."""

    sources: dict[str, str]
    disk: Annotated[SpinningPart | SolidPart | VirtualPart, Field(discriminator="kind")]
    processor: ProcessorPart = ProcessorPart()
    memory: MemoryPart = MemoryPart()
    link: LinkPart = LinkPart()

    def value(self, name: str) -> hardware.Hardware:
        """The hardware that it describes."""
        return hardware.Hardware(
            name=name,
            disk=self.disk.value(),
            processor=hardware.Processor(**self.processor.model_dump()),
            memory=self.memory.value(),
            link=hardware.Link(
                latency_ns=nanoseconds(self.link.latency_us),
                bytes_per_s=self.link.bytes_per_s,
                gather=self.link.gather,
            ),
        )


def read_hardware(text: str, source_name: str, name: str) -> hardware.Hardware:
    """The hardware of a preset's text; raises `WhatIfError` with everything that is wrong."""
    document = read_yaml(text, source_name, WhatIfError)
    return validate(document, HardwarePart, WhatIfError).value(name)
