"""Real programs of the distribution, run here under strace and judged by the ready suites."""

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from iowitness.specs import Outcome
from iowitness.traces.attachment import Attachment
from iowitness.traces.traced_processes import child_ids
from tests.doubles.ptrace_here import needs_strace
from tests.doubles.reference_kafka import ReferenceKafka
from tests.doubles.traced_server import free_port, judged, needed, once_it_answers, traced

pytestmark = [pytest.mark.live, needs_strace]

H, U, V = Outcome.HOLDS, Outcome.UNKNOWN, Outcome.VIOLATED


class TestNginx:
    @pytest.fixture
    def serve(self, tmp_path: Path) -> Callable[[str], Path]:
        """Two files served with sendfile `on` or `off`; the raw trace."""
        nginx, port = needed("nginx"), free_port()
        www = tmp_path / "www"
        www.mkdir()
        (www / "big").write_bytes(os.urandom(1 << 20))
        (www / "small").write_bytes(b"s" * 3000)
        kept = " ".join(
            f"{name}_temp_path {tmp_path};"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )

        def talk() -> None:
            is_tls = "ssl_certificate" in (tmp_path / "conf").read_text()
            url = f"{'https' if is_tls else 'http'}://127.0.0.1:{port}"
            any_name = ssl._create_unverified_context() if is_tls else None

            def fetched(name: str) -> bytes:
                with urllib.request.urlopen(f"{url}/{name}", context=any_name) as answer:
                    return bytes(answer.read())

            once_it_answers(lambda: fetched("small"))
            assert len(fetched("big")) == 1 << 20
            os.kill(int((tmp_path / "pid").read_text()), signal.SIGQUIT)

        def serve(sendfile: str) -> Path:
            port_words = f"127.0.0.1:{port}{' ssl' if 'ssl' in sendfile else ''}"
            (tmp_path / "conf").write_text(
                f"daemon off; user {'root' if os.geteuid() == 0 else 'nobody'};"
                f"pid {tmp_path}/pid; error_log {tmp_path}/error; worker_processes 1; events {{}}"
                f"http {{ access_log {tmp_path}/access; sendfile {sendfile}; {kept}"
                f"server {{ listen {port_words}; root {www}; }} }}"
            )
            raw = tmp_path / f"{sendfile[:3]}.strace"
            told = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            traced([nginx, "-c", f"{tmp_path}/conf", "-e", f"{tmp_path}/error"], raw, talk, **told)
            return raw

        return serve

    def test_with_sendfile_it_is_zero_copy_and_without_it_is_not(
        self, serve: Callable[[str], Path], tmp_path: Path
    ) -> None:
        www = str(tmp_path / "www")
        on = judged(serve("on"), "static-files", root=www)
        assert {one.outcome for one in on.values()} == {H}
        off = judged(serve("off"), "static-files", root=www)
        copied = off["zero-copy-reads"]
        assert copied.outcome is V
        assert "into a buffer of nginx" in copied.summary
        assert off["no-writes-to-the-root"].outcome is H

    def test_with_tls_it_is_not_and_the_hint_says_so(
        self, serve: Callable[[str], Path], tmp_path: Path
    ) -> None:
        openssl = needed("openssl")
        subprocess.run(
            [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
             "-nodes", "-subj", "/CN=localhost", "-keyout", f"{tmp_path}/key",
             "-out", f"{tmp_path}/certificate"],
            check=True, capture_output=True,
        )  # fmt: skip
        tls = f"on; ssl_certificate {tmp_path}/certificate; ssl_certificate_key {tmp_path}/key"
        verdicts = judged(serve(tls), "static-files", root=str(tmp_path / "www"))
        copied = verdicts["zero-copy-reads"]
        assert copied.outcome is V
        assert copied.hint is not None
        assert copied.hint.startswith("TLS is on: sendfile cannot be used")


