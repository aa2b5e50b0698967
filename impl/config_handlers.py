"""DescribeConfigs, AlterConfigs, IncrementalAlterConfigs and DescribeCluster."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import IntEnum
from functools import partial
from typing import TypeAlias

from iowitness.impl.broker_state import BrokerState, Session
from iowitness.impl.config_answers import broker_settings_told, topic_settings_told
from iowitness.impl.messages.admin import (
    AlterableConfig,
    AlterConfigsRequest,
    AlterConfigsResponse,
    AlteredResource,
    ConfigChange,
    ConfigResource,
    DescribeClusterRequest,
    DescribeClusterResponse,
    DescribeConfigsRequest,
    DescribeConfigsResponse,
    DescribedBroker,
    DescribedConfig,
    DescribedResource,
    IncrementalAlterConfigsRequest,
)
from iowitness.impl.refusals import REFUSALS, Refused, told_refusal
from iowitness.impl.request_header import RequestHeader
from iowitness.impl.topic_checks import known_topic
from iowitness.impl.topic_settings import SETTINGS, SettingKind
from iowitness.impl.topics import Topic
from iowitness.impl.wire_errors import ErrorCode

_BROKERS = 1

Wish: TypeAlias = Callable[[Mapping[str, str]], Mapping[str, str]]
"""The settings that a topic is to have, from those that it has."""


class ResourceType(IntEnum):
    """What has settings here. Source: ConfigResource.Type."""

    TOPIC = 2
    BROKER = 4


class _Operation(IntEnum):
    SET = 0
    DELETE = 1
    APPEND = 2
    SUBTRACT = 3


def describe_configs(
    state: BrokerState, session: Session, header: RequestHeader, request: DescribeConfigsRequest
) -> DescribeConfigsResponse:
    """The settings of topics and of this broker, all or those asked for."""
    del session, header
    return DescribeConfigsResponse(
        results=tuple(
            _described(state, resource, with_synonyms=request.include_synonyms)
            for resource in request.resources
        )
    )


def _described(
    state: BrokerState, resource: ConfigResource, *, with_synonyms: bool
) -> DescribedResource:
    try:
        told = _told(state, resource.resource_type, resource.resource_name)
    except REFUSALS as error:
        error_code, message = told_refusal(error, resource.resource_name)
        return DescribedResource(
            error_code=error_code,
            error_message=message,
            resource_type=resource.resource_type,
            resource_name=resource.resource_name,
        )
    wanted = resource.configuration_keys
    return DescribedResource(
        error_code=ErrorCode.NONE,
        resource_type=resource.resource_type,
        resource_name=resource.resource_name,
        configs=tuple(
            one if with_synonyms else _without_synonyms(one)
            for one in told
            if not wanted or one.name in wanted
        ),
    )


def _without_synonyms(told: DescribedConfig) -> DescribedConfig:
    return DescribedConfig(
        name=told.name,
        value=told.value,
        read_only=told.read_only,
        config_source=told.config_source,
        config_type=told.config_type,
    )


def _told(state: BrokerState, resource_type: int, name: str) -> tuple[DescribedConfig, ...]:
    if resource_type == ResourceType.TOPIC:
        topic = known_topic(state, name)
        return topic_settings_told(topic.settings, topic.config, state.config.log)
    if resource_type != ResourceType.BROKER:
        raise Refused(
            ErrorCode.INVALID_REQUEST,
            f"resource type={resource_type}, expected 2 (a topic) or 4 (a broker)",
        )
    if not name:
        return ()  # what was set for all brokers while they run: nothing can be
    if name != str(state.config.node_id):
        raise Refused(
            ErrorCode.INVALID_REQUEST,
            f"Unexpected broker id, expected {state.config.node_id} or empty string, "
            f"but received {name}",
        )
    return broker_settings_told(state.config)


def _alterable(state: BrokerState, resource_type: int, name: str) -> Topic:
    if resource_type != ResourceType.TOPIC:
        raise Refused(
            ErrorCode.INVALID_REQUEST,
            f"resource type={resource_type}, expected 2 (a topic): a broker's settings are given "
            "when it starts",
        )
    return known_topic(state, name)


def alter_configs(
    state: BrokerState, session: Session, header: RequestHeader, request: AlterConfigsRequest
) -> AlterConfigsResponse:
    """A topic's own settings are replaced by those given."""
    del session, header
    wishes = [
        (one.resource_type, one.resource_name, partial(_replaced, one.configs))
        for one in request.resources
    ]
    return _altered(state, wishes, is_dry=request.validate_only)


