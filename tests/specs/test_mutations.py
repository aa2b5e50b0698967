"""A judge that never says no proves nothing: every mutation of a holding history must be caught.

The histories are a simulated run of the default suite, recorded programs, and small ones by hand.
"""

import functools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from iowitness.prediction import predict
from iowitness.specs.claims import AllOf, AnyClaim, AnyOf, Not, claim_names
from iowitness.specs.contract import judge
from iowitness.specs.suite import load_suite
from iowitness.specs.suite_yaml import read_suite
from iowitness.specs.verdict import Outcome
from iowitness.traces.events import (
    EVENT_KINDS,
    BlockIssued,
    Connected,
    File,
    Received,
    Sent,
    SocketOpened,
    Synced,
    Written,
)
from iowitness.traces.history import History
from tests.doubles import mutations as m
from tests.doubles.given_traces import given_history
from tests.doubles.hand_written import HandWritten
from tests.doubles.kafka_bytes import batch, request, stamped

SAMPLE_COUNT = 20
"""Mutants of one mutation that are tried; drawn with a fixed seed where there are more."""

_SEGMENT = m.of_path(".log")


def contract(text: str) -> AnyClaim:
    """A contract as a suite has it."""
    return read_suite(f"contracts: [{text}]", "mutations.yaml").contracts[0]


@functools.cache
def simulated() -> History:
    """A run of the default suite on the model's hardware."""
    return predict(load_suite("kafka").workload).history


def broker() -> History:
    """A broker with whole buffers: three batches in, stored, and out."""
    told = HandWritten()
    told.role("broker")
    told.opened()
    for number in range(3):
        one = batch(number, codec="gzip")
        told.received(len(request(one)), data=request(one))
        told.written(number * 200, 200, data=stamped(one, number))
    told.transferred(0, 600)
    return told.history(data_is_visible=True)


def orderly() -> History:
    """Three files opened with close-on-exec, written inside /data, and closed."""
    told = HandWritten()
    for number in range(3):
        told.opened(File(number, f"/data/{number}.log"), descriptor=5 + number, close_on_exec=True)
    for number in range(3):
        told.written(0, 10, File(number, f"/data/{number}.log"))
        told.closed(File(number, f"/data/{number}.log"), descriptor=5 + number)
    return told.history()


def write_ahead() -> History:
    """A log that is written and synced before the database, three times."""
    told = HandWritten()
    for number in range(3):
        told.written(number * 10, 10)
        told.synced()
        told.written(number * 10, 10, File(2, "/data/some.db"))
    return told.history()


def device() -> History:
    """Twenty requests to a device, one behind the other."""
    told = HandWritten()
    for number in range(20):
        told.add(
            BlockIssued,
            "block_rq_issue",
            device="sda",
            sector=1000 + number * 8,
            sector_count=8,
            operation="write",
        )
    return replace(told.history(), visible_kinds=frozenset(EVENT_KINDS))


@dataclass(frozen=True, slots=True)
class Case:
    """A contract, a history that keeps it, and what must break it."""

    contract: AnyClaim
    history: Callable[[], History]
    mutations: tuple[m.Mutation, ...]


def _redis(name: str) -> History:
    return given_history(name)


def _caller(event: object) -> int:
    return event.process_id  # type: ignore[attr-defined,no-any-return]  # an event has one


def _of_producer(event: object) -> bool:
    return getattr(event, "process_id", 0) in _producers()


@functools.cache
def _producers() -> frozenset[int]:
    events = simulated().events
    return frozenset(e.process_id for e in events if getattr(e, "name", "") == "producer-sender")


SEQUENTIAL = contract("{claim: sequential-writes, files: '**/*.log'}")
APPEND = contract("{claim: append-only, files: '**/*.log'}")
ZERO_COPY = contract("{claim: zero-copy-reads, files: '**/*.log', roles: broker}")
WRITE_AHEAD = contract(
    "{claim: order, every: {kinds: Written, files: '**/*.db'}, never_between: "
    "{from: {kinds: Written, files: '**/*.log'}, to: {kinds: Synced, files: '**/*.log'}}}"
)
_BASES = m.of_path("temp-rewriteaof-10599.aof", "temp-rewriteaof-10606.aof")
_INCREMENTAL = m.of_path(".incr.aof")

