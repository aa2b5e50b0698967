"""A proxy before a broker that loses answers: it lets a request through, and then hangs up.

It listens on another loopback address with the broker's own port, so that a broker that advertises
that address keeps its clients behind it.
"""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

PROXY_HOST = "127.0.0.2"
_PRODUCE = 0


class LossyProxy:
    """`loses(n)` says whether the answer to the n-th produce request, from 0 on, is lost.

    `before_hanging_up` runs while the client still waits: the broker has appended by then.
    """

    def __init__(
        self,
        port: int,
        loses: Callable[[int], bool],
        before_hanging_up: Callable[[], None] = lambda: None,
    ) -> None:
        self._port = port
        self._loses = loses
        self._before_hanging_up = before_hanging_up
        self._lock = threading.Lock()
        self.answered_count = 0
        self.lost_count = 0

    def serve(self, client: socket.socket) -> None:
        """One client's connection, request by request, as a broker answers them in order."""
        with (
            client,
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self._port), 10) as broker,
        ):
            while (request := _frame(client)) is not None:
                broker.sendall(request)
                answer = _frame(broker)
                if answer is None or (_is_produce(request) and self._is_lost()):
                    return
                client.sendall(answer)

    def _is_lost(self) -> bool:
        with self._lock:
            number = self.answered_count
            self.answered_count += 1
            if not self._loses(number):
                return False
            self.lost_count += 1
        self._before_hanging_up()
        return True


def _is_produce(request: bytes) -> bool:
    return int.from_bytes(request[4:6], "big") == _PRODUCE


def _frame(sock: socket.socket) -> bytes | None:
    """A whole frame with its size, or None at the end."""
    size = sock.recv(4, socket.MSG_WAITALL)
    if len(size) < 4:
        return None
    body = sock.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL)
    return size + body


@contextlib.contextmanager
def lossy_proxy(proxy: LossyProxy) -> Iterator[LossyProxy]:
    """The proxy, listening while the block runs."""
    listener = socket.create_server((PROXY_HOST, proxy._port))
    connections: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                connections.append(client)
                threads.append(threading.Thread(target=proxy.serve, args=(client,)))
                threads[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield proxy
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join(10)
        for client in connections:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(10)
