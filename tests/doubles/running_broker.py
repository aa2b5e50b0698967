"""A broker of ours in a thread of the test, on a free port."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

from iowitness.impl.log_files import LogFiles
from iowitness.impl.server import Server
from iowitness.impl.server_config import ServerConfig


@contextlib.contextmanager
def running_broker(
    folder: Path, config: ServerConfig | None = None, files: LogFiles | None = None
) -> Iterator[Server]:
    """A server that serves while the block runs, and then stops cleanly."""
    server = Server(str(folder), config, files)
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
