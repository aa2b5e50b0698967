"""Topics made, grown, changed and removed by request, and what of that survives."""

import contextlib
from typing import Any

import pytest

from iowitness.impl.api_table import ApiKey
from iowitness.impl.batch_writer import encode_values
from iowitness.impl.log_config import Cleanup
from iowitness.impl.messages.admin import (
    AlterableConfig,
    AlterConfigsRequest,
    AlterConfigsResource,
    AlterConfigsResponse,
    ChangingResource,
    ConfigChange,
    ConfigResource,
    CreatePartitionsRequest,
    CreatePartitionsResponse,
    CreateTopicsRequest,
    CreateTopicsResponse,
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsResponse,
    DeleteRecordsTopic,
    DeleteTopicsRequest,
    DeleteTopicsResponse,
    DescribeClusterRequest,
    DescribeClusterResponse,
    DescribeConfigsRequest,
    DescribeConfigsResponse,
    DescribedConfig,
    DoomedTopic,
    GrowingTopic,
    IncrementalAlterConfigsRequest,
    MadeTopic,
    PartitionAssignment,
    ReplicaAssignment,
    TopicSetting,
    WantedTopic,
)
from iowitness.impl.wire_errors import ErrorCode
from tests.doubles.asked_broker import FOLDER, AskedBroker
from tests.doubles.forgetting_files import Crashed

TOPIC, BROKER = 2, 4


def wanted(name: str, partitions: int = 1, replicas: int = 1, **settings: str) -> WantedTopic:
    return WantedTopic(
        name=name,
        num_partitions=partitions,
        replication_factor=replicas,
        configs=tuple(
            TopicSetting(name=setting.replace("_", "."), value=value)
            for setting, value in settings.items()
        ),
    )


def create(
    broker: AskedBroker, *topics: WantedTopic, validate_only: bool = False
) -> list[MadeTopic]:
    request = CreateTopicsRequest(topics=topics, validate_only=validate_only)
    return list(broker.ask(CreateTopicsResponse, ApiKey.CREATE_TOPICS, 7, request).topics)


def delete(broker: AskedBroker, *names: str) -> list[int]:
    request = DeleteTopicsRequest(topics=tuple(DoomedTopic(name=name) for name in names))
    response = broker.ask(DeleteTopicsResponse, ApiKey.DELETE_TOPICS, 6, request)
    return [one.error_code for one in response.responses]


def settings_of(broker: AskedBroker, topic: str, *keys: str) -> dict[str, DescribedConfig]:
    request = DescribeConfigsRequest(
        resources=(
            ConfigResource(resource_type=TOPIC, resource_name=topic, configuration_keys=keys),
        ),
        include_synonyms=True,
    )
    (told,) = broker.ask(DescribeConfigsResponse, ApiKey.DESCRIBE_CONFIGS, 4, request).results
    assert told.error_code == ErrorCode.NONE
    return {one.name: one for one in told.configs}


def change(broker: AskedBroker, topic: str, *changes: tuple[str, int, str | None]) -> int:
    request = IncrementalAlterConfigsRequest(
        resources=(
            ChangingResource(
                resource_type=TOPIC,
                resource_name=topic,
                configs=tuple(
                    ConfigChange(name=name, config_operation=operation, value=value)
                    for name, operation, value in changes
                ),
            ),
        )
    )
    response = broker.ask(AlterConfigsResponse, ApiKey.INCREMENTAL_ALTER_CONFIGS, 1, request)
    return response.responses[0].error_code


