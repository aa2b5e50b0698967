"""The Java client by its console tools, out of the reference Kafka; a process for each call."""

import subprocess
from collections.abc import Callable, Sequence

from iowitness.impl.partitioner import partition_of_key
from tests.doubles.clients import Sent, halves
from tests.doubles.reference_kafka import java_command

_PATIENCE_S = 120.0
_PRODUCER = "org.apache.kafka.tools.ConsoleProducer"
_CONSUMER = "org.apache.kafka.tools.consumer.ConsoleConsumer"
_PARTITION_COUNT = 2


class JavaConsole:
    """Its producer takes no partition, but a key, which its hash sends to one."""

    codecs = ("none", "gzip", "snappy", "lz4", "zstd")
    most_partitions_read = 2

    def produce(
        self,
        bootstrap: str,
        codec: str,
        records: Sequence[Sent],
        between: Callable[[], None] | None,
    ) -> None:
        for half in (records,) if between is None else halves(records):
            lines = b"".join(_key(one.partition) + b"|" + one.value + b"\n" for one in half)
            properties = ("--reader-property", "parse.key=true")
            separator = ("--reader-property", "key.separator=|")
            where = ("--topic", records[0].topic, "--compression-codec", codec)
            _run(_PRODUCER, bootstrap, *where, *properties, *separator, given=lines)
            if between is not None and half is not records and half[0] is records[0]:
                between()

    def read_partition(self, bootstrap: str, topic: str, partition: int, count: int) -> list[bytes]:
        where = ("--topic", topic, "--partition", str(partition), "--offset", "earliest")
        return _run(_CONSUMER, bootstrap, *where, "--max-messages", str(count)).splitlines()

    def read_group(
        self, bootstrap: str, topics: Sequence[str], count: int, between: Callable[[], None]
    ) -> list[Sent]:
        came = _group(bootstrap, topics, count // 2)
        between()
        return came + _group(bootstrap, topics, count - len(came))


def _group(bootstrap: str, topics: Sequence[str], count: int) -> list[Sent]:
    """So many records as a new member of the group, which commits as it leaves.

    The tool prints no topic, but our values begin with it.
    """
    which = ("--include", "|".join(topics), "--group", "java", "--from-beginning")
    shown = ("--formatter-property", "print.partition=true", "--max-messages", str(count))
    came = []
    for line in _run(_CONSUMER, bootstrap, *which, *shown).splitlines():
        partition, value = line.removeprefix(b"Partition:").split(b"\t", 1)
        topic = b"-".join(value.split(b"-")[:2]).decode()
        came.append(Sent(topic, int(partition), value))
    return came


def _key(partition: int) -> bytes:
    keys = (b"k%d" % number for number in range(100))
    return next(key for key in keys if partition_of_key(key, _PARTITION_COUNT) == partition)


def _run(tool: str, bootstrap: str, *arguments: str, given: bytes = b"") -> bytes:
    done = subprocess.run(
        java_command(tool, "--bootstrap-server", bootstrap, *arguments),
        input=given,
        capture_output=True,
        check=False,
        timeout=_PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout
