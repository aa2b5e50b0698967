"""The byte flow as SVG: user space above, kernel below, ribbons as wide as their bytes.

The fetch path has two ways from the page cache to the socket: along the kernel's lane, which is
`sendfile`, or up into a buffer of the server and down again. The second stays dotted where no byte
took it.
"""

from iowitness.report.byte_flow import ByteFlow, Flow, Link
from iowitness.report.flow_words import flow_sentence
from iowitness.report.markup import Markup, joined, tag
from iowitness.report.quantities import bytes_text, count_text, percent_text

_WIDTH = 1180
_HEIGHT = 338
_USER_TOP = 40
_USER_BOTTOM = 122
_BOUNDARY = 160
_KERNEL_TOP = 198
_KERNEL_BOTTOM = 322
_MIDDLE = 260
_UPPER = 228
_LOWER = 292
_BEND = 80
_WIDEST = 44.0
_THINNEST = 2.0
_NEARLY_EMPTY = 0.01
"""The share of a segment's bytes below which the server's buffer is drawn as empty: batch heads."""


def byte_flow_drawing(flow: ByteFlow) -> Markup:
    """The whole picture, with a sentence for those who cannot see it."""
    widest = max((flow.flow(link).byte_count for link in _DRAWN), default=0)
    ribbons = [_ribbon(flow.flow(link), widest, *_DRAWN[link]) for link in _DRAWN]
    picture = tag(
        "svg",
        _lanes(),
        ribbons,
        _boxes(flow),
        [_label(flow.flow(link), link) for link in _DRAWN if _is_known(flow, link)],
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        class_="flow",
        role="img",
        aria_label=flow_sentence(flow),
    )
    return tag("div", picture, class_="scroll", tabindex=0, role="region", aria_label="Byte flow")


_DOWN_A = f"M70,{_USER_BOTTOM} V{_MIDDLE - _BEND} Q70,{_MIDDLE} 150,{_MIDDLE}"
_UP_A = f"M250,{_MIDDLE} Q330,{_MIDDLE} 330,{_MIDDLE - _BEND} V{_USER_BOTTOM}"
_DOWN_B = f"M450,{_USER_BOTTOM} V{_MIDDLE - _BEND} Q450,{_MIDDLE} 530,{_MIDDLE}"
_UP_B = f"M650,{_UPPER} H670 Q740,{_UPPER} 740,{_UPPER - 70} V{_USER_BOTTOM}"
_DOWN_C = f"M840,{_USER_BOTTOM} V{_UPPER - 70} Q840,{_UPPER} 910,{_UPPER} H930"
_ALONG = f"M650,{_LOWER} H930"
_UP_C = f"M1030,{_MIDDLE} Q1110,{_MIDDLE} 1110,{_MIDDLE - _BEND} V{_USER_BOTTOM}"

_DRAWN: dict[Link, tuple[str, str]] = {
    "clients send": (_DOWN_A, "user"),
    "server receives": (_UP_A, "user"),
    "server writes": (_DOWN_B, "user"),
    "server reads": (_UP_B, "copied"),
    "server sends": (_DOWN_C, "copied"),
    "kernel transfers": (_ALONG, "kernel"),
    "clients receive": (_UP_C, "user"),
}
"""Each ribbon's path and its class of colour."""

_LABEL_PLACES: dict[Link, tuple[int, int]] = {
    "clients send": (70, _BOUNDARY),
    "server receives": (330, _BOUNDARY),
    "server writes": (450, _BOUNDARY),
    "server reads": (740, _BOUNDARY),
    "server sends": (840, _BOUNDARY),
    "kernel transfers": (790, _LOWER),
    "clients receive": (1110, _BOUNDARY),
}


