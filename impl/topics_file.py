"""The file of what a data folder's topics are to be: their settings, and which are being removed.

JSON, replaced as a whole. A topic that is named as doomed is removed at the next start if the
broker stopped in between, and settings of topics that have no folder any more are forgotten. Pure.
"""

import json
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from iowitness.impl.errors import CheckpointError

TOPICS_FILE: Final = "topic-settings.json"
_VERSION: Final = 1


class TopicsOnFile(Struct, frozen=True):
    """Settings as text by topic, and the topics whose removal has begun."""

    settings: Mapping[str, Mapping[str, str]]
    doomed: frozenset[str] = frozenset()


NO_TOPICS: Final = TopicsOnFile({})


def encode_topics(topics: TopicsOnFile) -> bytes:
    """The file's content, the same for the same topics."""
    content = {
        "version": _VERSION,
        "settings": {name: dict(own) for name, own in topics.settings.items() if own},
        "doomed": sorted(topics.doomed),
    }
    return json.dumps(content, indent=1, sort_keys=True).encode() + b"\n"


def read_topics(stored: bytes | None, file: str) -> TopicsOnFile:
    """What is in the file; nothing without one. Raises `CheckpointError` for anything else."""
    if stored is None:
        return NO_TOPICS
    try:
        content = json.loads(stored)
        if content["version"] != _VERSION:
            raise CheckpointError(f"{file}: version={content['version']}, expected {_VERSION}")
        settings = {
            str(topic): {str(name): str(value) for name, value in own.items()}
            for topic, own in content["settings"].items()
        }
        return TopicsOnFile(settings, frozenset(map(str, content["doomed"])))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{file}: {error!r}, expected JSON with version, settings and doomed"
        ) from error