class TestRedis:
    def serve(self, folder: Path, fsync: str) -> Path:
        server, port = needed("redis-server"), free_port()
        command = [server, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder),
                   "--save", "", "--appendonly", "yes", "--appendfsync", fsync]  # fmt: skip

        def talk() -> None:
            address = ("127.0.0.1", port)
            with once_it_answers(lambda: socket.create_connection(address, 5)) as client:

                def ask(request: str) -> bytes:
                    client.sendall(request.encode() + b"\r\n")
                    return client.recv(65_536)

                for number in range(20):
                    assert ask(f"SET a{number} {'v' * 100}") == b"+OK\r\n"
                ask("BGREWRITEAOF")
                once_it_answers(lambda: _no_rewrite(ask("INFO persistence")))
                assert ask("SET b v") == b"+OK\r\n"
                client.sendall(b"SHUTDOWN\r\n")
                client.recv(100)

        raw = folder / "redis.strace"
        traced(command, raw, talk, stdout=subprocess.DEVNULL)
        return raw

    def test_with_fsync_always_each_answer_waits_for_the_log(self, tmp_path: Path) -> None:
        raw = self.serve(tmp_path, "always")
        log = judged(raw, "wal", log="**/*.incr.aof")
        assert {one.outcome for one in log.values()} == {H}
        assert judged(raw, "append-only", files="**/*.incr.aof")["append-only"].outcome is H
        for files in ("**/*.base.rdb", "**/*.manifest"):
            replaced = judged(raw, "atomic-replace", files=files)["atomic-replace"]
            assert replaced.outcome is H, replaced.summary

    def test_with_fsync_every_second_answers_do_not_wait(self, tmp_path: Path) -> None:
        log = judged(self.serve(tmp_path, "everysec"), "wal", log="**/*.incr.aof")
        assert log["log-in-sequence"].outcome is H, log["log-in-sequence"].summary
        early = log["answers-wait-for-the-log"]
        assert early.outcome is V
        assert "were not synced, expected a sync in between" in early.summary


def _no_rewrite(told: bytes) -> None:
    done = b"aof_rewrite_in_progress:0" in told and b"aof_rewrite_scheduled:0" in told
    if not done:
        raise OSError("the rewrite goes on")


class TestSqlite:
    def fill(self, folder: Path, mode: str) -> Path:
        sqlite = needed("sqlite3")
        insert = "begin; insert into t values (randomblob(3000)); commit;"
        with tempfile.TemporaryFile() as script:
            script.write(f"pragma journal_mode={mode}; create table t(x); {insert * 6}".encode())
            script.seek(0)
            raw = folder / f"{mode}.strace"
            command = [sqlite, str(folder / "base.db")]
            traced(command, raw, stdin=script, stdout=subprocess.DEVNULL)
        return raw

    def test_its_log_is_in_sequence_and_its_database_is_not(self, tmp_path: Path) -> None:
        raw = self.fill(tmp_path, "wal")
        assert {one.outcome for one in judged(raw, "wal").values()} == {H}
        assert judged(raw, "append-only", files="**/*.db")["append-only"].outcome is V

    def test_a_rollback_journal_is_synced_before_the_database_and_its_head_is_written_anew(
        self, tmp_path: Path
    ) -> None:
        raw = self.fill(tmp_path, "delete")
        verdicts = judged(raw, "wal", log="**/*-journal")
        assert verdicts["write-ahead"].outcome is H
        assert verdicts["write-ahead"].event_count > 0
        head = verdicts["log-in-sequence"]
        assert head.outcome is V
        assert head.summary.startswith("write of 12 B at 0, expected")


class TestGit:
    def commit(self, folder: Path, *options: str) -> Path:
        git = needed("git")
        who = {f"GIT_{one}_{what}": "a@b" for one in ("AUTHOR", "COMMITTER")
               for what in ("NAME", "EMAIL")}  # fmt: skip
        env = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", **who}
        repository = folder / "repository"
        subprocess.run([git, "init", "-q", str(repository)], env=env, check=True)
        (repository / "file").write_text("text\n" * 1000)
        subprocess.run([git, "-C", str(repository), "add", "file"], env=env, check=True)
        raw = folder / "git.strace"
        traced([git, *options, "-C", str(repository), "commit", "-qm", "one"], raw, env=env)
        return raw

    _FILES = ("**/.git/refs/**", "**/.git/objects/[0-9a-f][0-9a-f]/*", "**/.git/index")

    def test_refs_objects_and_index_are_replaced_and_by_default_not_synced(
        self, tmp_path: Path
    ) -> None:
        raw = self.commit(tmp_path)
        readers = {"sync_file": "not-required", "sync_folder": "not-required"}
        for files in self._FILES:
            assert (
                judged(raw, "atomic-replace", files=files, **readers)["atomic-replace"].outcome is H
            )
            after_a_power_cut = judged(raw, "atomic-replace", files=files)["atomic-replace"]
            assert after_a_power_cut.outcome is V
            assert "was not synced, expected fsync before the rename" in after_a_power_cut.summary

    def test_core_fsync_syncs_the_files_and_never_their_folders(self, tmp_path: Path) -> None:
        raw = self.commit(tmp_path, "-c", "core.fsync=all")
        for files in self._FILES:
            one = judged(raw, "atomic-replace", files=files, sync_folder="not-required")
            assert one["atomic-replace"].outcome is H
            folder = judged(raw, "atomic-replace", files=files)["atomic-replace"]
            assert folder.outcome is V
            assert "expected fsync of the folder" in folder.summary


