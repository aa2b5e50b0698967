"""Real programs, recorded elsewhere, judged by the suites that come with the package."""

import lzma
from collections.abc import Mapping

import pytest

from iowitness.specs.append_only import AppendOnly
from iowitness.specs.atomic_replace import AtomicReplace
from iowitness.specs.claims import AnyClaim
from iowitness.specs.compression import Compression
from iowitness.specs.contract import judge, judge_history
from iowitness.specs.sequential_writes import SequentialWrites
from iowitness.specs.suite import load_suite
from iowitness.specs.synced_before_acknowledged import SyncedBeforeAcknowledged
from iowitness.specs.verdict import Outcome, Verdict
from iowitness.specs.zero_copy_reads import ZeroCopyReads
from tests.doubles.given_traces import given_history, given_trace

H, U, V = Outcome.HOLDS, Outcome.UNKNOWN, Outcome.VIOLATED


def judged(name: str, suite_name: str, settings: Mapping[str, str]) -> dict[str, Verdict]:
    history = given_history(name)
    suite = load_suite(suite_name, settings)
    verdicts = judge_history(suite.contracts_for_traces, history, root=suite.root)
    return {verdict.contract: verdict for verdict in verdicts}


def figures(verdict: Verdict) -> dict[str, float]:
    return {figure.name: figure.value for figure in verdict.figures}


def test_kafka_keeps_all_contracts_of_its_suite() -> None:
    verdicts = judged("kafka43", "kafka", {"root": "/srv/ref/data"})
    assert {name: one.outcome for name, one in verdicts.items()} == {
        "sequential-writes": H,
        "append-only": H,
        "zero-copy-reads": H,
        "batched-fetches": H,
    }
    writes = figures(verdicts["sequential-writes"])
    assert (writes["writes"], writes["files"]) == (1018, 4)
    # strace saw no fstat of the segments, so what their first writes had to follow is unknown.
    assert writes["first writes not judged"] == 4
    reads = figures(verdicts["zero-copy-reads"])
    assert (reads["bytes by sendfile"], reads["bytes by user buffers"]) == (11_830_182, 720)


@pytest.mark.parametrize("ending", ["index", "timeindex"])
@pytest.mark.parametrize("claim", [SequentialWrites, AppendOnly, ZeroCopyReads])
def test_kafkas_index_files_are_unknown_because_they_are_mapped(
    ending: str, claim: type[SequentialWrites | AppendOnly | ZeroCopyReads]
) -> None:
    contract: AnyClaim = claim(files=f"**/*-[0-9]*/[0-9]*.{ending}")
    verdict = judge(contract, given_history("kafka43"))
    assert verdict.outcome is U
    assert "mapp" in verdict.summary


@pytest.mark.parametrize(("topic", "codec"), [("plain", "none"), ("lz4t", "lz4")])
def test_kafka_stores_the_producers_codec(topic: str, codec: str) -> None:
    contract = {"claim": "compression", "files": f"**/{topic}-0/*.log", "codec": codec}
    verdict = judge(Compression.model_validate(contract), given_history("kafka43"))
    assert verdict.outcome is H
    other = {**contract, "codec": "gzip"}
    assert judge(Compression.model_validate(other), given_history("kafka43")).outcome is V


def test_kafka_replaces_its_checkpoints_atomically() -> None:
    verdict = judge(AtomicReplace(files="**/*checkpoint"), given_history("kafka43"))
    assert verdict.outcome is H
    assert figures(verdict)["files replaced"] == 13


def test_kafka_does_not_sync_before_it_acknowledges() -> None:
    claim = SyncedBeforeAcknowledged(files="**/plain-0/*.log", local_ports=29092)
    verdict = judge(claim, given_history("kafka43"))
    assert verdict.outcome is V
    assert "were not synced" in verdict.summary


def test_nginx_with_sendfile_is_zero_copy() -> None:
    verdicts = judged("nginx-sendfile-on", "static-files", {"root": "/srv/ref/www"})
    assert {one.outcome for one in verdicts.values()} == {H}
    assert figures(verdicts["zero-copy-reads"])["bytes by sendfile"] == 25_174_824


def test_nginx_without_sendfile_is_not_and_the_right_line_is_named() -> None:
    verdicts = judged("nginx-sendfile-off", "static-files", {"root": "/srv/ref/www"})
    verdict = verdicts["zero-copy-reads"]
    assert verdict.outcome is V
    assert verdict.summary.startswith("pread64 of 65536 B at 0 into a buffer of nginx")
    assert "(www/big.bin, nginx-sendfile-off.strace.xz:159)" in verdict.summary
    assert figures(verdict)["bytes above the allowance"] == 25_174_824
    assert verdicts["no-writes-to-the-root"].outcome is H


def test_the_named_line_of_nginx_is_the_read_of_the_large_file() -> None:
    verdict = judged("nginx-sendfile-off", "static-files", {"root": "/srv/ref/www"})
    (event,) = verdict["zero-copy-reads"].witnesses[0].events

    with lzma.open(given_trace("nginx-sendfile-off"), "rb") as lines:
        line = lines.read().splitlines()[event.line - 1]
    assert b"pread64(" in line
    assert b"/srv/ref/www/big.bin" in line
    assert b", 65536, 0) = 65536" in line


def test_redis_keeps_the_contracts_of_write_ahead_logs() -> None:
    verdicts = judged("redis-aof-always", "wal", {"log": "**/*.incr.aof"})
    assert {one.outcome for one in verdicts.values()} == {H}
    answers = figures(verdicts["answers-wait-for-the-log"])
    assert (answers["answers"], answers["writes"]) == (4001, 801)
    assert verdicts["write-ahead"].summary == "nothing matched, which is fine here"


def test_redis_only_appends_to_its_log() -> None:
    verdicts = judged("redis-aof-always", "append-only", {"files": "**/*.incr.aof"})
    assert verdicts["append-only"].outcome is H


@pytest.mark.parametrize(("files", "count"), [("*.base.rdb", 2), ("*.manifest", 4)])
def test_redis_replaces_base_and_manifest_atomically(files: str, count: int) -> None:
    settings = {"files": f"**/appendonlydir/{files}"}
    verdict = judged("redis-aof-always", "atomic-replace", settings)["atomic-replace"]
    assert verdict.outcome is H
    assert figures(verdict)["files replaced"] == count


def test_sqlites_log_is_written_in_sequence_within_each_checkpoint() -> None:
    verdicts = judged("sqlite-wal", "wal", {})
    assert verdicts["log-in-sequence"].outcome is H
    assert verdicts["write-ahead"].outcome is H
    assert figures(verdicts["write-ahead"])["events"] == 14


def test_sqlites_database_file_is_not_written_in_sequence() -> None:
    verdict = judge(SequentialWrites(files="**/sq-wal.db"), given_history("sqlite-wal"))
    assert verdict.outcome is V