def incremental_alter_configs(
    state: BrokerState,
    session: Session,
    header: RequestHeader,
    request: IncrementalAlterConfigsRequest,
) -> AlterConfigsResponse:
    """A topic's own settings are changed one by one, all of them or none (KIP-339)."""
    del session, header
    wishes = [
        (one.resource_type, one.resource_name, partial(_changed, one.configs))
        for one in request.resources
    ]
    return _altered(state, wishes, is_dry=request.validate_only)


def _altered(
    state: BrokerState, wishes: Iterable[tuple[int, str, Wish]], *, is_dry: bool
) -> AlterConfigsResponse:
    return AlterConfigsResponse(
        responses=tuple(
            _altered_one(state, resource_type, name, wish, is_dry=is_dry)
            for resource_type, name, wish in wishes
        )
    )


def _altered_one(
    state: BrokerState, resource_type: int, name: str, wish: Wish, *, is_dry: bool
) -> AlteredResource:
    error_code: ErrorCode = ErrorCode.NONE
    message: str | None = None
    try:
        topic = _alterable(state, resource_type, name)
        settings = wish(topic.settings)
        state.topics.config_with(settings)
        if not is_dry:
            state.topics.configure(topic, settings)
    except REFUSALS as error:
        error_code, message = told_refusal(error, name)
    return AlteredResource(
        error_code=error_code,
        error_message=message,
        resource_type=resource_type,
        resource_name=name,
    )


def _replaced(wanted: Sequence[AlterableConfig], present: Mapping[str, str]) -> Mapping[str, str]:
    del present
    return {one.name: one.value for one in wanted if one.value is not None}


def _changed(changes: Sequence[ConfigChange], present: Mapping[str, str]) -> Mapping[str, str]:
    """Raises `Refused` for a setting named twice or an operation that it does not have."""
    settings = dict(present)
    names = [change.name for change in changes]
    if len(set(names)) != len(names):
        raise Refused(ErrorCode.INVALID_REQUEST, f"settings named twice: {names[:20]}")
    for change in changes:
        if change.config_operation == _Operation.DELETE:
            settings.pop(change.name, None)
        elif change.value is None:
            raise Refused(
                ErrorCode.INVALID_REQUEST, f"{change.name}: null value, expected one to set"
            )
        elif change.config_operation == _Operation.SET:
            settings[change.name] = change.value
        else:
            settings[change.name] = _changed_list(change, change.value, settings)
    return settings


def _changed_list(change: ConfigChange, value: str, settings: Mapping[str, str]) -> str:
    setting = SETTINGS.get(change.name)
    operations = {_Operation.APPEND, _Operation.SUBTRACT}
    if (
        change.config_operation not in operations
        or setting is None
        or setting.kind is not SettingKind.LIST
    ):
        raise Refused(
            ErrorCode.INVALID_CONFIG,
            f"{change.name}: operation={change.config_operation}, expected 0 (set) or 1 (delete), "
            "or on a list 2 (append) or 3 (subtract)",
        )
    words = settings.get(change.name, setting.default).split(",")
    named = value.split(",")
    if change.config_operation == _Operation.APPEND:
        words += [word for word in named if word not in words]
    else:
        words = [word for word in words if word not in named]
    return ",".join(words)


def describe_cluster(
    state: BrokerState, session: Session, header: RequestHeader, request: DescribeClusterRequest
) -> DescribeClusterResponse:
    """The one broker there is."""
    del session, header
    if request.endpoint_type != _BROKERS:
        return DescribeClusterResponse(
            error_code=ErrorCode.MISMATCHED_ENDPOINT_TYPE,
            error_message=f"endpoint_type={request.endpoint_type}, expected 1: "
            "there are no controllers to ask",
            endpoint_type=request.endpoint_type,
            cluster_id=state.cluster_id,
        )
    node_id = state.config.node_id
    return DescribeClusterResponse(
        error_code=ErrorCode.NONE,
        cluster_id=state.cluster_id,
        controller_id=node_id,
        brokers=(DescribedBroker(broker_id=node_id, host=state.host, port=state.port),),
    )
