"""Hardware presets as YAML: the models that the text is held against, and what becomes of them."""

from typing import Annotated, Literal

from pydantic import Field

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
    """`SolidStateDisk`, times in microseconds."""

    kind: Literal["solid"]
    byte_count: PositiveInt
    channel_count: PositiveInt
    read_us: PositiveFloat
    program_us: PositiveFloat
    channel_bytes_per_s: PositiveInt
    interface_bytes_per_s: PositiveInt
    flush_us: NotNegative

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
        )


class ProcessorPart(Part):
    """`Processor`; what is left out keeps its default."""

    core_count: PositiveInt = 4
    mode_switch_ns: PositiveInt = 100
    context_switch_ns: PositiveInt = 2_000
    copy_bytes_per_s: PositiveInt = 8_000_000_000
    checksum_bytes_per_s: PositiveInt = 15_000_000_000
    append_record_ns: PositiveInt = 1_500
    request_ns: PositiveInt = 30_000


class MemoryPart(Part):
    """`Memory`, times in seconds."""

    byte_count: PositiveInt = 8_000_000_000
    dirty_ratio: Share = 0.2
    dirty_background_ratio: Share = 0.1
    dirty_expire_s: PositiveFloat = 30.0
    dirty_writeback_interval_s: PositiveFloat = 5.0
    read_ahead_byte_count: PositiveInt = 131_072

    def value(self) -> hardware.Memory:
        """In nanoseconds."""
        return hardware.Memory(
            byte_count=self.byte_count,
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


class HardwarePart(Part):
    """A whole preset. `sources` says of each part where its figures come from."""

    sources: dict[str, str]
    disk: Annotated[SpinningPart | SolidPart, Field(discriminator="kind")]
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
                latency_ns=nanoseconds(self.link.latency_us), bytes_per_s=self.link.bytes_per_s
            ),
        )


def read_hardware(text: str, source_name: str, name: str) -> hardware.Hardware:
    """The hardware of a preset's text; raises `WhatIfError` with everything that is wrong."""
    document = read_yaml(text, source_name, WhatIfError)
    return validate(document, HardwarePart, WhatIfError).value(name)
