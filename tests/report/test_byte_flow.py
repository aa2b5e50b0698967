from iowitness.report.byte_flow import Flow, byte_flow
from iowitness.report.byte_flow_drawing import byte_flow_drawing
from iowitness.report.flow_words import flow_sentence
from iowitness.traces.events import Mapped, Read, Written
from iowitness.traces.history import History, constructed
from tests.strategies.report_histories import (
    BATCH_BYTE_COUNT,
    DATA_ROOT,
    Conduct,
    observed_history,
)

_STORED = 140 * BATCH_BYTE_COUNT


def test_produced_bytes_go_through_the_buffer_and_fetched_ones_past_it() -> None:
    flow = byte_flow(observed_history(Conduct()), DATA_ROOT)
    assert flow.flow("server writes") == Flow(_STORED, 140, ("pwrite64",))
    assert flow.flow("kernel transfers") == Flow(_STORED, 36, ("sendfile",))
    assert flow.flow("server reads") == Flow(36 * 17, 36, ("pread64",))
    assert flow.flow("clients send").byte_count == _STORED + 140 * 87
    assert flow.flow("server receives").byte_count == _STORED + 140 * 87
    assert flow.flow("clients receive").byte_count == _STORED + 36 * 74
    assert flow.flow("server sends").byte_count == 36 * 74


def test_index_files_are_counted_apart_from_segments() -> None:
    flow = byte_flow(observed_history(Conduct()), DATA_ROOT)
    assert flow.flow("server writes elsewhere") == Flow(140 * 8, 140, ("write",))


def test_a_copying_server_moves_everything_through_user_space() -> None:
    flow = byte_flow(observed_history(Conduct(copies=True)), DATA_ROOT)
    assert flow.user_space_share == 1.0
    assert flow.flow("kernel transfers") == Flow()
    assert flow.flow("server reads").byte_count == _STORED + 36 * 17
    assert "0 B went from segments to sockets inside the kernel" in flow_sentence(flow)


def test_without_marks_the_process_that_accepts_is_the_server() -> None:
    whole = observed_history(Conduct())
    unmarked = constructed(event for event in whole if type(event).__name__ != "Marked")
    flow = byte_flow(unmarked, DATA_ROOT)
    assert flow.server == "the server"
    assert flow.flow("kernel transfers").byte_count == _STORED
    assert flow.flow("clients send").byte_count == _STORED + 140 * 87


def test_clients_that_are_not_traced_are_said_to_be_so() -> None:
    whole = observed_history(Conduct())
    brokers = {4102, 4130}
    alone = constructed(event for event in whole if event.process_id in brokers)
    flow = byte_flow(alone, DATA_ROOT)
    assert not flow.clients_are_traced
    assert flow.flow("server receives").byte_count == _STORED + 140 * 87
    drawing = byte_flow_drawing(flow)
    assert "not traced" in drawing
    assert ">0 B<" not in drawing  # what was not watched is not nothing


def test_a_failed_read_moves_nothing() -> None:
    write = next(observed_history(Conduct()).of_kind(Written))
    failed = Read(
        start_ns=write.start_ns,
        end_ns=write.end_ns,
        process_id=write.process_id,
        thread_id=write.thread_id,
        call="pread64",
        error="EAGAIN",
        file=write.file,
        offset=0,
        byte_count=0,
        requested_byte_count=4096,
    )
    assert byte_flow(constructed([write, failed]), DATA_ROOT).flow("server reads") == Flow()


def test_a_mapped_segment_is_named_because_its_bytes_move_unseen() -> None:
    history = observed_history(Conduct())
    write = next(w for w in history.of_kind(Written) if w.file.path.endswith(".log"))
    mapped = Mapped(
        start_ns=write.start_ns,
        end_ns=write.end_ns,
        process_id=write.process_id,
        thread_id=write.thread_id,
        call="mmap",
        file=write.file,
        address=4096,
        offset=0,
        byte_count=4096,
        writable=False,
        shared=True,
    )
    flow = byte_flow(History(events=(*history.events, mapped)), DATA_ROOT)
    assert flow.mapped_count == 1
    assert "1 mapped" in byte_flow_drawing(flow)


def test_an_empty_history_draws_an_empty_picture() -> None:
    drawing = byte_flow_drawing(byte_flow(constructed(()), ""))
    assert drawing.count(">0 B<") == 5
    assert "No byte of the segments left the server." in drawing
