"""What a byte flow shows of the fetch path, in words."""

from iowitness.report.byte_flow import ByteFlow
from iowitness.report.quantities import bytes_text, percent_text


def flow_sentence(flow: ByteFlow) -> str:
    """What the fetch path shows, in one sentence."""
    share = flow.user_space_share
    transferred = bytes_text(flow.flow("kernel transfers").byte_count)
    copied = bytes_text(flow.flow("server reads").byte_count)
    if share is None:
        return "No byte of a segment left the server."
    if share == 0:
        return (
            f"{transferred} went from segments to sockets inside the kernel; "
            f"no byte of a segment was read into the {flow.server}."
        )
    return (
        f"{transferred} went from segments to sockets inside the kernel; {copied} of segments "
        f"({percent_text(share)} of what left them) was read into the {flow.server}."
    )
