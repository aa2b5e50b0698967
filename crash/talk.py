"""What passes between the traced processes and the outside, by the channel's name."""

from iowitness.traces.events import Channel, Pipe, Received, Sent, Socket


def talk_of(event: Received | Sent) -> tuple[str, int, bytes]:
    """The channel, how many bytes, and those of them that were kept."""
    return channel_name(event.channel), event.byte_count, event.data or b""


def channel_name(channel: Channel) -> str:
    """The same for both ends of a pipe, and for one end of a socket."""
    match channel:
        case Socket():
            return f"socket {channel.socket_id}"
        case Pipe():
            return f"pipe {channel.pipe_id}"