class TestCreating:
    def test_a_topic_has_the_partitions_and_settings_asked_for_after_a_restart_too(self) -> None:
        broker = AskedBroker()
        (made,) = create(broker, wanted("t", 3, segment_bytes="4096", cleanup_policy="compact"))
        assert (made.error_code, made.num_partitions, made.replication_factor) == (0, 3, 1)
        assert {one.name: one.value for one in made.configs or ()}["segment.bytes"] == "4096"
        for _ in range(2):
            topic = broker.topics.by_name["t"]
            assert (len(topic.partitions), topic.topic_id) == (3, made.topic_id)
            config = topic.partitions[2].log.config
            assert (config.segment_byte_count, config.cleanup) == (4_096, Cleanup.COMPACT)
            broker.restart()

    def test_it_survives_a_crash_right_after_it_was_answered(self) -> None:
        for seed in range(10):
            broker = AskedBroker()
            create(broker, wanted("t", 2, retention_ms="1000"))
            broker.crash(seed)
            assert len(broker.topics.by_name["t"].partitions) == 2
            assert settings_of(broker, "t", "retention.ms")["retention.ms"].value == "1000"

    def test_counts_of_minus_one_are_the_brokers_own(self) -> None:
        (made,) = create(AskedBroker(), wanted("t", -1, -1))
        assert (made.error_code, made.num_partitions) == (ErrorCode.NONE, 1)

    @pytest.mark.parametrize(
        ("topic", "error"),
        [
            (wanted("bad name"), ErrorCode.INVALID_TOPIC_EXCEPTION),
            (wanted(".."), ErrorCode.INVALID_TOPIC_EXCEPTION),
            (wanted("x" * 250), ErrorCode.INVALID_TOPIC_EXCEPTION),
            (wanted("taken"), ErrorCode.TOPIC_ALREADY_EXISTS),
            (wanted("dotted_name"), ErrorCode.INVALID_TOPIC_EXCEPTION),
            (wanted("t", 0), ErrorCode.INVALID_PARTITIONS),
            (wanted("t", 10_001), ErrorCode.INVALID_PARTITIONS),
            (wanted("t", 1, 2), ErrorCode.INVALID_REPLICATION_FACTOR),
            (wanted("t", unknown_setting="1"), ErrorCode.INVALID_CONFIG),
            (wanted("t", segment_bytes="many"), ErrorCode.INVALID_CONFIG),
            (wanted("t", segment_bytes="5"), ErrorCode.INVALID_CONFIG),
            (wanted("t", cleanup_policy="forget"), ErrorCode.INVALID_CONFIG),
            (wanted("t", min_insync_replicas="2"), ErrorCode.INVALID_CONFIG),
        ],
        ids=lambda value: value.name[:20],
    )
    def test_what_cannot_be_made_is_refused_by_itself(
        self, topic: WantedTopic, error: ErrorCode
    ) -> None:
        broker = AskedBroker()
        create(broker, wanted("taken"), wanted("dotted.name"))
        fine, refused = create(broker, wanted("fine"), topic)
        assert (fine.error_code, refused.error_code) == (ErrorCode.NONE, error)
        assert refused.error_message
        assert set(broker.topics.by_name) == {"taken", "dotted.name", "fine"}

    def test_a_name_given_twice_is_refused_once(self) -> None:
        broker = AskedBroker()
        made = create(broker, wanted("t"), wanted("t"), wanted("u"))
        assert [(one.name, one.error_code) for one in made] == [
            ("t", ErrorCode.INVALID_REQUEST),
            ("u", ErrorCode.NONE),
        ]

    def test_a_dry_run_makes_nothing(self) -> None:
        broker = AskedBroker()
        fine, refused = create(broker, wanted("t"), wanted("u", 1, 5), validate_only=True)
        assert (fine.error_code, refused.error_code) == (0, ErrorCode.INVALID_REPLICATION_FACTOR)
        assert not broker.topics.by_name

    @pytest.mark.parametrize(
        ("brokers", "partitions", "error"),
        [
            ([(0, (1,)), (1, (1,))], -1, ErrorCode.NONE),
            ([(0, (1,)), (2, (1,))], -1, ErrorCode.INVALID_REPLICA_ASSIGNMENT),
            ([(0, (2,))], -1, ErrorCode.INVALID_REPLICA_ASSIGNMENT),
            ([(0, (1, 2))], -1, ErrorCode.INVALID_REPLICA_ASSIGNMENT),
            ([(0, (1,))], 1, ErrorCode.INVALID_REQUEST),
        ],
    )
    def test_an_assignment_has_to_name_the_one_broker(
        self, brokers: list[tuple[int, tuple[int, ...]]], partitions: int, error: ErrorCode
    ) -> None:
        topic = WantedTopic(
            name="t",
            num_partitions=partitions,
            replication_factor=-1,
            assignments=tuple(
                ReplicaAssignment(partition_index=number, broker_ids=ids) for number, ids in brokers
            ),
        )
        (made,) = create(AskedBroker(), topic)
        assert made.error_code == error

    def test_a_full_disk_leaves_nothing_behind(self) -> None:
        broker = AskedBroker()
        create(broker, wanted("before"))
        broker.files.free_byte_count = 0
        (refused,) = create(broker, wanted("t", 4))
        assert refused.error_code == ErrorCode.KAFKA_STORAGE_ERROR
        broker.files.free_byte_count = None
        (made,) = create(broker, wanted("t", 4))
        assert made.error_code == ErrorCode.NONE

    @pytest.mark.parametrize("calls", range(0, 60, 3))
    def test_a_crash_in_between_leaves_all_partitions_or_none(self, calls: int) -> None:
        broker = AskedBroker()
        create(broker, wanted("other"))
        broker.files.calls_until_crash = calls
        was_answered = False
        with contextlib.suppress(Crashed):
            create(broker, wanted("t", 3, retention_ms="1000"))
            was_answered = True
        broker.crash(calls)
        topic = broker.topics.by_name.get("t")
        assert topic is not None or not was_answered
        if topic is not None:
            assert (len(topic.partitions), dict(topic.settings)) == (3, {"retention.ms": "1000"})
        else:
            (made,) = create(broker, wanted("t", 2))
            assert made.error_code == ErrorCode.NONE
        assert set(broker.topics.by_name) == {"t", "other"}

    @pytest.mark.parametrize("calls", range(20, 45))
    def test_what_a_stopped_process_had_made_survives_the_machines_crash(self, calls: int) -> None:
        broker = AskedBroker()
        broker.files.calls_until_crash = calls
        with contextlib.suppress(Crashed):
            create(broker, wanted("t", 3))
        broker.kill()
        was_there = "t" in broker.topics.by_name
        broker.crash(0)
        assert ("t" in broker.topics.by_name) == was_there


