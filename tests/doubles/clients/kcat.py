"""kcat: a process for each thing that it is asked to do."""

import shutil
import subprocess
from collections.abc import Callable, Sequence
from itertools import groupby

import pytest

from tests.doubles.clients import PATIENCE_S, Sent, halves


class Kcat:
    codecs = ("none", "gzip", "snappy", "lz4", "zstd")
    most_partitions_read = None

    def __init__(self) -> None:
        if shutil.which("kcat") is None:
            pytest.skip("kcat is not installed")

    def produce(
        self,
        bootstrap: str,
        codec: str,
        records: Sequence[Sent],
        between: Callable[[], None] | None,
    ) -> None:
        first, second = halves(records)
        for half in (first, second):
            by_place = sorted(half, key=lambda one: one[:2])  # stable: a partition keeps its order
            for (topic, partition), group in groupby(by_place, key=lambda one: one[:2]):
                lines = b"".join(one.value + b"\n" for one in group)
                where = ("-t", topic, "-p", str(partition), "-z", codec)
                _run(bootstrap, "-P", *where, given=lines)
            if half is first and between is not None:
                between()

    def read_partition(self, bootstrap: str, topic: str, partition: int, count: int) -> list[bytes]:
        where = ("-t", topic, "-p", str(partition), "-o", "beginning", "-c", str(count))
        return _run(bootstrap, "-C", *where, "-X", "check.crcs=true").splitlines()

    def read_group(
        self, bootstrap: str, topics: Sequence[str], count: int, between: Callable[[], None]
    ) -> list[Sent]:
        came = _group(bootstrap, topics, count // 2)
        between()
        return came + _group(bootstrap, topics, count - len(came))


def _group(bootstrap: str, topics: Sequence[str], count: int) -> list[Sent]:
    """So many records as a new member of the group, which commits as it leaves."""
    settings = ("-X", "auto.offset.reset=earliest", "-f", "%t %p %s\n", "-c", str(count))
    told = _run(bootstrap, *settings, "-G", "kcat", *topics)
    fields = [line.split(b" ", 2) for line in told.splitlines()]
    return [Sent(topic.decode(), int(number), value) for topic, number, value in fields]


def _run(bootstrap: str, *arguments: str, given: bytes = b"") -> bytes:
    return subprocess.run(
        ["kcat", "-q", "-b", bootstrap, *arguments],
        input=given,
        capture_output=True,
        timeout=PATIENCE_S,
        check=True,
    ).stdout