def _lanes() -> Markup:
    return joined(
        tag("rect", x=0, y=0, width=_WIDTH, height=_BOUNDARY, class_="lane-user"),
        tag(
            "rect", x=0, y=_BOUNDARY, width=_WIDTH, height=_HEIGHT - _BOUNDARY, class_="lane-kernel"
        ),
        tag("line", x1=0, x2=_WIDTH, y1=_BOUNDARY, y2=_BOUNDARY, class_="boundary"),
        tag("text", "USER SPACE", x=12, y=22, class_="lane-name"),
        tag("text", "KERNEL", x=12, y=_HEIGHT - 12, class_="lane-name"),
    )


def _ribbon(flow: Flow, widest_byte_count: int, path: str, colour: str) -> Markup:
    if flow.byte_count == 0:
        return tag("path", d=path, class_="ribbon none")
    width = max(_THINNEST, _WIDEST * flow.byte_count / widest_byte_count)
    return tag("path", d=path, class_=f"ribbon {colour}", stroke_width=f"{width:.1f}")


def _boxes(flow: ByteFlow) -> Markup:
    clients = "" if flow.clients_are_traced else "not traced"
    copied = flow.flow("server reads").byte_count
    share = flow.user_space_share or 0.0
    fetch_state = (
        f"{bytes_text(copied)}, {percent_text(share)} of {flow.files}" if copied else "empty: 0 B"
    )
    fetch_kind = "user" if share > _NEARLY_EMPTY else "empty"
    server = flow.server.removeprefix("the ")
    written = f"{_moved(flow, 'server writes')} to {flow.files}"
    mapped = f"{flow.mapped_count} mapped" if flow.mapped_count else flow.files
    return joined(
        _box(10, 120, "user", ("producers", clients or _moved(flow, "clients send"))),
        _box(150, 100, "kernel", ("socket", "produce")),
        _box(290, 200, "user", (f"{server}: buffer", written)),
        _box(530, 120, "kernel", ("page cache", mapped)),
        _box(690, 200, fetch_kind, (f"{server}: fetch path", fetch_state)),
        _box(930, 100, "kernel", ("socket", "fetch")),
        _box(1050, 120, "user", ("consumers", clients or _moved(flow, "clients receive"))),
    )


def _moved(flow: ByteFlow, link: Link) -> str:
    return bytes_text(flow.flow(link).byte_count)


def _is_known(flow: ByteFlow, link: Link) -> bool:
    """False for what clients did if nobody watched them: that is not 0 B."""
    return flow.clients_are_traced or not link.startswith("clients")


def _box(x: int, width: int, kind: str, lines: tuple[str, str]) -> Markup:
    top, bottom = (_KERNEL_TOP, _KERNEL_BOTTOM) if kind == "kernel" else (_USER_TOP, _USER_BOTTOM)
    middle_x, middle_y = x + width // 2, (top + bottom) // 2
    return tag(
        "g",
        tag("rect", x=x, y=top, width=width, height=bottom - top, rx=4, class_=f"box {kind}"),
        tag("text", lines[0], x=middle_x, y=middle_y - 4, class_="box-name"),
        tag("text", lines[1], x=middle_x, y=middle_y + 15, class_="box-figure"),
    )


def _label(flow: Flow, link: Link) -> Markup:
    x, y = _LABEL_PLACES[link]
    if flow.byte_count == 0:
        return joined(_pill(x, y - 10, 20, 3), tag("text", "0 B", x=x, y=y + 4, class_="link-name"))
    calls = f"{count_text(flow.call_count)} {flow.calls[0]}"
    if len(flow.calls) > 1:
        calls += ", …"
    size = bytes_text(flow.byte_count)
    return joined(
        _pill(x, y - 18, 36, max(len(size) + 1, len(calls))),
        tag("text", size, x=x, y=y - 3, class_="link-bytes"),
        tag("text", calls, x=x, y=y + 12, class_="link-name"),
    )


def _pill(x: int, y: int, height: int, character_count: int) -> Markup:
    """The ground of a label. SVG cannot fit it to its text, so it is as wide as that may be."""
    width = 7 * character_count + 10
    return tag("rect", x=x - width / 2, y=y, width=width, height=height, rx=4, class_="pill")
