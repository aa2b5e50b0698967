"""What the broker answers to a frame: topics and logs on one side, values on the other; no socket.

A handler returns the parts of its answer, None where there is none to send, or a request that has
to wait. One thread at a time.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from msgspec import Struct

from iowitness.impl import (
    cluster_handlers,
    config_handlers,
    fetch_handler,
    group_handlers,
    offset_handlers,
    place_handlers,
    produce_handler,
    record_handlers,
    sasl_handlers,
    topic_handlers,
)
from iowitness.impl.api_table import APIS, ApiKey
from iowitness.impl.broker_state import Answer, BrokerState, ParkedCall, ParkedFetch, Part, Session
from iowitness.impl.fetch_wire import read_fetch_request
from iowitness.impl.housekeeping import Housekeeping
from iowitness.impl.message_codec import codec_of
from iowitness.impl.produce_wire import read_produce_request, write_produce_response
from iowitness.impl.request_header import (
    RequestHeader,
    finished,
    read_request_header,
    response_frame,
)
from iowitness.impl.wire import MOST_REQUEST_ELEMENT_COUNT, Cursor
from iowitness.impl.wire_errors import ProtocolViolation

Handler: TypeAlias = Callable[[BrokerState, Session, RequestHeader, Any], Struct | ParkedCall]

log = logging.getLogger(__name__)

_HANDLERS: dict[int, Handler] = {
    ApiKey.CREATE_TOPICS: topic_handlers.create_topics,
    ApiKey.DELETE_TOPICS: topic_handlers.delete_topics,
    ApiKey.CREATE_PARTITIONS: topic_handlers.create_partitions,
    ApiKey.DELETE_RECORDS: record_handlers.delete_records,
    ApiKey.DESCRIBE_CONFIGS: config_handlers.describe_configs,
    ApiKey.ALTER_CONFIGS: config_handlers.alter_configs,
    ApiKey.INCREMENTAL_ALTER_CONFIGS: config_handlers.incremental_alter_configs,
    ApiKey.DESCRIBE_CLUSTER: config_handlers.describe_cluster,
    ApiKey.OFFSET_COMMIT: offset_handlers.offset_commit,
    ApiKey.OFFSET_FETCH: offset_handlers.offset_fetch,
    ApiKey.FIND_COORDINATOR: group_handlers.find_coordinator,
    ApiKey.JOIN_GROUP: group_handlers.join_group,
    ApiKey.HEARTBEAT: group_handlers.heartbeat,
    ApiKey.LEAVE_GROUP: group_handlers.leave_group,
    ApiKey.SYNC_GROUP: group_handlers.sync_group,
    ApiKey.DESCRIBE_GROUPS: group_handlers.describe_groups,
    ApiKey.LIST_GROUPS: group_handlers.list_groups,
    ApiKey.DELETE_GROUPS: group_handlers.delete_groups,
    ApiKey.OFFSET_DELETE: offset_handlers.offset_delete,
    ApiKey.METADATA: cluster_handlers.metadata,
    ApiKey.LIST_OFFSETS: place_handlers.list_offsets,
    ApiKey.OFFSET_FOR_LEADER_EPOCH: place_handlers.offset_for_leader_epoch,
    ApiKey.INIT_PRODUCER_ID: cluster_handlers.init_producer_id,
    ApiKey.SASL_HANDSHAKE: sasl_handlers.handshake,
    ApiKey.SASL_AUTHENTICATE: sasl_handlers.authenticate,
}


_SERVED = frozenset({*_HANDLERS, ApiKey.PRODUCE, ApiKey.FETCH, ApiKey.API_VERSIONS})


class Broker:
    """Answers frames, one after another."""

    def __init__(self, state: BrokerState) -> None:
        self.state = state
        self._housekeeping = Housekeeping(state.topics, state.config, state.now_ns, state.wall_ms)

    def answer(self, session: Session, frame: memoryview) -> Answer:
        """What to send for one frame.

        Raises ProtocolViolation for a frame that ends the connection. Source for the API and
        version rule: SocketServer.parseRequestHeader.
        """
        if session.sasl is not None and session.sasl.is_raw and not session.sasl.is_done:
            return sasl_handlers.raw_answer(session.sasl, frame)
        cursor = Cursor(frame, 0, MOST_REQUEST_ELEMENT_COUNT)
        header = read_request_header(cursor)
        sasl_handlers.check_may_ask(session, header)
        if header.api_key == ApiKey.API_VERSIONS:
            return self._versions(header, cursor)
        api = APIS.get(header.api_key)
        if (
            header.api_key not in _SERVED
            or api is None
            or not api.first <= header.version <= api.last
        ):
            raise ProtocolViolation(_unsupported(header))
        if header.api_key == ApiKey.PRODUCE:
            return self._produce(session, header, cursor)
        if header.api_key == ApiKey.FETCH:
            request = read_fetch_request(cursor, header.version)
            return fetch_handler.fetch(self.state, header, request)
        assert api.request is not None
        codec = codec_of(api.request, header.version, flexible=api.flexible(header.version))
        response = _HANDLERS[header.api_key](self.state, session, header, codec.read(cursor))
        return response if isinstance(response, ParkedCall) else _encoded(header, response)

    def finished(self) -> Iterator[tuple[ParkedCall, Sequence[Part]]]:
        """The parked calls whose answers are there by now; those of lost connections too."""
        finished = self.state.groups.finished
        while finished:
            call, response = finished.pop(0)
            yield call, _encoded(call.header, response)

    def next_deadline_ns(self) -> int:
        """When `tick` next has something to do, by the monotonic clock."""
        groups_ns = self.state.groups.next_deadline_ns()
        logs_ns = self._housekeeping.next_deadline_ns()
        return logs_ns if groups_ns is None else min(groups_ns, logs_ns)

    def tick(self, now_ns: int) -> None:
        """What time makes due."""
        self.state.groups.tick(now_ns=now_ns)
        self._housekeeping.tick(now_ns)

    def retried(self, parked: ParkedFetch) -> Sequence[Part] | None:
        """The answer of a waiting fetch if there is enough by now, else None."""
        return fetch_handler.retried(self.state, parked)

    def timed_out(self, parked: ParkedFetch) -> Sequence[Part]:
        """The answer of a waiting fetch whose time is up, with whatever there is."""
        return fetch_handler.timed_out(self.state, parked)

    def _versions(self, header: RequestHeader, cursor: Cursor) -> Answer:
        version, response = cluster_handlers.api_versions(_SERVED, header, cursor)
        api = APIS[ApiKey.API_VERSIONS]
        frame = response_frame(header)
        assert api.response is not None
        codec = codec_of(api.response, version, flexible=api.flexible(version))
        codec.write(frame, response)
        return [finished(frame)]

    def _produce(self, session: Session, header: RequestHeader, cursor: Cursor) -> Answer:
        request = read_produce_request(cursor, header.version)
        response = produce_handler.produce(self.state, session, header, request)
        if request.acks == 0:
            return produce_handler.unacknowledged(response)
        frame = response_frame(header)
        write_produce_response(frame, header.version, response)
        return [finished(frame)]


def _encoded(header: RequestHeader, response: Struct) -> Sequence[Part]:
    api = APIS[header.api_key]
    assert api.response is not None
    frame = response_frame(header)
    codec_of(api.response, header.version, flexible=api.flexible(header.version)).write(
        frame, response
    )
    return [finished(frame)]


def _unsupported(header: RequestHeader) -> str:
    api = APIS.get(header.api_key)
    expected = "an API of docs/formats/produce-and-fetch.md"
    if api is not None:
        expected = f"version {api.first} to {api.last} of {api.key.name}"
    return f"api_key={header.api_key} version={header.version}, expected {expected}"
