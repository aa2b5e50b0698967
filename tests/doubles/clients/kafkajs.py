"""kafkajs, installed once into .cache/kafkajs; a process for each thing that it is asked to do."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.clients import PATIENCE_S, Sent, halves

_REPOSITORY = Path(__file__).parents[3]
_SOURCE = _REPOSITORY / "tests" / "live" / "kafkajs"
_CACHE = _REPOSITORY / ".cache" / "kafkajs"
_INSTALL_S = 120


def _installed() -> Path:
    missing = [name for name in ("node", "npm") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"kafkajs needs {' and '.join(missing)}")
    package = (_SOURCE / "package.json").read_text()
    stamp = _CACHE / "stamp"
    if not stamp.exists() or stamp.read_text() != package:
        shutil.rmtree(_CACHE, ignore_errors=True)
        _CACHE.mkdir(parents=True)
        (_CACHE / "package.json").write_text(package)
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"]
        done = subprocess.run(
            command, cwd=_CACHE, capture_output=True, text=True, check=False, timeout=_INSTALL_S
        )
        if done.returncode != 0:
            pytest.skip(f"kafkajs could not be installed: {done.stderr[-300:]}")
        stamp.write_text(package)
    return _CACHE / "node_modules"


class KafkaJs:
    """Its other codecs come as packages of their own."""

    codecs = ("none", "gzip")
    most_partitions_read = None

    def __init__(self) -> None:
        self._modules = _installed()

    def produce(
        self,
        bootstrap: str,
        codec: str,
        records: Sequence[Sent],
        between: Callable[[], None] | None,
    ) -> None:
        first, second = halves(records)
        for half in (first, second):
            told = [
                {"topic": one.topic, "partition": one.partition, "value": one.value.decode()}
                for one in half
            ]
            self._run({"bootstrap": bootstrap, "codec": codec, "records": told})
            if half is first and between is not None:
                between()

    def read_partition(self, bootstrap: str, topic: str, partition: int, count: int) -> list[bytes]:
        """It has no way but a group: one that nobody else is in, the other partitions left out."""
        group = f"alone-{topic}-{partition}"
        came = self._read(bootstrap, group, [topic], count, partition=partition, commits=False)
        return [one.value for one in came]

    def read_group(
        self, bootstrap: str, topics: Sequence[str], count: int, between: Callable[[], None]
    ) -> list[Sent]:
        came = self._read(bootstrap, "kafkajs", topics, count // 2)
        between()
        return came + self._read(bootstrap, "kafkajs", topics, count - len(came))

    def _read(
        self,
        bootstrap: str,
        group: str,
        topics: Sequence[str],
        count: int,
        *,
        partition: int | None = None,
        commits: bool = True,
    ) -> list[Sent]:
        came = self._run(
            {
                "bootstrap": bootstrap,
                "group": group,
                "topics": list(topics),
                "count": count,
                "partition": partition,
                "commits": commits,
            }
        )
        return [Sent(one["topic"], one["partition"], one["value"].encode()) for one in came]

    def _run(self, order: dict[str, Any]) -> Any:
        done = subprocess.run(
            ["node", str(_SOURCE / "client.js")],
            input=json.dumps(order),
            env={
                **os.environ,
                "NODE_PATH": str(self._modules),
                "KAFKAJS_NO_PARTITIONER_WARNING": "1",
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout)
