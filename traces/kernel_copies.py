"""Converters of the calls that move bytes inside the kernel, through no buffer of the process.

Source: sendfile(2), splice(2), tee(2), vmsplice(2), copy_file_range(2), ioctl_ficlonerange(2).
"""

import re
from collections.abc import Mapping

from iowitness.traces.byte_calls import Converter, gave_out, took_in
from iowitness.traces.call_view import CallView, vector
from iowitness.traces.descriptor_table import Opening
from iowitness.traces.events import Endpoint, Transferred, Unverifiable
from iowitness.traces.strace_text import fields, number

_OFFSET = re.compile(rb"\[(-?[0-9]+)(?:\]? => \[?(-?[0-9]+))?\]")


def _offset(argument: bytes) -> int | None:
    """`[0]`, `[0] => [4096]` or `[0 => 4096]`: the offset before the call; None for NULL."""
    found = _OFFSET.match(argument)
    return None if found is None else int(found[1])


def _transferred(
    view: CallView,
    source: tuple[Opening, int | None],
    destination: tuple[Opening, int | None],
    requested: int,
    *,
    consumes: bool = True,
) -> None:
    """Bytes went from one opening to another; an offset of None means the opening's position."""
    from_opening, from_offset = source
    to_opening, to_offset = destination
    start = _place(from_opening, from_offset)
    target = _place(to_opening, to_offset)
    count = 0 if view.failed else view.result or 0
    if from_opening.endpoint is None or to_opening.endpoint is None:
        known = from_opening.endpoint or to_opening.endpoint
        if view.error is None:
            _unverifiable(view, "one end is a descriptor that the trace does not explain", known)
        return
    view.world.out.append(
        Transferred(
            **view.at,
            source=from_opening.endpoint,
            offset=start,
            destination=to_opening.endpoint,
            destination_offset=target,
            byte_count=count,
            requested_byte_count=requested,
        )
    )
    if count and consumes:
        _advance(from_opening, from_offset, start, count)
        _advance(to_opening, to_offset, target, count)


def _place(opening: Opening, offset: int | None) -> int | None:
    """Where in the file the bytes are; None for what has no positions.

    O_APPEND has no say: the kernel refuses it for a destination (EINVAL, EBADF).
    """
    if opening.node is None:
        return None
    return opening.position if offset is None else offset


def _advance(opening: Opening, offset: int | None, start: int | None, count: int) -> None:
    """Move the position where the call used it; the file reaches at least so far."""
    if opening.node is None:
        return
    end = None if start is None else start + count
    if offset is None:
        opening.move(end)
    if end is not None:
        opening.node.grown_to(end)


def _unverifiable(view: CallView, reason: str, endpoint: Endpoint | None) -> None:
    view.world.out.append(Unverifiable(**view.at, reason=reason, endpoint=endpoint))


def _sendfile(view: CallView) -> None:
    _transferred(
        view,
        (view.opening(1), _offset(view.arguments[2])),
        (view.opening(0), None),
        view.number(3),
    )


def _splice(view: CallView) -> None:
    """Covers copy_file_range too, whose arguments are the same."""
    _transferred(
        view,
        (view.opening(0), _offset(view.arguments[1])),
        (view.opening(2), _offset(view.arguments[3])),
        view.number(4),
    )


def _tee(view: CallView) -> None:
    source, destination = (view.opening(0), None), (view.opening(1), None)
    _transferred(view, source, destination, view.number(2), consumes=False)


def _vmsplice(view: CallView) -> None:
    """Pages of the process given to a pipe, or taken from one: the pipe's side is visible."""
    count = max(view.result or 0, 0)
    requested, data = vector(view.arguments[1], count)
    opening = view.opening(0)
    if b"SPLICE_F_GIFT" in view.flags(3) or data is not None or view.failed:
        gave_out(view, opening, None, requested, None if view.failed else data)
    else:
        took_in(view, opening, None, requested, None)


def _ioctl(view: CallView) -> None:
    """The requests that concern descriptors and bytes; all others are only counted."""
    request = view.arguments[1]
    if request in (b"FIOCLEX", b"FIONCLEX") and not view.failed:
        view.opening(0)
        number_text = view.arguments[0].partition(b"<")[0]
        descriptor = view.process.table.descriptors.get(int(number_text))
        if descriptor is not None:
            descriptor.close_on_exec = request == b"FIOCLEX"
    elif request.endswith((b"FICLONE", b"FICLONERANGE")) and not view.failed:
        _clone_range(view)


def _clone_range(view: CallView) -> None:
    """A file shares another's blocks: as good as a copy inside the kernel."""
    destination = view.opening(0)
    argument = view.arguments[2]
    if argument.startswith(b"{"):
        members = fields(argument)
        source = view.opening_of(members[b"src_fd"])
        start, target = number(members[b"src_offset"]), number(members[b"dest_offset"])
        count = number(members[b"src_length"])
    else:
        source, start, target, count = view.opening_of(argument), 0, 0, 0
    size = None if source.node is None else source.node.size_byte_count
    if count == 0 and size is not None:
        count = size - start
    if count == 0 and size is None:
        _unverifiable(view, "a file was cloned whose size is not known", destination.endpoint)
        return
    view.result = count
    _transferred(view, (source, start), (destination, target), count)


CONVERTERS: Mapping[str, Converter] = {
    "sendfile": _sendfile,
    "sendfile64": _sendfile,
    "splice": _splice,
    "copy_file_range": _splice,
    "tee": _tee,
    "vmsplice": _vmsplice,
    "ioctl": _ioctl,
}