class TestRemoving:
    def test_a_removed_topic_is_gone_with_its_files_and_its_name_is_free(self) -> None:
        broker = AskedBroker()
        create(broker, wanted("t", 2, retention_ms="1000"))
        first = broker.topics.by_name["t"]
        first.partitions[0].log.append(encode_values([b"v"], 1), now_ms=1)
        assert delete(broker, "t", "unknown") == [0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]
        assert not [name for name in broker.files.names(FOLDER) if "t-" in name[:2]]
        (made,) = create(broker, wanted("t", 1))
        assert made.topic_id != first.topic_id
        broker.restart()
        topic = broker.topics.by_name["t"]
        assert (len(topic.partitions), dict(topic.settings)) == (1, {})
        assert topic.partitions[0].log.end_offset == 0

    def test_by_id_too_and_not_by_both(self) -> None:
        broker = AskedBroker()
        (made,) = create(broker, wanted("t"))
        both = DoomedTopic(name="t", topic_id=made.topic_id)
        unknown = DoomedTopic(topic_id=b"\1" * 16)
        known = DoomedTopic(topic_id=made.topic_id)
        request = DeleteTopicsRequest(topics=(both, unknown, known))
        response = broker.ask(DeleteTopicsResponse, ApiKey.DELETE_TOPICS, 6, request)
        assert [(one.name, one.error_code) for one in response.responses] == [
            ("t", ErrorCode.INVALID_REQUEST),
            (None, ErrorCode.UNKNOWN_TOPIC_ID),
            ("t", ErrorCode.NONE),
        ]

    @pytest.mark.parametrize("calls", range(1, 45, 2))
    def test_a_removal_that_a_crash_cuts_short_has_happened_or_not(self, calls: int) -> None:
        broker = AskedBroker()
        create(broker, wanted("t", 3, retention_ms="1000"), wanted("other"))
        for partition in broker.topics.by_name["t"].partitions:
            partition.log.append(encode_values([b"v"], 1), now_ms=1)
            partition.log.flush()
        broker.files.calls_until_crash = calls
        was_answered = False
        with contextlib.suppress(Crashed):
            delete(broker, "t")
            was_answered = True
        broker.crash(calls)
        topic = broker.topics.by_name.get("t")
        if topic is not None:
            assert not was_answered
            assert [one.log.end_offset for one in topic.partitions] == [1, 1, 1]
        else:
            assert create(broker, wanted("t", 1))[0].error_code == ErrorCode.NONE
            assert broker.topics.by_name["t"].partitions[0].log.end_offset == 0
        assert "other" in broker.topics.by_name

    def test_the_offsets_topic_stays(self) -> None:
        broker = AskedBroker()
        assert broker.state.groups.is_available()
        assert delete(broker, "__consumer_offsets") == [ErrorCode.INVALID_REQUEST]


