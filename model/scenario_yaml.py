"""A scenario in YAML: the hardware, the broker's policy and the load of one simulated run."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from iowitness.model.compressed_size import Codec
from iowitness.model.hardware_yaml import HardwarePart
from iowitness.model.yaml_parts import NotNegative, Part, PositiveFloat, PositiveInt

Count = Annotated[int, Field(ge=0)]


class PolicyPart(Part):
    """How the broker stores and sends. Sizes and times by Kafka's names where it has them.

    `flush` is when it syncs: `never` leaves that to the kernel, `every-request` syncs before the
    answer. `read_path` `copy` reads into a buffer and sends that; left out, it is `sendfile`, or
    `copy` under TLS, which has to encrypt in user space. `request_thread_count` 0 has the network
    threads do all the work.
    """

    segment_byte_count: PositiveInt = 1_073_741_824
    index_interval_byte_count: PositiveInt = 4_096
    retention_byte_count: PositiveInt | None = None
    retention_s: PositiveFloat | None = None
    flush: Literal["never", "every-request"] = "never"
    read_path: Literal["sendfile", "copy"] | None = None
    encryption: Literal["none", "tls"] = "none"
    network_thread_count: PositiveInt = 3
    request_thread_count: Count = 8

    @model_validator(mode="after")
    def _possible(self) -> "PolicyPart":
        if self.encryption == "tls" and self.read_path == "sendfile":
            raise ValueError(
                "encryption=tls with read_path=sendfile, expected read_path=copy: TLS "
                "encrypts in user space, where sendfile never brings the bytes"
            )
        if self.retention_byte_count and self.retention_byte_count < self.segment_byte_count:
            raise ValueError(
                f"retention_byte_count={self.retention_byte_count}, expected >= "
                f"segment_byte_count={self.segment_byte_count}: only whole segments are deleted"
            )
        return self


class ProducersPart(Part):
    """Producers that are alike. `records_per_s` is the rate of all of them together.

    `bursty` sends each `period_ms` worth of records within its first `burst_ms`. `thread_count` 1
    sends on the thread that makes the records and waits for the answer, 2 has a thread that sends.
    `compress_by` `message` compresses each record alone.
    """

    count: PositiveInt = 1
    records_per_s: PositiveFloat = 10_000.0
    arrival: Literal["constant", "poisson", "bursty"] = "poisson"
    burst_ms: PositiveFloat = 100.0
    period_ms: PositiveFloat = 1_000.0
    record_byte_count: PositiveInt = 1_000
    record_sizes: Literal["constant", "exponential"] = "constant"
    batch_size_byte_count: PositiveInt = 16_384
    linger_ms: NotNegative = 5.0
    request_byte_count: PositiveInt = 1_048_576
    max_in_flight: PositiveInt = 5
    acks: Literal[0, 1] = 1
    thread_count: Literal[1, 2] = 2
    spread: Literal["sticky", "keyed"] = "sticky"
    codec: Codec = "none"
    compress_by: Literal["batch", "message"] = "batch"

    @model_validator(mode="after")
    def _possible(self) -> "ProducersPart":
        if self.compress_by == "message" and self.codec == "none":
            raise ValueError(
                "compress_by=message with codec=none, expected a codec: there is nothing "
                "to compress with"
            )
        if self.burst_ms > self.period_ms:
            raise ValueError(
                f"burst_ms={self.burst_ms:g}, expected <= period_ms={self.period_ms:g}"
            )
        return self


class ConsumersPart(Part):
    """`group_count` groups that are alike; each of `member_count` members reads its partitions.

    A group starts `start_lag_byte_count` behind the end of the logs (0 follows the end), and the
    next one `lag_step_byte_count` further behind. `rate_bytes_per_s` is what one group works off:
    at the producers' rate it stays behind, without it it catches up as fast as it can.
    """

    group_count: Count = 1
    member_count: PositiveInt = 1
    start_lag_byte_count: Count = 0
    lag_step_byte_count: Count = 0
    rate_bytes_per_s: PositiveFloat | None = None
    fetch_min_byte_count: PositiveInt = 1
    fetch_max_wait_ms: NotNegative = 500.0
    partition_fetch_byte_count: PositiveInt = 1_048_576
    fetch_byte_count: PositiveInt = 52_428_800


class WorkloadPart(Part):
    """What the clients do for `duration_s` simulated seconds; figures leave `warm_up_s` out.

    `stored_byte_count` is what all partitions together hold at the start. `client_cores` `shared`
    runs the clients on the broker's machine.
    """

    duration_s: PositiveFloat = 10.0
    warm_up_s: NotNegative = 1.0
    partition_count: PositiveInt = 10
    stored_byte_count: Count = 0
    client_cores: Literal["own", "shared"] = "own"
    producers: ProducersPart = ProducersPart()
    consumers: dict[str, ConsumersPart] = Field(default={"tail": ConsumersPart()})

    @model_validator(mode="after")
    def _possible(self) -> "WorkloadPart":
        if self.warm_up_s >= self.duration_s:
            raise ValueError(
                f"warm_up_s={self.warm_up_s:g}, expected < duration_s={self.duration_s:g}"
            )
        for name, group in self.consumers.items():
            lag = group.start_lag_byte_count + group.lag_step_byte_count * (group.group_count - 1)
            if group.group_count and lag > self.stored_byte_count:
                raise ValueError(
                    f"consumers.{name} starts {lag} B behind with stored_byte_count="
                    f"{self.stored_byte_count}, expected at least as much stored at the start"
                )
        return self


class WritesPart(Part):
    """Instead of a broker: one program writes `piece_count` pieces, and syncs as `sync` says.

    `append` is a log; `random` rewrites places anywhere in a file of `file_byte_count`, as a B-tree
    does with its pages.
    """

    order: Literal["append", "random"]
    piece_byte_count: PositiveInt = 16_384
    piece_count: Annotated[int, Field(gt=0, le=1_000_000)] = 4_096
    file_byte_count: PositiveInt = 100_000_000_000
    sync: Literal["at-end", "every-write"] = "at-end"

    @model_validator(mode="after")
    def _possible(self) -> "WritesPart":
        if self.piece_byte_count > self.file_byte_count:
            raise ValueError(
                f"piece_byte_count={self.piece_byte_count}, expected <= "
                f"file_byte_count={self.file_byte_count}"
            )
        return self


class ScenarioPart(Part):
    """One run, whole: everything that the simulation is told but its seed.

    With `writes`, policy and workload have no say.
    """

    hardware: HardwarePart
    policy: PolicyPart = PolicyPart()
    workload: WorkloadPart = WorkloadPart()
    writes: WritesPart | None = None
