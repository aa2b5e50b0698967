"""How the broker behaves, with Kafka's names where Kafka has one."""

from typing import Literal

from msgspec import Struct

from iowitness.impl.admission import AdmissionLimits
from iowitness.impl.compression import ReadLimits
from iowitness.impl.connection import FrameLimits
from iowitness.impl.connection_clock import ConnectionTimes
from iowitness.impl.group_config import GroupConfig
from iowitness.impl.log_config import LogConfig
from iowitness.impl.tls_context import TlsFiles
from iowitness.impl.users_file import Users

ReadPath = Literal["sendfile", "copy"]


class ServerConfig(Struct, frozen=True, kw_only=True):
    """Settings of one broker.

    `port` 0 takes any free one. `advertised_host` is what clients are told, None for `host`.
    `read_path` `copy` is the control without zero-copy. With `users` everybody has to be one of
    them; without, `host` has to be a loopback address unless `is_insecure_listen_allowed`.
    `metrics_port` is Prometheus's, on loopback, 0 for any free one, None for none.
    Sizes in bytes.
    """

    host: str = "127.0.0.1"
    port: int = 0
    advertised_host: str | None = None
    node_id: int = 1
    auto_create_topics: bool = True
    default_partition_count: int = 1
    read_path: ReadPath = "sendfile"
    log: LogConfig = LogConfig()
    groups: GroupConfig = GroupConfig()
    frame_limits: FrameLimits = FrameLimits()
    times: ConnectionTimes = ConnectionTimes()
    admission: AdmissionLimits = AdmissionLimits()
    batch_limits: ReadLimits = ReadLimits(plain_byte_count=33_554_432)
    tls: TlsFiles | None = None
    users: Users | None = None
    is_insecure_listen_allowed: bool = False
    metrics_port: int | None = None
    max_fetch_byte_count: int = 57_671_680
    max_partition_count: int = 10_000
    retention_check_interval_ms: int = 300_000
    cleaner_backoff_ms: int = 15_000

    def __post_init__(self) -> None:
        if not 1 <= self.default_partition_count <= self.max_partition_count:
            raise ValueError(
                f"default_partition_count={self.default_partition_count}, "
                f"expected 1..{self.max_partition_count}"
            )