class TestGrowing:
    def grow(self, broker: AskedBroker, count: int, *brokers: int) -> int:
        assignments = tuple(PartitionAssignment(broker_ids=(one,)) for one in brokers) or None
        request = CreatePartitionsRequest(
            topics=(GrowingTopic(name="t", count=count, assignments=assignments),)
        )
        response = broker.ask(CreatePartitionsResponse, ApiKey.CREATE_PARTITIONS, 3, request)
        return response.results[0].error_code

    def test_partitions_are_added_and_never_taken_away(self) -> None:
        broker = AskedBroker()
        assert self.grow(broker, 2) == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        create(broker, wanted("t", 2, segment_bytes="4096"))
        assert self.grow(broker, 4, 1, 1) == ErrorCode.NONE
        assert self.grow(broker, 4) == ErrorCode.INVALID_PARTITIONS
        assert self.grow(broker, 5, 2) == ErrorCode.INVALID_REPLICA_ASSIGNMENT
        broker.restart()
        partitions = broker.topics.by_name["t"].partitions
        assert [one.log.config.segment_byte_count for one in partitions] == [4_096] * 4


class TestSettings:
    def test_each_is_told_with_where_it_comes_from(self) -> None:
        broker = AskedBroker()
        create(broker, wanted("t", retention_ms="1000"))
        told = settings_of(broker, "t")
        own, default = told["retention.ms"], told["segment.bytes"]
        assert (own.value, own.config_source, default.value, default.config_source) == (
            "1000",
            1,
            "1073741824",
            5,
        )
        assert [(one.name, one.value, one.source) for one in own.synonyms] == [
            ("retention.ms", "1000", 1),
            ("log.retention.ms", "-1", 4),
            ("log.retention.ms", "604800000", 5),
        ]
        assert set(settings_of(broker, "t", "segment.bytes", "nonsense")) == {"segment.bytes"}

    def test_changes_take_effect_at_once_and_survive(self) -> None:
        broker = AskedBroker()
        create(broker, wanted("t", retention_ms="1000"))
        changes = (("max.message.bytes", 0, "100"), ("retention.ms", 1, None))
        assert change(broker, "t", *changes) == ErrorCode.NONE
        for _ in range(2):
            topic = broker.topics.by_name["t"]
            assert dict(topic.settings) == {"max.message.bytes": "100"}
            assert topic.partitions[0].log.config.max_batch_byte_count == 100
            broker.crash(1)

    def test_lists_are_added_to_and_taken_from(self) -> None:
        broker = AskedBroker()
        create(broker, wanted("t"))
        for operation, value, result in (
            (2, "compact", "delete,compact"),
            (3, "delete", "compact"),
        ):
            assert change(broker, "t", ("cleanup.policy", operation, value)) == ErrorCode.NONE
            assert broker.topics.by_name["t"].settings["cleanup.policy"] == result

    @pytest.mark.parametrize(
        ("changes", "error"),
        [
            ([("nonsense", 0, "1")], ErrorCode.INVALID_CONFIG),
            ([("segment.bytes", 2, "1")], ErrorCode.INVALID_CONFIG),
            ([("segment.bytes", 0, None)], ErrorCode.INVALID_REQUEST),
            ([("segment.bytes", 0, "61"), ("segment.bytes", 1, None)], ErrorCode.INVALID_REQUEST),
            ([("retention.ms", 0, "5"), ("segment.bytes", 0, "-7")], ErrorCode.INVALID_CONFIG),
            ([("cleanup.policy", 3, "delete")], ErrorCode.INVALID_CONFIG),
        ],
    )
    def test_all_changes_happen_or_none(self, changes: Any, error: ErrorCode) -> None:
        broker = AskedBroker()
        create(broker, wanted("t", retention_ms="1000"))
        assert change(broker, "t", *changes) == error
        assert dict(broker.topics.by_name["t"].settings) == {"retention.ms": "1000"}

    def test_the_older_request_replaces_them_all(self) -> None:
        broker = AskedBroker()
        create(broker, wanted("t", retention_ms="1000"))
        resources = (
            AlterConfigsResource(
                resource_type=TOPIC,
                resource_name="t",
                configs=(AlterableConfig(name="flush.messages", value="1"),),
            ),
            AlterConfigsResource(resource_type=BROKER, resource_name="1", configs=()),
        )
        request = AlterConfigsRequest(resources=resources)
        response = broker.ask(AlterConfigsResponse, ApiKey.ALTER_CONFIGS, 2, request)
        assert [one.error_code for one in response.responses] == [0, ErrorCode.INVALID_REQUEST]
        assert dict(broker.topics.by_name["t"].settings) == {"flush.messages": "1"}

    def test_the_brokers_own_are_told_and_other_resources_refused(self) -> None:
        resources = tuple(
            ConfigResource(resource_type=kind, resource_name=name)
            for kind, name in ((BROKER, "1"), (BROKER, ""), (BROKER, "9"), (TOPIC, "t"), (8, "1"))
        )
        request = DescribeConfigsRequest(resources=resources)
        response = AskedBroker().ask(DescribeConfigsResponse, ApiKey.DESCRIBE_CONFIGS, 1, request)
        own, every, *refused = response.results
        told = {one.name: (one.value, one.read_only) for one in own.configs}
        assert told["num.partitions"] == ("1", True)
        assert told["log.retention.ms"] == ("-1", True)
        assert every.configs == ()
        assert [one.error_code for one in refused] == [
            ErrorCode.INVALID_REQUEST,
            ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
            ErrorCode.INVALID_REQUEST,
        ]


