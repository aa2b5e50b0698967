"""Which version of each API our own clients speak with a broker.

The highest that both know, below the flexible ones where those add nothing for us: their compact
lengths cost time and save a few bytes.
"""

from collections.abc import Mapping
from typing import Final

from iowitness.impl.api_table import ApiKey
from iowitness.impl.messages.cluster import ApiVersion
from iowitness.impl.wire_errors import named

OURS: Final[Mapping[int, tuple[int, int]]] = {
    ApiKey.PRODUCE: (3, 8),
    ApiKey.FETCH: (4, 11),
    ApiKey.LIST_OFFSETS: (1, 5),
    ApiKey.METADATA: (1, 8),
    ApiKey.OFFSET_COMMIT: (2, 7),
    ApiKey.OFFSET_FETCH: (1, 5),
    ApiKey.FIND_COORDINATOR: (0, 2),
    ApiKey.JOIN_GROUP: (0, 5),
    ApiKey.HEARTBEAT: (0, 3),
    ApiKey.LEAVE_GROUP: (0, 2),
    ApiKey.SYNC_GROUP: (0, 3),
    ApiKey.API_VERSIONS: (0, 0),
    ApiKey.INIT_PRODUCER_ID: (0, 4),
}


class IncompatibleBroker(Exception):
    """The broker and this client have no version of an API in common."""


def chosen(api_keys: tuple[ApiVersion, ...], error_code: int) -> Mapping[int, int]:
    """The version to use of each API that both know. Raises `IncompatibleBroker`.

    Only ApiVersions version 0 is asked, which every broker since 0.10 answers.
    """
    if error_code:
        raise IncompatibleBroker(f"ApiVersions failed with {named(error_code)}, expected NONE (0)")
    versions: dict[int, int] = {}
    for told in api_keys:
        ours = OURS.get(told.api_key)
        if ours is None:
            continue
        version = min(ours[1], told.max_version)
        if version < max(ours[0], told.min_version):
            raise IncompatibleBroker(
                f"{ApiKey(told.api_key).name}: broker has versions {told.min_version} to "
                f"{told.max_version}, expected one of {ours[0]} to {ours[1]}"
            )
        versions[told.api_key] = version
    return versions
