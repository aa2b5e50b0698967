"""ApiVersions, Metadata, ListOffsets, InitProducerId: what every client asks.

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
    between,
    since,
    tagged,
)


class ApiVersionsRequest(Struct, frozen=True, kw_only=True):
    """Asks which APIs and versions the broker speaks."""

    client_software_name: Annotated[str, since(3)] = ""
    client_software_version: Annotated[str, since(3)] = ""


class ApiVersion(Struct, frozen=True):
    """The range of versions of one API."""

    api_key: Int16
    min_version: Int16
    max_version: Int16


class ApiVersionsResponse(Struct, frozen=True, kw_only=True):
    """The APIs and versions of the broker; its header is version 0 at every version."""

    error_code: Int16
    api_keys: tuple[ApiVersion, ...]
    throttle_time_ms: Annotated[Int32, since(1)] = 0
    finalized_features_epoch: Annotated[Int64, tagged(1, 3)] = -1


class MetadataRequestTopic(Struct, frozen=True, kw_only=True):
    """One topic asked for, by name or (from version 10) by id."""

    topic_id: Annotated[Uuid, since(10)] = NO_UUID
    name: str | None


class MetadataRequest(Struct, frozen=True, kw_only=True):
    """Asks for brokers and topics. `topics` None is all; empty is none, and all at version 0."""

    topics: tuple[MetadataRequestTopic, ...] | None
    allow_auto_topic_creation: Annotated[bool, since(4)] = True
    include_cluster_authorized_operations: Annotated[bool, between(8, 10)] = False
    include_topic_authorized_operations: Annotated[bool, since(8)] = False


class MetadataBroker(Struct, frozen=True, kw_only=True):
    """One broker's address."""

    node_id: Int32
    host: str
    port: Int32
    rack: Annotated[str | None, since(1)] = None


class MetadataPartition(Struct, frozen=True, kw_only=True):
    """One partition and its leader."""

    error_code: Int16
    partition_index: Int32
    leader_id: Int32
    leader_epoch: Annotated[Int32, since(7)] = -1
    replica_nodes: tuple[Int32, ...] = ()
    isr_nodes: tuple[Int32, ...] = ()
    offline_replicas: Annotated[tuple[Int32, ...], since(5)] = ()


class MetadataTopic(Struct, frozen=True, kw_only=True):
    """One topic and its partitions."""

    error_code: Int16
    name: str | None
    topic_id: Annotated[Uuid, since(10)] = NO_UUID
    is_internal: Annotated[bool, since(1)] = False
    partitions: tuple[MetadataPartition, ...] = ()
    topic_authorized_operations: Annotated[Int32, since(8)] = -(2**31)


class MetadataResponse(Struct, frozen=True, kw_only=True):
    """Brokers and topics."""

    throttle_time_ms: Annotated[Int32, since(3)] = 0
    brokers: tuple[MetadataBroker, ...]
    cluster_id: Annotated[str | None, since(2)] = None
    controller_id: Annotated[Int32, since(1)] = -1
    topics: tuple[MetadataTopic, ...]
    cluster_authorized_operations: Annotated[Int32, between(8, 10)] = -(2**31)
    error_code: Annotated[Int16, since(13)] = 0


class ListOffsetsPartition(Struct, frozen=True, kw_only=True):
    """One partition and the time sought; negative times are `LATEST` and its like."""

    partition_index: Int32
    current_leader_epoch: Annotated[Int32, since(4)] = -1
    timestamp: Int64


class ListOffsetsTopic(Struct, frozen=True, kw_only=True):
    """The partitions of one topic."""

    name: str
    partitions: tuple[ListOffsetsPartition, ...]


class ListOffsetsRequest(Struct, frozen=True, kw_only=True):
    """Asks for offsets by time."""

    replica_id: Int32 = -1
    isolation_level: Annotated[Int8, since(2)] = 0
    topics: tuple[ListOffsetsTopic, ...]
    timeout_ms: Annotated[Int32, since(10)] = 0


class ListOffsetsPartitionResponse(Struct, frozen=True, kw_only=True):
    """The offset found; -1 where there is none."""

    partition_index: Int32
    error_code: Int16
    timestamp: Int64 = -1
    offset: Int64 = -1
    leader_epoch: Annotated[Int32, since(4)] = -1


class ListOffsetsTopicResponse(Struct, frozen=True, kw_only=True):
    """The partitions of one topic."""

    name: str
    partitions: tuple[ListOffsetsPartitionResponse, ...]


class ListOffsetsResponse(Struct, frozen=True, kw_only=True):
    """Offsets by time."""

    throttle_time_ms: Annotated[Int32, since(2)] = 0
    topics: tuple[ListOffsetsTopicResponse, ...]


class InitProducerIdRequest(Struct, frozen=True, kw_only=True):
    """Asks for a producer id, or for the next epoch of one."""

    transactional_id: str | None = None
    transaction_timeout_ms: Int32 = 0
    producer_id: Annotated[Int64, since(3)] = -1
    producer_epoch: Annotated[Int16, since(3)] = -1


class InitProducerIdResponse(Struct, frozen=True, kw_only=True):
    """A producer id and its epoch."""

    throttle_time_ms: Int32 = 0
    error_code: Int16
    producer_id: Int64 = -1
    producer_epoch: Int16 = -1


class EpochWanted(Struct, frozen=True, kw_only=True):
    """One partition, and the epoch whose end is asked for."""

    partition: Int32
    current_leader_epoch: Annotated[Int32, since(2)] = -1
    leader_epoch: Int32


class EpochsWantedTopic(Struct, frozen=True, kw_only=True):
    """The partitions of one topic."""

    topic: str
    partitions: tuple[EpochWanted, ...]


class OffsetForLeaderEpochRequest(Struct, frozen=True, kw_only=True):
    """Asks where leader epochs ended. `replica_id` -2 is a client before version 3."""

    replica_id: Annotated[Int32, since(3)] = -2
    topics: tuple[EpochsWantedTopic, ...]


class EpochEnd(Struct, frozen=True, kw_only=True):
    """The greatest epoch at or below the one asked for, and its end; -1 where there is none."""

    error_code: Int16
    partition: Int32
    leader_epoch: Int32 = -1
    end_offset: Int64 = -1


class EpochEndTopic(Struct, frozen=True, kw_only=True):
    """The partitions of one topic."""

    topic: str
    partitions: tuple[EpochEnd, ...]


class OffsetForLeaderEpochResponse(Struct, frozen=True, kw_only=True):
    """Where leader epochs ended."""

    throttle_time_ms: Int32 = 0
    topics: tuple[EpochEndTopic, ...]
