"""The process of `broker_process`: a broker with a configuration that comes by standard input.

A new interpreter and no fork: the test's process has threads of foreign clients.
"""

import logging
import pickle
import signal
import sys

from iowitness.impl.server import Server


def main() -> None:
    folder = sys.argv[1]
    config = pickle.load(sys.stdin.buffer)
    logging.basicConfig(filename=f"{folder}/broker.log", level=logging.INFO)
    server = Server(f"{folder}/logs", config)
    server.stop_on(signal.SIGTERM, signal.SIGINT)
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    if "stuck" in sys.argv[2:]:
        server._topics.close = _stuck  # type: ignore[method-assign]  # as a slow disk would be
    server.run()


def _stuck() -> None:
    sys.stdout.write("stuck\n")
    sys.stdout.flush()
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
