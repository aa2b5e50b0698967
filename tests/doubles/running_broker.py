"""A broker of ours in a thread of the test, on a free port."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

from msgspec import structs

from iowitness.impl.group_config import GroupConfig
from iowitness.impl.log_files import LogFiles
from iowitness.impl.server import Server
from iowitness.impl.server_config import ServerConfig

GROUPS_AT_ONCE = GroupConfig(initial_rebalance_delay_ms=0)
"""The first member of a group is served at once, where Kafka's default waits 3 s for others."""


@contextlib.contextmanager
def running_broker(
    folder: Path, config: ServerConfig | None = None, files: LogFiles | None = None
) -> Iterator[Server]:
    """A server that serves while the block runs, and then stops cleanly."""
    server = Server(str(folder), config or ServerConfig(groups=GROUPS_AT_ONCE), files)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(30)
        assert not thread.is_alive()


def address(server: Server) -> str:
    """Where clients find it."""
    return f"127.0.0.1:{server.port}"


class RestartingBroker:
    """A broker that comes back on the same port and folder, with the same settings."""

    def __init__(self, folder: Path, config: ServerConfig) -> None:
        self.folder = folder
        self._config = config
        self._running = contextlib.ExitStack()
        self.port = self._running.enter_context(running_broker(folder, config)).port

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def restart(self) -> None:
        self.stop()
        config = structs.replace(self._config, port=self.port)
        self._running.enter_context(running_broker(self.folder, config))

    def stop(self) -> None:
        self._running.close()
