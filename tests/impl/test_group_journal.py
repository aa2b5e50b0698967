"""`__consumer_offsets`: the records, where a group is kept, and that it does not grow."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iowitness.impl import group_journal
from iowitness.impl.batch_writer import ProducerStamp, encode_batch
from iowitness.impl.control_records import Marker, MarkerKind, encode_marker
from iowitness.impl.group_journal import OFFSETS_TOPIC, partition_of_group
from iowitness.impl.group_records import (
    GroupKey,
    GroupValue,
    OffsetKey,
    OffsetValue,
    SavedMember,
    encode_key,
    encode_value,
    read_key,
    read_value,
)
from iowitness.impl.record_writer import RecordFields
from iowitness.impl.wire_errors import ErrorCode, ProtocolViolation
from tests.doubles.asked_broker import AskedBroker
from tests.doubles.forgetting_files import Crashed

names = st.text(max_size=30)
offset_keys = st.builds(OffsetKey, group=names, topic=names, partition=st.integers(0, 2**31 - 1))
offset_values = st.builds(
    OffsetValue,
    offset=st.integers(-1, 2**63 - 1),
    leader_epoch=st.integers(-1, 2**31 - 1),
    metadata=names,
    commit_timestamp=st.integers(-1, 2**63 - 1),
)
saved_members = st.builds(
    SavedMember,
    member_id=names,
    group_instance_id=st.none() | names,
    client_id=names,
    client_host=names,
    rebalance_timeout=st.integers(0, 2**31 - 1),
    session_timeout=st.integers(0, 2**31 - 1),
    subscription=st.binary(max_size=20),
    assignment=st.binary(max_size=20),
)
group_values = st.builds(
    GroupValue,
    protocol_type=names,
    generation=st.integers(0, 2**31 - 1),
    protocol=st.none() | names,
    leader=st.none() | names,
    current_state_timestamp=st.integers(-1, 2**63 - 1),
    members=st.lists(saved_members, max_size=3).map(tuple),
)


def key(partition: int = 0, group: str = "g") -> OffsetKey:
    return OffsetKey(group=group, topic="t", partition=partition)


def broker_with_topic() -> AskedBroker:
    broker = AskedBroker()
    broker.topics.create("t", 1, now_ms=1)
    return broker


def value(offset: int) -> OffsetValue:
    return OffsetValue(offset=offset, commit_timestamp=1)


class TestRecords:
    @given(offset_keys, offset_values)
    def test_an_offset_comes_back(self, one: OffsetKey, committed: OffsetValue) -> None:
        assert read_key(encode_key(one)) == one
        assert read_value(one, encode_value(committed)) == committed

    @given(names, group_values)
    def test_a_group_comes_back(self, name: str, group: GroupValue) -> None:
        one = GroupKey(group=name)
        assert read_key(encode_key(one)) == one
        assert read_value(one, encode_value(group)) == group

    def test_they_have_kafkas_bytes(self) -> None:
        assert encode_key(key(5)) == b"\0\1" + b"\0\1g" + b"\0\1t" + b"\0\0\0\5"
        assert encode_key(GroupKey(group="g")) == b"\0\2" + b"\0\1g"
        committed = OffsetValue(offset=7, leader_epoch=2, metadata="m", commit_timestamp=9)
        assert encode_value(committed) == b"\0\3" + struct.pack(">qi", 7, 2) + b"\0\1m" + (
            struct.pack(">q", 9)
        )

    @pytest.mark.parametrize(
        ("stored", "expected"),
        [
            (b"\0\0" + struct.pack(">q", 7) + b"\0\1m" + struct.pack(">q", 9), -1),
            (b"\0\1" + struct.pack(">q", 7) + b"\0\1m" + struct.pack(">qq", 9, 99), -1),
            (b"\0\2" + struct.pack(">q", 7) + b"\0\1m" + struct.pack(">q", 9), -1),
            (b"\0\4" + struct.pack(">qi", 7, 2) + b"\2m" + struct.pack(">q", 9) + b"\0", 2),
        ],
        ids=["version 0", "version 1", "version 2", "version 4"],
    )
    def test_every_version_of_an_offset_is_read(self, stored: bytes, expected: int) -> None:
        read = read_value(key(), stored)
        assert isinstance(read, OffsetValue)
        assert (read.offset, read.metadata, read.commit_timestamp) == (7, "m", 9)
        assert read.leader_epoch == expected

    def test_other_kinds_of_keys_are_passed_over_and_other_values_refused(self) -> None:
        assert read_key(b"\0\3" + b"whatever") is None
        with pytest.raises(ProtocolViolation, match=r"value version=5, expected 0\.\.4"):
            read_value(key(), b"\0\5")


@pytest.mark.parametrize(
    ("group", "count", "partition"),
    [
        ("test", 50, 3_556_498 % 50),
        ("polygenelubricants", 50, 0),  # the hash is -2**31, whose absolute value Java has not
        ("hello", 7, 99_162_322 % 7),
        ("\N{PILE OF POO}", 50, 1_772_556 % 50),
    ],
)
def test_a_group_is_kept_where_kafka_keeps_it(group: str, count: int, partition: int) -> None:
    assert partition_of_group(group, count) == partition


class TestLoading:
    def broker(self) -> AskedBroker:
        broker = broker_with_topic()
        broker.topics.create(OFFSETS_TOPIC, 1, now_ms=1)
        return broker

    def append(self, broker: AskedBroker, *stored: bytes) -> None:
        log = broker.topics.by_name[OFFSETS_TOPIC].partitions[0].log
        for batch in stored:
            log.append(batch, now_ms=1)

    def fields(self, partition: int, offset: int | None) -> RecordFields:
        committed = None if offset is None else encode_value(value(offset))
        return (1, encode_key(key(partition)), committed, ())

    def loaded(self, broker: AskedBroker) -> dict[int, int]:
        broker.kill()
        committed = broker.state.groups.offsets.committed.of("g")
        return {number: one.offset for (_, number), one in committed.items()}

    def test_the_latest_counts_and_what_was_removed_does_not(self) -> None:
        broker = self.broker()
        self.append(
            broker,
            encode_batch([self.fields(0, 1), self.fields(1, 2)]),
            encode_batch([self.fields(0, 3), self.fields(1, None)]),
        )
        assert self.loaded(broker) == {0: 3}

    @pytest.mark.parametrize(
        ("end", "expected"),
        [(MarkerKind.COMMIT, {0: 2}), (MarkerKind.ABORT, {0: 1}), (None, {0: 1})],
    )
    def test_a_transaction_counts_once_it_is_committed(
        self, end: MarkerKind | None, expected: dict[int, int]
    ) -> None:
        broker = self.broker()
        transaction = ProducerStamp.transactional(9, 0, 0)
        self.append(
            broker,
            encode_batch([self.fields(0, 1)]),
            encode_batch([self.fields(0, 2)], stamp=transaction),
        )
        if end is not None:
            self.append(broker, encode_marker(Marker(end, 0), 1, 9, 0))
        assert self.loaded(broker) == expected

    def test_what_cannot_be_understood_is_passed_over(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        broker = self.broker()
        self.append(
            broker,
            encode_batch([(1, b"\0\7other", b"v", ()), (1, None, b"v", ())]),
            encode_batch([(1, b"\0", b"v", ()), (1, encode_key(key(1)), b"\0\x63", ())]),
            encode_batch([self.fields(0, 5)]),
        )
        assert self.loaded(broker) == {0: 5}
        assert len([one for one in caplog.messages if "passed over" in one]) == 2

    def test_a_directory_with_more_partitions_is_continued(self) -> None:
        broker = broker_with_topic()
        broker.topics.create(OFFSETS_TOPIC, 50, now_ms=1)
        for group in ("g", "test", "hello"):
            error = broker.state.groups.commit(group, {key(0, group): value(4)}, now_ns=0)
            assert error is ErrorCode.NONE
        partitions = broker.topics.by_name[OFFSETS_TOPIC].partitions
        used = {one.number for one in partitions if one.log.end_offset}
        assert used == {partition_of_group(one, 50) for one in ("g", "test", "hello")}
        broker.kill()
        assert broker.state.groups.offsets.committed.groups() == {"g", "test", "hello"}


class TestRewriting:
    @pytest.fixture(autouse=True)
    def small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(group_journal, "_LEAST_REWRITE_BYTE_COUNT", 4_000)

    def commit(self, broker: AskedBroker, count: int, first: int = 0) -> None:
        for offset in range(first, first + count):
            values = {key(offset % 3): value(offset)}
            assert broker.state.groups.commit("g", values, now_ns=0) is ErrorCode.NONE

    def byte_count(self, broker: AskedBroker) -> int:
        return broker.topics.by_name[OFFSETS_TOPIC].partitions[0].log.byte_count

    def test_what_was_superseded_goes(self) -> None:
        broker = broker_with_topic()
        self.commit(broker, 2_000)
        assert self.byte_count(broker) <= 4_000 + 200
        log = broker.topics.by_name[OFFSETS_TOPIC].partitions[0].log
        assert len(log.segments) == 1
        assert log.start_offset > 1_500
        broker.kill()
        committed = broker.state.groups.offsets.committed.of("g")
        assert {one.offset for one in committed.values()} == {1_997, 1_998, 1_999}

    def test_a_large_state_is_not_rewritten_for_every_commit(self) -> None:
        broker = broker_with_topic()
        many = {key(partition): value(1) for partition in range(2_000)}
        assert broker.state.groups.commit("g", many, now_ns=0) is ErrorCode.NONE
        kept = self.byte_count(broker)
        log = broker.topics.by_name[OFFSETS_TOPIC].partitions[0].log
        start_offset = log.start_offset
        self.commit(broker, 100)
        assert (log.start_offset, kept > 4_000) == (start_offset, True)

    @pytest.mark.parametrize("calls", range(1, 40, 2))
    def test_a_stop_in_the_middle_loses_nothing(self, calls: int) -> None:
        broker = broker_with_topic()
        self.commit(broker, 30)
        journal_log = broker.topics.by_name[OFFSETS_TOPIC].partitions[0].log
        journal_log.flush()
        journal = broker.state.groups._journal
        broker.files.calls_until_crash = calls
        with contextlib.suppress(Crashed):
            journal.rewrite(0, broker.state.groups._everything(), now_ms=1)
        broker.crash(calls)
        committed = broker.state.groups.offsets.committed.of("g")
        assert {one.offset for one in committed.values()} == {27, 28, 29}
        self.commit(broker, 3, first=30)
        broker.kill()
        committed = broker.state.groups.offsets.committed.of("g")
        assert {one.offset for one in committed.values()} == {30, 31, 32}
