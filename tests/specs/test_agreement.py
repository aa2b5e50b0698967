from iowitness.specs.agreement import AgreementRules, Comparison, Rule, compare
from iowitness.traces.events import File
from iowitness.traces.history import History
from tests.doubles.hand_written import LOG, PRODUCER, TO_BROKER, HandWritten

RELATIVE = File(77, "plain-0/00000000000000000000.log")
NEXT = File(2, "/data/plain-0/00000000000000000500.log")


def figure(predicted: History, observed: History, name: str, **rules: Rule) -> Comparison:
    agreement = compare(
        predicted,
        observed,
        AgreementRules(figures={key.replace("_", " "): rule for key, rule in rules.items()}),
        observed_root="/data",
    )
    return next(one for one in agreement.comparisons if one.figure == name)


def predicted(file: File = RELATIVE) -> HandWritten:
    told = HandWritten()
    told.role("producer", who=PRODUCER)
    told.opened(file)
    told.sent(1000, who=PRODUCER, channel=TO_BROKER)
    told.written(0, 1000, file)
    told.synced(file)
    told.received(50)
    told.transferred(0, 1000, file)
    return told


def test_the_same_calls_on_the_same_files_agree() -> None:
    agreement = compare(predicted().history(), predicted(LOG).history(), observed_root="/data")
    assert agreement.agrees
    assert agreement.compared_count == 4
    assert {one.figure: one.observed for one in agreement.comparisons} == {
        "segment operations": 3,
        "segment files": 1,
        "rolls": 0,
        "bytes written": 1000,
        "produce requests": 1,
        "fetches by sendfile": 1,
        "bytes by sendfile": 1000,
        "bytes read into buffers": 0,
        "segment syncs": 1,
    }


def test_how_the_kernel_sliced_the_calls_makes_no_difference() -> None:
    told = HandWritten()
    told.role("producer", who=PRODUCER)
    told.opened(LOG)
    told.sent(400, who=PRODUCER, channel=TO_BROKER, requested_byte_count=1000)
    told.sent(600, who=PRODUCER, channel=TO_BROKER)
    told.written(0, 100, requested_byte_count=1000)
    told.written(100, 0, requested_byte_count=900, error="EINTR")
    told.written(100, 900)
    told.synced(LOG)
    told.received(50)
    told.transferred(0, 300, requested_byte_count=1000)
    told.transferred(300, 0, requested_byte_count=700, error="EAGAIN")
    told.transferred(300, 700)
    agreement = compare(predicted().history(), told.history(), observed_root="/data")
    assert agreement.agrees


def test_two_whole_writes_are_not_one() -> None:
    told = HandWritten()
    told.opened(LOG)
    told.written(0, 500)
    told.written(500, 500)
    one = figure(predicted().history(), told.history(), "segment operations")
    assert not one.agrees
    assert one.differences[0].predicted == "write of 1000 B at 0"
    assert one.differences[0].observed == "write of 500 B at 0"
    assert one.differences[0].place == "plain-0/00000000000000000000.log, operation 1"
    assert one.differences[0].event is not None
    assert one.differences[0].event.line == 2


def test_two_fetches_that_adjoin_are_not_one() -> None:
    told = predicted(LOG)
    told.events[-1:] = []
    told.transferred(0, 400)
    told.received(50)
    told.transferred(400, 600)
    history = told.history()
    assert not figure(predicted().history(), history, "segment operations").agrees
    assert figure(predicted().history(), history, "bytes by sendfile").agrees
    assert figure(predicted().history(), history, "fetches by sendfile").observed == 2


def test_a_missing_operation_is_told_as_such() -> None:
    told = predicted(LOG)
    told.events.pop()
    one = figure(predicted().history(), told.history(), "segment operations")
    assert one.differences[0].observed == "nothing more"
    assert one.compared_count == 2


def test_another_order_of_segments_is_a_difference() -> None:
    first, second = predicted(LOG), predicted(NEXT)
    second.opened(LOG)
    first.opened(NEXT)
    one = figure(first.history(), second.history(), "segment files")
    assert one.predicted == one.observed == 1 + 1
    assert not compare(first.history(), second.history()).agrees


def test_nothing_at_all_does_not_agree() -> None:
    empty = HandWritten().history()
    agreement = compare(empty, empty)
    assert not agreement.agrees
    assert "nothing was compared" in agreement.comparisons[0].differences[0].observed


def test_a_band_lets_a_figure_lie_apart_and_no_rule_lets_it_lie_anywhere() -> None:
    more = predicted(LOG)
    more.sent(1000, who=PRODUCER, channel=TO_BROKER)
    ours, theirs = predicted().history(), more.history()
    name = "produce requests"
    assert not figure(ours, theirs, name).agrees
    assert not figure(ours, theirs, name, produce_requests=Rule(rule="band", tolerance=0.5)).agrees
    assert figure(ours, theirs, name, produce_requests=Rule(rule="band", tolerance=1.0)).agrees
    assert figure(ours, theirs, name, produce_requests=Rule(rule="informative")).agrees


def test_the_kind_of_a_request_is_read_where_bytes_were_kept() -> None:
    told = predicted(LOG)
    told.sent(300, who=PRODUCER, channel=TO_BROKER, data=bytes(4) + b"\0\x03" + bytes(20))
    told.sent(300, who=PRODUCER, channel=TO_BROKER, data=bytes(4) + b"\0\0" + bytes(20))
    assert figure(told.history(), told.history(), "produce requests").observed == 2


def test_files_elsewhere_are_not_compared() -> None:
    told = predicted(LOG)
    told.written(0, 5, File(3, "/var/log/other.log"))
    assert compare(predicted().history(), told.history(), observed_root="/data").agrees
