"""Hardware presets as YAML: the models that the text is held against, and what becomes of them."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from iowitness.located_yaml import LocatedErrors, read_yaml, validate
from iowitness.model import hardware

PositiveInt = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(gt=0, le=1)]


class WhatIfError(LocatedErrors):
    """All that is wrong with a what-if or a preset, as `file:line:column: message` lines."""


class Part(BaseModel):
    """A mapping without unknown keys, whose values are of the right type as they stand."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class SeekPart(Part):
    """`SeekCurve`, in microseconds."""

    short_us: NotNegative
    short_us_per_root_cylinder: NotNegative
    knee_cylinder_count: PositiveInt
    long_us: NotNegative
    long_us_per_cylinder: NotNegative

    def value(self) -> hardware.SeekCurve:
        """In nanoseconds."""
        return hardware.SeekCurve(
            short_ns=_ns(self.short_us),
            short_ns_per_root_cylinder=self.short_us_per_root_cylinder * 1_000,
            knee_cylinder_count=self.knee_cylinder_count,
            long_ns=_ns(self.long_us),
            long_ns_per_cylinder=self.long_us_per_cylinder * 1_000,
        )


class ZonePart(Part):
    """`Zone`."""

    cylinder_count: PositiveInt
    sectors_per_track: PositiveInt


class SpinningPart(Part):
    """`SpinningDisk`, times in microseconds."""

    kind: Literal["spinning"]
    rotations_per_minute: PositiveInt
    head_count: PositiveInt
    zones: Annotated[list[ZonePart], Field(min_length=1)]
    seek: SeekPart
    head_switch_us: NotNegative
    write_settle_us: NotNegative
    overhead_us: NotNegative
    interface_bytes_per_s: PositiveInt

    def value(self) -> hardware.SpinningDisk:
        """In nanoseconds."""
        return hardware.SpinningDisk(
            rotations_per_minute=self.rotations_per_minute,
            head_count=self.head_count,
            zones=tuple(hardware.Zone(**zone.model_dump()) for zone in self.zones),
            seek=self.seek.value(),
            head_switch_ns=_ns(self.head_switch_us),
            write_settle_ns=_ns(self.write_settle_us),
            overhead_ns=_ns(self.overhead_us),
            interface_bytes_per_s=self.interface_bytes_per_s,
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
            read_ns=_ns(self.read_us),
            program_ns=_ns(self.program_us),
            channel_bytes_per_s=self.channel_bytes_per_s,
            interface_bytes_per_s=self.interface_bytes_per_s,
            flush_ns=_ns(self.flush_us),
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
                latency_ns=_ns(self.link.latency_us), bytes_per_s=self.link.bytes_per_s
            ),
        )


def read_hardware(text: str, source_name: str, name: str) -> hardware.Hardware:
    """The hardware of a preset's text; raises `WhatIfError` with everything that is wrong."""
    document = read_yaml(text, source_name, WhatIfError)
    return validate(document, HardwarePart, WhatIfError).value(name)


def _ns(microseconds: float) -> int:
    return round(microseconds * 1_000)
