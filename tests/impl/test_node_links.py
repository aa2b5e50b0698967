"""The connections of a sender, as other threads see them."""

import os

from iowitness.impl.node_links import NodeLinks


def test_waking_what_is_closed_does_nothing_and_reaches_nobody_else() -> None:
    links = NodeLinks("client", reconnect_pause_ns=0)
    links.wake()
    links.close()
    reader, writer = os.pipe2(os.O_NONBLOCK)  # takes the numbers that were given back
    links.wake()
    try:
        assert os.read(reader, 1) == b"unexpected"
    except BlockingIOError:
        pass
    finally:
        os.close(reader)
        os.close(writer)