def test_records_before_an_offset_are_deleted_for_good() -> None:
    broker = AskedBroker()
    create(broker, wanted("t"))
    log = broker.topics.by_name["t"].partitions[0].log
    for value in (b"a", b"b", b"c"):
        log.append(encode_values([value], 1), now_ms=1)
    log.flush()

    def shorten(number: int, offset: int) -> tuple[int, int]:
        partitions = (DeleteRecordsPartition(partition_index=number, offset=offset),)
        request = DeleteRecordsRequest(
            topics=(DeleteRecordsTopic(name="t", partitions=partitions),)
        )
        response = broker.ask(DeleteRecordsResponse, ApiKey.DELETE_RECORDS, 2, request)
        (answer,) = response.topics[0].partitions
        return answer.error_code, answer.low_watermark

    assert shorten(0, 2) == (ErrorCode.NONE, 2)
    assert shorten(0, 4) == (ErrorCode.OFFSET_OUT_OF_RANGE, -1)
    assert shorten(0, -2) == (ErrorCode.OFFSET_OUT_OF_RANGE, -1)
    assert shorten(1, 0) == (ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1)
    broker.crash(3)
    assert broker.topics.by_name["t"].partitions[0].log.start_offset == 2
    assert shorten(0, -1) == (ErrorCode.NONE, 3)


def test_the_cluster_is_one_broker_and_has_no_controllers_to_ask() -> None:
    broker = AskedBroker()
    told = broker.ask(DescribeClusterResponse, ApiKey.DESCRIBE_CLUSTER, 2, DescribeClusterRequest())
    assert [(one.broker_id, one.port) for one in told.brokers] == [(1, 9_092)]
    assert (told.cluster_id, told.controller_id) == ("cluster", 1)
    controllers = DescribeClusterRequest(endpoint_type=2)
    refused = broker.ask(DescribeClusterResponse, ApiKey.DESCRIBE_CLUSTER, 1, controllers)
    assert refused.error_code == ErrorCode.MISMATCHED_ENDPOINT_TYPE
