"""What clients ask before they work: versions, metadata, producer ids."""

import re
from pathlib import Path

import msgspec
import pytest

from iowitness.impl.api_table import ApiKey
from iowitness.impl.messages.cluster import (
    ApiVersionsRequest,
    ApiVersionsResponse,
    InitProducerIdRequest,
    InitProducerIdResponse,
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponse,
    MetadataTopic,
)
from iowitness.impl.server_config import ServerConfig
from iowitness.impl.wire_errors import ErrorCode
from tests.doubles.asked_broker import AskedBroker


def ask(
    broker: AskedBroker, *topics: MetadataRequestTopic, version: int = 13, may_create: bool = True
) -> tuple[MetadataTopic, ...]:
    request = MetadataRequest(topics=topics, allow_auto_topic_creation=may_create)
    return broker.ask(MetadataResponse, ApiKey.METADATA, version, request).topics


def named(name: str) -> MetadataRequestTopic:
    return MetadataRequestTopic(name=name)


class TestMetadata:
    @pytest.mark.parametrize("version", range(14))
    def test_any_version_names_the_broker_and_its_topics(self, version: int) -> None:
        broker = AskedBroker()
        broker.topics.create("t", 2, now_ms=1)
        request = MetadataRequest(topics=(named("t"),))
        told = broker.ask(MetadataResponse, ApiKey.METADATA, version, request)
        assert [(one.node_id, one.port) for one in told.brokers] == [(1, 9_092)]
        (topic,) = told.topics
        assert [one.partition_index for one in topic.partitions] == [0, 1]
        assert all(one.leader_id == 1 and one.isr_nodes == (1,) for one in topic.partitions)
        known = broker.topics.by_name["t"].topic_id
        assert topic.topic_id == (known if version >= 10 else bytes(16))

    def test_null_is_every_topic_and_an_empty_list_none_but_at_version_0(self) -> None:
        broker = AskedBroker()
        for name in ("u", "t", "__internal"):
            broker.topics.create(name, 1, now_ms=1)

        def names(
            version: int, topics: tuple[MetadataRequestTopic, ...] | None
        ) -> list[str | None]:
            request = MetadataRequest(topics=topics)
            told = broker.ask(MetadataResponse, ApiKey.METADATA, version, request)
            return [one.name for one in told.topics]

        every = ["__internal", "t", "u"]
        assert names(0, ()) == names(1, None) == names(13, None) == every
        assert names(1, ()) == names(13, ()) == []
        request = MetadataRequest(topics=None)
        told = broker.ask(MetadataResponse, ApiKey.METADATA, 13, request)
        assert [one.is_internal for one in told.topics] == [True, False, False]

    def test_a_topic_is_made_where_both_sides_allow_it(self) -> None:
        broker = AskedBroker()
        (refused,) = ask(broker, named("t"), may_create=False)
        assert refused.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        (made,) = ask(broker, named("t"))
        assert (made.error_code, len(made.partitions)) == (ErrorCode.NONE, 1)
        strict = AskedBroker(ServerConfig(auto_create_topics=False))
        (refused,) = ask(strict, named("t"))
        assert refused.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        assert not strict.topics.by_name

    def test_topics_that_cannot_be_made_are_refused_by_themselves(self) -> None:
        broker = AskedBroker(ServerConfig(default_partition_count=2, max_partition_count=5))
        told = ask(broker, *map(named, ("a.b", "bad name", "a_b", "c", "d")))
        assert [one.error_code for one in told] == [
            ErrorCode.NONE,
            ErrorCode.INVALID_TOPIC_EXCEPTION,
            ErrorCode.INVALID_TOPIC_EXCEPTION,
            ErrorCode.NONE,
            ErrorCode.INVALID_PARTITIONS,
        ]
        full = AskedBroker()
        full.files.free_byte_count = 0
        (refused,) = ask(full, named("e"))
        assert refused.error_code == ErrorCode.KAFKA_STORAGE_ERROR

    def test_a_topic_is_found_by_its_id(self) -> None:
        broker = AskedBroker()
        topic_id = broker.topics.create("t", 1, now_ms=1).topic_id
        known, unknown, none = ask(
            broker,
            MetadataRequestTopic(name=None, topic_id=topic_id),
            MetadataRequestTopic(name=None, topic_id=b"\1" * 16),
            MetadataRequestTopic(name=None),
        )
        assert (known.error_code, known.name) == (ErrorCode.NONE, "t")
        assert (unknown.error_code, unknown.name) == (ErrorCode.UNKNOWN_TOPIC_ID, None)
        assert none.error_code == ErrorCode.UNKNOWN_TOPIC_ID


class TestVersions:
    def ask(
        self, version: int, software: tuple[str, str] = ("java", "4.3.0")
    ) -> ApiVersionsResponse:
        name, own = software
        request = ApiVersionsRequest(client_software_name=name, client_software_version=own)
        return AskedBroker().ask(ApiVersionsResponse, ApiKey.API_VERSIONS, version, request)

    @pytest.mark.parametrize("version", range(5))
    def test_every_api_has_its_range_once(self, version: int) -> None:
        told = self.ask(version)
        keys = [one.api_key for one in told.api_keys]
        assert (told.error_code, keys) == (ErrorCode.NONE, sorted(set(keys)))
        assert all(one.min_version <= one.max_version for one in told.api_keys)

    def test_the_page_names_what_is_answered(self) -> None:
        page = Path(__file__).parents[2] / "docs" / "formats" / "produce-and-fetch.md"
        rows = re.findall(r"^\| \w+ \((\d+)\) \| (\d+) to (\d+)", page.read_text(), re.MULTILINE)
        told = self.ask(4).api_keys
        assert {tuple(map(int, row)) for row in rows} == {
            (one.api_key, one.min_version, one.max_version) for one in told
        }

    @pytest.mark.parametrize("software", [("", "1"), ("java", "-1"), ("a b", "1"), ("x", "1.")])
    def test_a_client_has_to_say_what_it_is(self, software: tuple[str, str]) -> None:
        assert self.ask(3, software).error_code == ErrorCode.INVALID_REQUEST
        assert self.ask(2, software).error_code == ErrorCode.NONE


class TestProducerIds:
    def ask(self, broker: AskedBroker, **fields: str) -> InitProducerIdResponse:
        request = msgspec.structs.replace(InitProducerIdRequest(), **fields)
        return broker.ask(InitProducerIdResponse, ApiKey.INIT_PRODUCER_ID, 5, request)

    def test_nobody_gets_anothers_whatever_happens_in_between(self) -> None:
        broker = AskedBroker()
        seen: set[int] = set()
        for seed in range(10):
            for _ in range(3):
                told = self.ask(broker)
                assert (told.error_code, told.producer_epoch) == (ErrorCode.NONE, 0)
                assert told.producer_id not in seen
                seen.add(told.producer_id)
            broker.crash(seed)

    def test_transactions_are_refused(self) -> None:
        told = self.ask(AskedBroker(), transactional_id="mine")
        assert (told.error_code, told.producer_id) == (ErrorCode.INVALID_REQUEST, -1)

    def test_there_is_none_while_nothing_can_be_stored(self) -> None:
        broker = AskedBroker()
        broker.files.free_byte_count = 0
        assert self.ask(broker).error_code == ErrorCode.KAFKA_STORAGE_ERROR
        broker.files.free_byte_count = None
        assert self.ask(broker).error_code == ErrorCode.NONE
