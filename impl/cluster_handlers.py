"""What a client asks before it works: ApiVersions, Metadata, InitProducerId."""

import logging
import re
from collections.abc import Collection

from iowitness.impl.api_table import APIS, ApiKey
from iowitness.impl.broker_state import BrokerState, Session
from iowitness.impl.message_codec import NO_UUID, codec_of
from iowitness.impl.messages.cluster import (
    ApiVersion,
    ApiVersionsRequest,
    ApiVersionsResponse,
    InitProducerIdRequest,
    InitProducerIdResponse,
    MetadataBroker,
    MetadataPartition,
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponse,
    MetadataTopic,
)
from iowitness.impl.refusals import REFUSALS, told_refusal
from iowitness.impl.request_header import RequestHeader
from iowitness.impl.topic_checks import check_new_topic
from iowitness.impl.topics import Topic, is_legal_name
from iowitness.impl.wire import Cursor
from iowitness.impl.wire_errors import ErrorCode

log = logging.getLogger(__name__)

_SOFTWARE = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?")


def api_versions(
    served: Collection[int], header: RequestHeader, cursor: Cursor
) -> tuple[int, ApiVersionsResponse]:
    """The version of the layout to answer in, and the answer.

    A version that is too new is answered in the layout of version 0, with the range of ApiVersions
    itself, so that the client can come down. Source: RequestContext.parseRequest, KIP-511.
    """
    api = APIS[ApiKey.API_VERSIONS]
    if not api.first <= header.version <= api.last:
        own = ApiVersion(api.key, api.first, api.last)
        return 0, ApiVersionsResponse(error_code=ErrorCode.UNSUPPORTED_VERSION, api_keys=(own,))
    flexible = api.flexible(header.version)
    request = codec_of(ApiVersionsRequest, header.version, flexible=flexible).read(cursor)
    names = (request.client_software_name, request.client_software_version)
    if header.version >= 3 and not all(map(_SOFTWARE.fullmatch, names)):
        refusal = ApiVersionsResponse(error_code=ErrorCode.INVALID_REQUEST, api_keys=())
        return header.version, refusal
    ranges = tuple(
        ApiVersion(one.key, one.first if one.told_first is None else one.told_first, one.last)
        for one in sorted(APIS.values(), key=lambda one: one.key)
        if one.key in served
    )
    return header.version, ApiVersionsResponse(error_code=ErrorCode.NONE, api_keys=ranges)


def metadata(
    state: BrokerState, session: Session, header: RequestHeader, request: MetadataRequest
) -> MetadataResponse:
    """Brokers and topics; a topic asked for by name is made, where both sides allow it."""
    del session
    node_id = state.config.node_id
    return MetadataResponse(
        brokers=(MetadataBroker(node_id=node_id, host=state.host, port=state.port),),
        cluster_id=state.cluster_id,
        controller_id=node_id,
        topics=_topics(state, header, request),
    )


def _topics(
    state: BrokerState, header: RequestHeader, request: MetadataRequest
) -> tuple[MetadataTopic, ...]:
    if request.topics is None or (header.version == 0 and not request.topics):
        return tuple(_told(state, topic) for _, topic in sorted(state.topics.by_name.items()))
    may_create = request.allow_auto_topic_creation and state.config.auto_create_topics
    return tuple(_asked(state, wanted, may_create=may_create) for wanted in request.topics)


def _asked(state: BrokerState, wanted: MetadataRequestTopic, *, may_create: bool) -> MetadataTopic:
    if wanted.name is None:
        return _asked_by_id(state, wanted.topic_id)
    topic = state.topics.by_name.get(wanted.name)
    if topic is not None:
        return _told(state, topic)
    if not is_legal_name(wanted.name):
        return MetadataTopic(error_code=ErrorCode.INVALID_TOPIC_EXCEPTION, name=wanted.name)
    if not may_create:
        return MetadataTopic(error_code=ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, name=wanted.name)
    count = state.config.default_partition_count
    try:
        check_new_topic(state, wanted.name, count)
        topic = state.topics.create(wanted.name, count, now_ms=state.wall_ms())
    except REFUSALS as error:
        error_code, _ = told_refusal(error, f"topic {wanted.name}")
        return MetadataTopic(error_code=error_code, name=wanted.name)
    return _told(state, topic)


def _asked_by_id(state: BrokerState, topic_id: bytes) -> MetadataTopic:
    topic = None if topic_id == NO_UUID else state.topics.by_id(topic_id)
    if topic is not None:
        return _told(state, topic)
    return MetadataTopic(error_code=ErrorCode.UNKNOWN_TOPIC_ID, name=None, topic_id=topic_id)


def _told(state: BrokerState, topic: Topic) -> MetadataTopic:
    node_id = state.config.node_id
    partitions = tuple(
        MetadataPartition(
            error_code=ErrorCode.NONE,
            partition_index=partition.number,
            leader_id=node_id,
            leader_epoch=0,
            replica_nodes=(node_id,),
            isr_nodes=(node_id,),
        )
        for partition in topic.partitions
    )
    return MetadataTopic(
        error_code=ErrorCode.NONE,
        name=topic.name,
        topic_id=topic.topic_id,
        is_internal=topic.name.startswith("__"),
        partitions=partitions,
    )


def init_producer_id(
    state: BrokerState, session: Session, header: RequestHeader, request: InitProducerIdRequest
) -> InitProducerIdResponse:
    """A producer id that nobody had, with epoch 0. Transactions are not served."""
    del session, header
    if request.transactional_id is not None:
        return InitProducerIdResponse(error_code=ErrorCode.INVALID_REQUEST)
    try:
        producer_id = state.topics.next_producer_id()
    except OSError:
        log.exception("no producer id could be reserved")
        return InitProducerIdResponse(error_code=ErrorCode.KAFKA_STORAGE_ERROR)
    return InitProducerIdResponse(
        error_code=ErrorCode.NONE, producer_id=producer_id, producer_epoch=0
    )
