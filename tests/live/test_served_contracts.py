"""`iowitness serve` under strace with a real client: the contracts, on plaintext and behind TLS."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.doubles.certificates import made_certificates

pytestmark = [pytest.mark.live, pytest.mark.client]

confluent_kafka = pytest.importorskip("confluent_kafka")
_IOWITNESS = (sys.executable, "-m", "iowitness")
_VALUES = [b"%05d" % number + b"x" * 500 for number in range(4_000)]


def _judged(
    folder: Path, options: list[str], client: dict[str, str]
) -> dict[str, dict[str, object]]:
    """Serve under strace, produce and consume, stop, judge; the verdicts by contract."""
    trace, directory = folder / "serve.strace", folder / "data"
    serve = [*_IOWITNESS, "serve", "--dir", str(directory), "--port", "0", *options]
    traced = [*_IOWITNESS, "trace", "--out", str(trace), "--suite", "kafka", "--", *serve]
    with subprocess.Popen(traced, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("listening on "), line
        try:
            _through_the_broker(line.split()[2], client)
        finally:
            os.kill(_innermost(process.pid), signal.SIGTERM)
            process.communicate(timeout=60)
        assert process.returncode == 0
    check = [*_IOWITNESS, "check", str(trace), "--suite", "kafka", "--set", f"root={directory}"]
    found = subprocess.run([*check, "--json"], capture_output=True, text=True, check=False)
    verdicts = json.loads(found.stdout)["verdicts"]
    return {verdict["contract"]: verdict for verdict in verdicts}


def _through_the_broker(address: str, client: dict[str, str]) -> None:
    settings = {"bootstrap.servers": address, **client}
    producer = confluent_kafka.Producer({**settings, "linger.ms": 50})
    for value in _VALUES:
        producer.produce("t", value)
    assert producer.flush(30) == 0
    consumer = confluent_kafka.Consumer({**settings, "group.id": "g", "session.timeout.ms": 6_000})
    consumer.assign([confluent_kafka.TopicPartition("t", 0, 0)])
    values: list[bytes] = []
    while len(values) < len(_VALUES):
        messages = consumer.consume(1_000, 20)
        assert messages
        values += [message.value() for message in messages]
    consumer.close()
    assert values == _VALUES


def _innermost(process_id: int) -> int:
    """The process that a tracer started: the last of the only children."""
    while True:
        path = Path(f"/proc/{process_id}/task/{process_id}/children")
        children = [int(word) for word in path.read_text().split()]
        if not children:
            return process_id
        process_id = children[-1]


def test_on_plaintext_every_contract_holds(tmp_path: Path) -> None:
    verdicts = _judged(tmp_path, [], {})
    assert {name: verdict["outcome"] for name, verdict in verdicts.items()} == {
        "sequential-writes": "HOLDS",
        "append-only": "HOLDS",
        "zero-copy-reads": "HOLDS",
        "batched-fetches": "HOLDS",
    }


def test_behind_tls_zero_copy_is_violated_and_the_verdict_says_why(tmp_path: Path) -> None:
    made = made_certificates(tmp_path)
    options = ["--tls-cert", made.certificate, "--tls-key", made.key]
    client = {"security.protocol": "SSL", "ssl.ca.location": made.ca}
    verdicts = _judged(tmp_path, options, client)
    assert verdicts["sequential-writes"]["outcome"] == "HOLDS"
    assert verdicts["append-only"]["outcome"] == "HOLDS"
    assert verdicts["zero-copy-reads"]["outcome"] == "VIOLATED"
    told = json.dumps(verdicts["zero-copy-reads"])
    assert "pread64 of" in told
    assert "TLS" in told
    # What is encrypted is sent by no transfer, so nothing is said about transfers.
    assert verdicts["batched-fetches"]["outcome"] == "UNKNOWN"
