"""The send buffer of a socket: what it takes at once, and when a writer has to wait for the link.

Source: socket(7) SO_SNDBUF, tcp(7) tcp_wmem; a blocking send returns when its last byte is in the
buffer, not when it has left.
"""

from collections import deque

from iowitness.model.worker_pool import Line


class SocketBuffer:
    """A buffer of so many bytes before a line; bytes leave it as the line sends them.

    One line may serve several sockets: each waits for its own bytes only.
    """

    def __init__(self, line: Line, byte_count: int) -> None:
        if byte_count <= 0:
            raise ValueError(f"byte_count={byte_count}, expected > 0")
        self._line = line
        self._byte_count = byte_count
        self._sent: deque[tuple[int, int]] = deque()  # when what has left, how many bytes

    def held_byte_count(self, now_ns: int) -> int:
        """What has been put in and has not left as a whole stretch."""
        return sum(byte_count for left_ns, byte_count in self._sent if left_ns > now_ns)

    def put(self, now_ns: int, byte_count: int) -> tuple[int, int]:
        """Send: when the last byte is in the buffer, and when it has left.

        Stretches longer than the buffer go in as it empties.
        """
        accepted_ns, left_ns = now_ns, now_ns
        while byte_count > 0:
            piece = min(byte_count, self._byte_count)
            accepted_ns = self._room_ns(accepted_ns, piece)
            left_ns = self._line.sent_ns(accepted_ns, piece)
            self._sent.append((left_ns, piece))
            byte_count -= piece
        return accepted_ns, left_ns

    def _room_ns(self, now_ns: int, byte_count: int) -> int:
        """When so many bytes fit."""
        while self._sent and self._sent[0][0] <= now_ns:
            self._sent.popleft()
        held = sum(size for _, size in self._sent)
        while held + byte_count > self._byte_count:
            now_ns, size = self._sent.popleft()
            held -= size
        return now_ns
