"""Topics made and removed, settings and the cluster described.

Source: Kafka 4.3, clients/src/main/resources/common/message.
"""

from typing import Annotated

from msgspec import Struct

from iowitness.impl.message_codec import (
    NO_UUID,
    Int8,
    Int16,
    Int32,
    Int64,
    Uuid,
    since,
    tagged,
    until,
)

_NO_OPERATIONS = -(2**31)


class ReplicaAssignment(Struct, frozen=True, kw_only=True):
    """The brokers that are to hold one partition."""

    partition_index: Int32
    broker_ids: tuple[Int32, ...]


class TopicSetting(Struct, frozen=True, kw_only=True):
    """One setting that a topic is to have."""

    name: str
    value: str | None


class WantedTopic(Struct, frozen=True, kw_only=True):
    """One topic to make; counts are -1 for the broker's default, or with `assignments`."""

    name: str
    num_partitions: Int32
    replication_factor: Int16
    assignments: tuple[ReplicaAssignment, ...] = ()
    configs: tuple[TopicSetting, ...] = ()


class CreateTopicsRequest(Struct, frozen=True, kw_only=True):
    """Asks for topics to be made, or only to be told whether they could be."""

    topics: tuple[WantedTopic, ...]
    timeout_ms: Int32 = 60_000
    validate_only: bool = False


class MadeSetting(Struct, frozen=True, kw_only=True):
    """One setting of a topic that was made."""

    name: str
    value: str | None
    read_only: bool = False
    config_source: Int8 = -1
    is_sensitive: bool = False


class MadeTopic(Struct, frozen=True, kw_only=True):
    """What became of one topic."""

    name: str
    topic_id: Annotated[Uuid, since(7)] = NO_UUID
    error_code: Int16
    error_message: str | None = None
    topic_config_error_code: Annotated[Int16, tagged(0, 5)] = 0
    num_partitions: Annotated[Int32, since(5)] = -1
    replication_factor: Annotated[Int16, since(5)] = -1
    configs: Annotated[tuple[MadeSetting, ...] | None, since(5)] = None


class CreateTopicsResponse(Struct, frozen=True, kw_only=True):
    """What became of each topic."""

    throttle_time_ms: Int32 = 0
    topics: tuple[MadeTopic, ...]


class DoomedTopic(Struct, frozen=True, kw_only=True):
    """One topic to remove, by name or by id."""

    name: str | None = None
    topic_id: Uuid = NO_UUID


class DeleteTopicsRequest(Struct, frozen=True, kw_only=True):
    """Asks for topics to be removed, by name or (6+) also by id."""

    topics: Annotated[tuple[DoomedTopic, ...], since(6)] = ()
    topic_names: Annotated[tuple[str, ...], until(5)] = ()
    timeout_ms: Int32 = 60_000


class RemovedTopic(Struct, frozen=True, kw_only=True):
    """What became of one topic."""

    name: str | None
    topic_id: Annotated[Uuid, since(6)] = NO_UUID
    error_code: Int16
    error_message: Annotated[str | None, since(5)] = None


class DeleteTopicsResponse(Struct, frozen=True, kw_only=True):
    """What became of each topic."""

    throttle_time_ms: Int32 = 0
    responses: tuple[RemovedTopic, ...]


class ConfigResource(Struct, frozen=True, kw_only=True):
    """A topic (`resource_type` 2) or a broker (4); `configuration_keys` None is all."""

    resource_type: Int8
    resource_name: str
    configuration_keys: tuple[str, ...] | None = None


class DescribeConfigsRequest(Struct, frozen=True, kw_only=True):
    """Asks for settings."""

    resources: tuple[ConfigResource, ...]
    include_synonyms: bool = False
    include_documentation: Annotated[bool, since(3)] = False


class ConfigSynonym(Struct, frozen=True, kw_only=True):
    """Where else a setting could come from."""

    name: str
    value: str | None
    source: Int8


class DescribedConfig(Struct, frozen=True, kw_only=True):
    """One setting; `config_source` 1 is the topic's own, 5 the default."""

    name: str
    value: str | None
    read_only: bool = False
    config_source: Int8 = -1
    is_sensitive: bool = False
    synonyms: tuple[ConfigSynonym, ...] = ()
    config_type: Annotated[Int8, since(3)] = 0
    documentation: Annotated[str | None, since(3)] = None


class DescribedResource(Struct, frozen=True, kw_only=True):
    """The settings of one topic or broker."""

    error_code: Int16
    error_message: str | None = None
    resource_type: Int8
    resource_name: str
    configs: tuple[DescribedConfig, ...] = ()


class DescribeConfigsResponse(Struct, frozen=True, kw_only=True):
    """Settings."""

    throttle_time_ms: Int32 = 0
    results: tuple[DescribedResource, ...]