CASES = {
    "sequential-writes": Case(
        SEQUENTIAL,
        simulated,
        (
            m.shift_offset(_SEGMENT, 1),
            m.shift_offset(_SEGMENT, -1),
            m.shift_offset(_SEGMENT, 4096),
            m.swap_writes(_SEGMENT),
            m.drop(Written, _SEGMENT, followed=m.is_write),
            m.map_it(_SEGMENT, writable=True),
        ),
    ),
    "append-only": Case(
        APPEND,
        simulated,
        (
            m.shift_offset(_SEGMENT, -1),
            m.swap_writes(_SEGMENT),
            m.truncate_after_write(_SEGMENT),
            m.map_it(_SEGMENT, writable=True),
        ),
    ),
    "zero-copy-reads": Case(
        ZERO_COPY,
        simulated,
        (m.copy_instead_of_sendfile(_SEGMENT), m.map_it(_SEGMENT, writable=False)),
    ),
    "batched-sends": Case(
        contract("{claim: batched-sends, roles: producer, minimum_bytes_per_send: 4096}"),
        simulated,
        (m.split_sends(_of_producer, 200), m.split_sends(_of_producer, 4000)),
    ),
    "thread-roles": Case(
        contract("{claim: thread-roles, roles: producer, network_threads: producer-sender*}"),
        simulated,
        (m.to_thread((Sent, Received, Connected, SocketOpened), _of_producer, _caller),),
    ),
    "call-budget": Case(
        contract("{claim: call-budget, roles: producer, maximum_per_mib: 200}"),
        simulated,
        (m.split_sends(_of_producer, 1000),),
    ),
    "stored-as-sent": Case(
        contract("{claim: stored-as-sent, files: '**/*.log', roles: broker}"),
        broker,
        (
            m.flip_byte(_SEGMENT, 8, 16, 17, 100, 199),
            m.drop(Received, m.anything),
            m.drop(Written, _SEGMENT),
            m.shift_offset(_SEGMENT, 500),
            m.map_it(_SEGMENT, writable=True),
        ),
    ),
    "compression": Case(
        contract("{claim: compression, files: '**/*.log', codec: gzip}"),
        broker,
        (*(m.set_codec(_SEGMENT, number) for number in (0, 2, 3, 4)),),
    ),
    "synced-before-acknowledged": Case(
        contract("{claim: synced-before-acknowledged, files: '**/*.incr.aof'}"),
        lambda: _redis("redis-aof-always"),
        (
            m.drop(Synced, _INCREMENTAL, followed=m.is_write),
            m.fail(Synced, lambda e: _INCREMENTAL(e) and e.line < 10_000, "EIO"),
            m.swap_in_time(Written, Synced, _INCREMENTAL),
        ),
    ),
    "atomic-replace": Case(
        contract("{claim: atomic-replace, files: '**/appendonlydir/*.base.rdb'}"),
        lambda: _redis("redis-aof-always"),
        (
            m.drop(Synced, _BASES),
            m.fail(Synced, _BASES, "EIO"),
            m.drop_all(Synced, m.of_path("/appendonlydir")),
        ),
    ),
    "order": Case(
        WRITE_AHEAD,
        write_ahead,
        (m.drop(Synced, m.anything), m.fail(Synced, m.anything, "EIO")),
    ),
    "no-reads-of": Case(
        contract("{claim: no-reads-of, files: '/data/**'}"),
        orderly,
        (m.read_it(m.anything), m.map_it(m.anything, writable=False)),
    ),
    "no-writes-outside": Case(
        contract("{claim: no-writes-outside, files: '/data/**'}"),
        orderly,
        (m.to_other_file(Written, m.anything, File(50, "/etc/passwd")),),
    ),
    "never-synced-in": Case(
        contract("{claim: never-synced-in, files: '/data/**'}"),
        orderly,
        (m.insert_sync(m.anything),),
    ),
    "fd-hygiene": Case(
        contract("{claim: fd-hygiene}"),
        orderly,
        (m.without_close_on_exec(m.anything), m.closed_by_the_end(m.anything)),
    ),
    "device-sequential": Case(
        contract("{claim: device-sequential}"), device, (m.shift_sectors(64),)
    ),
    "all": Case(
        AllOf(of=(SEQUENTIAL, APPEND)),
        simulated,
        (m.shift_offset(_SEGMENT, 1), m.truncate_after_write(_SEGMENT)),
    ),
    "any": Case(AnyOf(of=(SEQUENTIAL, APPEND)), simulated, (m.shift_offset(_SEGMENT, -1),)),
    "not": Case(
        Not(of=WRITE_AHEAD),
        lambda: replace(
            write_ahead(),
            events=tuple(e for e in write_ahead().events if not isinstance(e, Synced))
            + tuple(e for e in write_ahead().events if isinstance(e, Synced)),
        ),
        (m.drop_all(Written, m.of_path(".db")),),
    ),
}


def mutants(case: Case) -> Iterator[History]:
    """The mutated histories of a case, a fixed sample of each mutation."""
    history = case.history()
    for number, mutation in enumerate(case.mutations):
        found = list(mutation(history.events))
        assert found, f"mutation {number} applies nowhere"
        if len(found) > SAMPLE_COUNT:
            found = random.Random(number).sample(found, SAMPLE_COUNT)
        for events in found:
            yield replace(history, events=events)


def test_every_claim_has_mutations() -> None:
    assert set(CASES) == set(claim_names())


@pytest.mark.parametrize("name", CASES)
def test_every_mutation_is_caught(
    name: str, record_property: Callable[[str, object], None], capsys: pytest.CaptureFixture[str]
) -> None:
    case = CASES[name]
    assert judge(case.contract, case.history()).outcome is Outcome.HOLDS
    outcomes = [judge(case.contract, mutant).outcome for mutant in mutants(case)]
    caught = sum(outcome is not Outcome.HOLDS for outcome in outcomes)
    score = f"{caught} of {len(outcomes)} mutants caught ({caught / len(outcomes):.0%})"
    record_property("mutation score", score)
    with capsys.disabled():
        print(f"\n{name}: {score}", end="")
    assert caught == len(outcomes)
