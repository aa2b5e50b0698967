from iowitness.specs.contract import judge
from iowitness.specs.verdict import Outcome, Verdict
from iowitness.specs.zero_copy_reads import ZeroCopyReads
from iowitness.traces.events import File
from tests.doubles.hand_written import BROKER, LOG, PRODUCER, HandWritten

LOGS = ZeroCopyReads(files="**/*.log", roles="broker")


def judged(told: HandWritten, claim: ZeroCopyReads = LOGS) -> Verdict:
    return judge(claim, told.history())


def broker() -> HandWritten:
    told = HandWritten()
    told.role("broker")
    return told


def test_payload_by_sendfile_holds() -> None:
    told = broker()
    told.transferred(0, 4096)
    verdict = judged(told)
    assert verdict.outcome is Outcome.HOLDS
    assert verdict.summary == "4,096 B in 1 transfer, no payload through user buffers"


def test_one_read_of_payload_is_a_violation() -> None:
    told = broker()
    told.transferred(0, 4096)
    told.read(4096, 512)
    verdict = judged(told)
    assert verdict.outcome is Outcome.VIOLATED
    assert verdict.summary == (
        "pread64 of 512 B at 4096 into a buffer of broker, thread 100, expected at most 61 B "
        "(plain-0/0….log, broker.strace:3)"
    )
    assert verdict.hint is not None
    assert "TLS" in verdict.hint


def test_reading_heads_to_find_a_place_holds() -> None:
    told = broker()
    for offset in range(0, 100_000, 10_000):
        told.read(offset, 17)
        told.read(offset, 61)
    told.transferred(0, 4096)
    verdict = judged(told)
    assert verdict.outcome is Outcome.HOLDS
    assert {f.name: f.value for f in verdict.figures} == {
        "bytes by sendfile": 4096,
        "bytes by user buffers": 780,
        "bytes above the allowance": 0,
    }


def test_a_copy_in_pieces_as_small_as_heads_is_still_a_copy() -> None:
    told = broker()
    for offset in range(0, 610, 61):
        told.read(offset, 61)
    verdict = judged(told)
    assert verdict.outcome is Outcome.VIOLATED
    assert verdict.witness_count == 1


def test_reading_without_transferring_shows_nothing() -> None:
    told = broker()
    told.read(0, 17)
    assert judged(told).outcome is Outcome.UNKNOWN


def test_a_mapping_of_the_file_is_never_holds() -> None:
    told = broker()
    told.transferred(0, 4096)
    told.mapped(writable=False, shared=True)
    verdict = judged(told)
    assert verdict.outcome is Outcome.UNKNOWN
    assert "4096 B mapped by broker" in verdict.summary


def test_io_uring_of_the_server_is_never_holds() -> None:
    told = broker()
    told.transferred(0, 4096)
    told.unverifiable()
    assert judged(told).outcome is Outcome.UNKNOWN


def test_io_uring_on_another_file_does_no_harm() -> None:
    told = broker()
    told.transferred(0, 4096)
    told.unverifiable(endpoint=File(9, "/data/other"))
    assert judged(told).outcome is Outcome.HOLDS


def test_what_other_processes_read_is_not_the_servers() -> None:
    told = broker()
    told.transferred(0, 4096)
    told.read(0, 4096, who=PRODUCER)
    told.mapped(who=PRODUCER)
    told.unverifiable(who=PRODUCER)
    assert judged(told).outcome is Outcome.HOLDS


def test_a_forked_child_has_its_parents_role() -> None:
    told = broker()
    told.forked(BROKER, 101)
    told.read(0, 4096, who=101)
    assert judged(told).outcome is Outcome.VIOLATED


def test_the_end_of_a_file_and_failures_are_no_payload() -> None:
    told = broker()
    told.transferred(0, 4096)
    told.read(4096, 0, requested_byte_count=4096)
    told.read(0, 0, requested_byte_count=4096, error="EAGAIN")
    assert judged(told).outcome is Outcome.HOLDS


def test_the_allowance_is_the_suites_to_set() -> None:
    told = broker()
    told.transferred(0, 4096)
    told.read(0, 61)
    assert judged(told, ZeroCopyReads(files="**/*.log", head_bytes=17)).outcome is Outcome.VIOLATED


def test_a_file_renamed_into_the_selection_is_selected() -> None:
    told = broker()
    aside = File(7, "/data/aside.tmp")
    told.transferred(0, 4096)
    told.read(0, 4096, aside)
    assert judged(told).outcome is Outcome.HOLDS
    told.renamed(aside, aside.path, LOG.path)
    told.read(0, 4096, aside)
    assert judged(told).outcome is Outcome.VIOLATED


def test_where_tls_is_on_the_hint_says_so() -> None:
    told = broker()
    told.read(0, 4096)
    told.sent(4118, data=b"\x17\x03\x03\x10\x11...")
    verdict = judged(told)
    assert verdict.outcome is Outcome.VIOLATED
    assert verdict.hint == (
        "TLS is on: sendfile cannot be used, unless the kernel itself encrypts (kTLS)"
    )


def test_bytes_that_only_begin_like_tls_do_not_change_the_hint() -> None:
    for data in (b"\x17\x03", b"\x17\x04\x03\0\0", b"HTTP/1.1 200", None):
        told = broker()
        told.read(0, 4096)
        told.sent(4118, data=data)
        hint = judged(told).hint
        assert hint is not None
        assert "TLS is on" not in hint
