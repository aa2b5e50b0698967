"""Which cluster a data folder belongs to: 22 characters that clients are told.

A folder that Kafka formatted says so in `meta.properties`, which is Kafka's to write. Others get a
file of ours. Source: Kafka 4.3, MetaProperties.
"""

import re
import secrets
from typing import Final

from iowitness.impl.errors import CheckpointError
from iowitness.impl.log_files import LogFiles
from iowitness.impl.replaced_file import read_file, replace_file

KAFKAS_FILE: Final = "meta.properties"
OUR_FILE: Final = "cluster-id"
_PROPERTY: Final = re.compile(rb"^cluster\.id=([A-Za-z0-9_-]{1,64})\s*$", re.MULTILINE)
_ID: Final = re.compile(rb"[A-Za-z0-9_-]{22}")


def cluster_id(files: LogFiles, directory: str) -> str:
    """The folder's cluster; a new one at the first start. Raises `OSError`, `CheckpointError`."""
    kafkas = read_file(files, f"{directory}/{KAFKAS_FILE}")
    match = None if kafkas is None else _PROPERTY.search(kafkas)
    if match is not None:
        return match[1].decode()
    stored = read_file(files, f"{directory}/{OUR_FILE}")
    if stored is None:
        stored = secrets.token_urlsafe(16).encode()
        replace_file(files, directory, OUR_FILE, stored)
    if _ID.fullmatch(stored) is None:
        raise CheckpointError(f"{directory}/{OUR_FILE}: {stored[:80]!r}, expected 22 characters")
    return stored.decode()
