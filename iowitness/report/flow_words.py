"""What a byte flow shows of the fetch path, in words."""

from iowitness.report.byte_flow import ByteFlow
from iowitness.report.quantities import bytes_text, percent_text


def flow_sentence(flow: ByteFlow) -> str:
    """What the fetch path shows, in one sentence."""
    share = flow.user_space_share
    transferred = bytes_text(flow.flow("kernel transfers").byte_count)
    copied = bytes_text(flow.flow("server reads").byte_count)
    if share is None:
        return f"No byte of the {flow.files} left the server."
    if share == 0:
        return (
            f"{transferred} went from {flow.files} to sockets inside the kernel; "
            f"nothing of them was read into a buffer of {flow.server}."
        )
    return (
        f"{transferred} went from {flow.files} to sockets inside the kernel; "
        f"{copied} of {flow.files} ({percent_text(share)} of what left them) was read into a "
        f"buffer of {flow.server}."
    )
