"""Events about sockets, pipes and whatever moves between endpoints."""

from iowitness.traces.event_base import Channel, Endpoint, IOEvent, Pipe, Socket


class SocketOpened(IOEvent, frozen=True, kw_only=True, gc=False):
    """A socket or one end of a socket pair came to be. Source: socket(2), socketpair(2)."""

    socket: Socket
    descriptor: int
    close_on_exec: bool = False


class PipeOpened(IOEvent, frozen=True, kw_only=True, gc=False):
    """A pipe came to be. Source: pipe(2)."""

    pipe: Pipe
    read_descriptor: int
    write_descriptor: int
    close_on_exec: bool = False


class Closed(IOEvent, frozen=True, kw_only=True, gc=False):
    """A descriptor was closed by close, close_range, dup2 over it, exec, or its process's end.

    `endpoint` is None where the history never learned what the descriptor stood for.
    `last` says that no other descriptor of the traced processes still refers to the same opening.
    """

    endpoint: Endpoint | None
    descriptor: int
    last: bool = True


class Received(IOEvent, frozen=True, kw_only=True, gc=False):
    """Bytes came from a socket or pipe into a buffer of the process. Source: recv(2), read(2).

    `byte_count=0` without an error is the peer's end of stream. `peeked` says that the bytes stayed
    in the channel (MSG_PEEK) and will come again.
    """

    channel: Channel
    byte_count: int
    requested_byte_count: int
    data: bytes | None = None
    peeked: bool = False


class Sent(IOEvent, frozen=True, kw_only=True, gc=False):
    """Bytes of a buffer of the process went to a socket or pipe. Source: send(2), write(2)."""

    channel: Channel
    byte_count: int
    requested_byte_count: int
    data: bytes | None = None


class Transferred(IOEvent, frozen=True, kw_only=True, gc=False):
    """Bytes moved between two endpoints inside the kernel, through no buffer of the process.

    `offset` is where they start in `source`, `destination_offset` where they go to, each None
    where unknown or where the endpoint has no positions. A short transfer is normal: `byte_count`
    is what the call returned. Source: sendfile(2), splice(2), tee(2), copy_file_range(2).
    """

    source: Endpoint
    offset: int | None
    destination: Endpoint
    destination_offset: int | None
    byte_count: int
    requested_byte_count: int


class Listening(IOEvent, frozen=True, kw_only=True, gc=False):
    """A socket was bound or waits for connections. Source: bind(2), listen(2)."""

    socket: Socket


class Connected(IOEvent, frozen=True, kw_only=True, gc=False):
    """A connection was asked for; `error="EINPROGRESS"` is the usual non-blocking answer.

    Source: connect(2).
    """

    socket: Socket


class Accepted(IOEvent, frozen=True, kw_only=True, gc=False):
    """A connection was taken from a listener. Source: accept(2)."""

    listener: Socket
    socket: Socket
    descriptor: int
    close_on_exec: bool = False