class TestPostgres:
    @pytest.fixture
    def folder(self) -> Iterator[Path]:
        """One that another user can enter: the server refuses to be root's."""
        with tempfile.TemporaryDirectory(prefix="iowitness-") as name:
            Path(name).chmod(0o777)
            yield Path(name)

    def serve(self, folder: Path) -> Path:
        newest = max(Path("/usr/lib/postgresql").glob("*/bin"), default=Path("/nowhere"))
        postgres, psql = needed("postgres", str(newest)), needed("psql", str(newest))
        initdb = str(Path(postgres).resolve().parent / "initdb")
        port, data = free_port(), folder / "data"
        user = [needed("setpriv"), "--reuid=nobody", "--clear-groups"]
        other = user if os.geteuid() == 0 else []
        subprocess.run(
            [*other, initdb, "-D", str(data), "-U", "me", "--auth=trust", "--wal-segsize=1",
             "--no-sync", "--no-locale"],
            check=True, capture_output=True,
        )  # fmt: skip
        client = [psql, "-h", "127.0.0.1", "-p", str(port), "-U", "me", "-q", "postgres"]

        def talk() -> None:
            quiet = {"check": True, "capture_output": True}
            first = [*client, "-c", "create table t(x text)"]
            once_it_answers(lambda: subprocess.run(first, **quiet), subprocess.CalledProcessError)
            insert = "insert into t select repeat('x', 2000) from generate_series(1, 40);\n"
            subprocess.run(client, input=(insert * 8 + "checkpoint;\n").encode(), **quiet)
            with contextlib.suppress(ProcessLookupError):
                os.kill(int((data / "postmaster.pid").read_text().split()[0]), signal.SIGINT)

        raw = folder / "postgres.strace"
        told = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        settings = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "autovacuum=off")
        options = [part for each in settings for part in ("-c", each)]
        command = [*other, postgres, "-D", str(data), "-p", str(port), *options]
        traced(command, raw, talk, **told)
        return raw

    def test_its_log_is_in_sequence_but_for_its_last_block_and_commits_wait_for_it(
        self, folder: Path
    ) -> None:
        raw = self.serve(folder)
        log = {"log": "**/pg_wal/0*", "first_write": "anywhere"}
        verdicts = judged(raw, "wal", rewritten_block="8192", **log)
        assert {name: one.outcome for name, one in verdicts.items()} == {
            "log-in-sequence": H,
            "write-ahead": H,
            "answers-wait-for-the-log": H,
        }
        assert verdicts["answers-wait-for-the-log"].event_count >= 8
        strictly = judged(raw, "wal", **log)["log-in-sequence"]
        assert strictly.outcome is V
        assert strictly.hint is not None
        assert "rewritten_block_byte_count: 8192" in strictly.hint


@pytest.mark.kafka
class TestReferenceKafka:
    def test_it_keeps_the_contracts_of_its_suite(self, tmp_path: Path) -> None:
        confluent_kafka = pytest.importorskip("confluent_kafka")
        kafka = ReferenceKafka(tmp_path)
        raw = tmp_path / "kafka.strace"
        with kafka.running():
            (broker,) = (one for one in child_ids(os.getpid()) if _is_kafka(one))
            with Attachment(broker, output=raw):
                servers = {"bootstrap.servers": kafka.address}
                producer = confluent_kafka.Producer({**servers, "linger.ms": 20})
                for number in range(20_000):
                    producer.produce("plain", b"%0100d" % number, partition=0)
                assert producer.flush(30) == 0
                consumer = confluent_kafka.Consumer({**servers, "group.id": "g"})
                consumer.assign([confluent_kafka.TopicPartition("plain", 0, 0)])
                count = 0
                while count < 20_000:
                    messages = consumer.consume(10_000, 20)
                    assert messages, f"{count} records, expected 20000"
                    count += len(messages)
                consumer.close()
        verdicts = judged(raw, "kafka", root=str(kafka.data))
        assert {name: one.outcome for name, one in verdicts.items()} == {
            "sequential-writes": H,
            "append-only": H,
            "zero-copy-reads": H,
            "batched-fetches": H,
        }, [one.summary for one in verdicts.values()]


def _is_kafka(process_id: int) -> bool:
    return b"kafka.Kafka" in Path(f"/proc/{process_id}/cmdline").read_bytes()