class DescribeClusterRequest(Struct, frozen=True, kw_only=True):
    """Asks for the cluster's brokers. `endpoint_type` 1 is brokers, 2 controllers."""

    include_cluster_authorized_operations: bool = False
    endpoint_type: Annotated[Int8, since(1)] = 1
    include_fenced_brokers: Annotated[bool, since(2)] = False


class DescribedBroker(Struct, frozen=True, kw_only=True):
    """One broker."""

    broker_id: Int32
    host: str
    port: Int32
    rack: str | None = None
    is_fenced: Annotated[bool, since(2)] = False


class DescribeClusterResponse(Struct, frozen=True, kw_only=True):
    """The cluster's brokers."""

    throttle_time_ms: Int32 = 0
    error_code: Int16
    error_message: str | None = None
    endpoint_type: Annotated[Int8, since(1)] = 1
    cluster_id: str
    controller_id: Int32 = -1
    brokers: tuple[DescribedBroker, ...] = ()
    cluster_authorized_operations: Int32 = _NO_OPERATIONS


class PartitionAssignment(Struct, frozen=True, kw_only=True):
    """The brokers that are to hold one new partition."""

    broker_ids: tuple[Int32, ...]


class GrowingTopic(Struct, frozen=True, kw_only=True):
    """One topic and how many partitions it is to have."""

    name: str
    count: Int32
    assignments: tuple[PartitionAssignment, ...] | None = None


class CreatePartitionsRequest(Struct, frozen=True, kw_only=True):
    """Asks for more partitions, or only whether there could be."""

    topics: tuple[GrowingTopic, ...]
    timeout_ms: Int32 = 60_000
    validate_only: bool = False


class GrownTopic(Struct, frozen=True, kw_only=True):
    """What became of one topic."""

    name: str
    error_code: Int16
    error_message: str | None = None


class CreatePartitionsResponse(Struct, frozen=True, kw_only=True):
    """What became of each topic."""

    throttle_time_ms: Int32 = 0
    results: tuple[GrownTopic, ...]


class AlterableConfig(Struct, frozen=True, kw_only=True):
    """One setting to have; None is its default."""

    name: str
    value: str | None


class AlterConfigsResource(Struct, frozen=True, kw_only=True):
    """All the settings of its own that a topic is to have."""

    resource_type: Int8
    resource_name: str
    configs: tuple[AlterableConfig, ...]


class AlterConfigsRequest(Struct, frozen=True, kw_only=True):
    """Asks for settings to be replaced."""

    resources: tuple[AlterConfigsResource, ...]
    validate_only: bool = False


class AlteredResource(Struct, frozen=True, kw_only=True):
    """What became of one topic or broker."""

    error_code: Int16
    error_message: str | None = None
    resource_type: Int8
    resource_name: str


class AlterConfigsResponse(Struct, frozen=True, kw_only=True):
    """What became of each; the answer to IncrementalAlterConfigs is the same."""

    throttle_time_ms: Int32 = 0
    responses: tuple[AlteredResource, ...]


class ConfigChange(Struct, frozen=True, kw_only=True):
    """One change: set (0), back to the default (1), append to (2) or take out of a list (3)."""

    name: str
    config_operation: Int8
    value: str | None


class ChangingResource(Struct, frozen=True, kw_only=True):
    """The changes of one topic's settings."""

    resource_type: Int8
    resource_name: str
    configs: tuple[ConfigChange, ...]


class IncrementalAlterConfigsRequest(Struct, frozen=True, kw_only=True):
    """Asks for settings to be changed one by one."""

    resources: tuple[ChangingResource, ...]
    validate_only: bool = False


class DeleteRecordsPartition(Struct, frozen=True, kw_only=True):
    """Where one partition is to begin; -1 is at its end."""

    partition_index: Int32
    offset: Int64


class DeleteRecordsTopic(Struct, frozen=True, kw_only=True):
    """The partitions of one topic."""

    name: str
    partitions: tuple[DeleteRecordsPartition, ...]


class DeleteRecordsRequest(Struct, frozen=True, kw_only=True):
    """Asks for the oldest records to be removed."""

    topics: tuple[DeleteRecordsTopic, ...]
    timeout_ms: Int32 = 60_000


class DeletedRecords(Struct, frozen=True, kw_only=True):
    """Where one partition begins now."""

    partition_index: Int32
    low_watermark: Int64 = -1
    error_code: Int16


class DeletedRecordsTopic(Struct, frozen=True, kw_only=True):
    """The partitions of one topic."""

    name: str
    partitions: tuple[DeletedRecords, ...]


class DeleteRecordsResponse(Struct, frozen=True, kw_only=True):
    """Where each partition begins now."""

    throttle_time_ms: Int32 = 0
    topics: tuple[DeletedRecordsTopic, ...]
