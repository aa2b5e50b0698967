"""The predicted byte flow as SVG: user space above, kernel in the middle, devices below."""

from itertools import starmap
from typing import NamedTuple

from iowitness.report.markup import Markup, joined, tag
from iowitness.report.quantities import bytes_text
from iowitness.what_if.point_result import Curves

_WIDTH, _HEIGHT = 1180, 410
_USER, _KERNEL, _DEVICE = (36, 106), (168, 238), (310, 372)
_BOUNDARIES = (137, 274)
_WIDEST, _THINNEST = 40.0, 2.0


class _Flow(NamedTuple):
    """A ribbon: bytes, its path, its class of colour, and where its label stands."""

    byte_count: int
    path: str
    colour: str
    label_x: int
    label_y: int
    words: str


def flow_drawing(curves: Curves) -> Markup:
    """The picture of one run, with a sentence for those who cannot see it."""
    flows = _flows(curves)
    widest = max((flow.byte_count for flow in flows), default=0)
    picture = tag(
        "svg",
        _lanes(),
        [_ribbon(flow, widest) for flow in flows],
        list(starmap(_box, _BOXES)),
        [_label(flow) for flow in flows],
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        class_="flow",
        role="img",
        aria_label=flow_sentence(curves),
    )
    label = "Predicted byte flow"
    return tag("div", picture, class_="scroll", tabindex=0, role="region", aria_label=label)


def flow_sentence(curves: Curves) -> str:
    """What moved, in words."""
    cpu, dma = sum(curves.cpu_copied_bytes.values()), sum(curves.dma_bytes.values())
    paths = {**curves.cpu_copied_bytes, **curves.dma_bytes}
    told = ", ".join(f"{name} {bytes_text(count)}" for name, count in paths.items() if count)
    return f"Processors copied {bytes_text(cpu)}, devices moved {bytes_text(dma)}: {told}."


def _flows(curves: Curves) -> list[_Flow]:
    cpu, dma = curves.cpu_copied_bytes, curves.dma_bytes
    out, sent = dma.get("network out", 0), cpu.get("send", 0)
    return [
        _Flow(dma.get("network in", 0), "M120,310 V238", "kernel", 120, 284, "network in"),
        _Flow(
            cpu.get("receive", 0), "M120,168 V140 Q120,71 230,71 H270", "user", 120, 137, "receive"
        ),
        _Flow(cpu.get("write", 0), "M370,71 H410 Q490,71 490,140 V168", "user", 490, 137, "write"),
        _Flow(dma.get("disk write", 0), "M460,238 V310", "kernel", 460, 296, "disk write"),
        _Flow(dma.get("disk read", 0), "M560,310 V238", "kernel", 566, 264, "disk read"),
        _Flow(cpu.get("read", 0), "M560,168 V140 Q560,71 650,71 H690", "copied", 566, 137, "read"),
        _Flow(sent, "M860,71 H900 Q1030,71 1030,140 V168", "copied", 1030, 137, "send"),
        _Flow(max(0, out - sent), "M640,203 H960", "kernel", 790, 203, "sendfile, by reference"),
        _Flow(out, "M1030,238 V310", "kernel", 1030, 284, "network out"),
    ]


_BOXES = (
    (40, 160, _DEVICE, "kernel", "network card"),
    (40, 160, _KERNEL, "kernel", "socket"),
    (230, 180, _USER, "user", "request buffer"),
    (400, 240, _KERNEL, "kernel", "page cache"),
    (400, 240, _DEVICE, "kernel", "disk"),
    (680, 190, _USER, "user", "response buffer"),
    (950, 160, _KERNEL, "kernel", "socket"),
    (950, 160, _DEVICE, "kernel", "network card"),
)


def _lanes() -> Markup:
    first, second = _BOUNDARIES
    lanes = (
        ("lane-user", 0, first),
        ("lane-kernel", first, second),
        ("lane-device", second, _HEIGHT),
    )
    names = (("USER SPACE", 22), ("KERNEL", first + 20), ("DEVICES", _HEIGHT - 12))
    return joined(
        [
            tag("rect", x=0, y=top, width=_WIDTH, height=bottom - top, class_=kind)
            for kind, top, bottom in lanes
        ],
        [tag("line", x1=0, x2=_WIDTH, y1=y, y2=y, class_="boundary") for y in _BOUNDARIES],
        [tag("text", name, x=12, y=y, class_="lane-name") for name, y in names],
    )


def _ribbon(flow: _Flow, widest_byte_count: int) -> Markup:
    if flow.byte_count == 0:
        return tag("path", d=flow.path, class_="ribbon none")
    width = max(_THINNEST, _WIDEST * flow.byte_count / widest_byte_count)
    return tag("path", d=flow.path, class_=f"ribbon {flow.colour}", stroke_width=f"{width:.1f}")


def _box(x: int, width: int, lane: tuple[int, int], kind: str, name: str) -> Markup:
    top, bottom = lane
    return tag(
        "g",
        tag("rect", x=x, y=top, width=width, height=bottom - top, rx=4, class_=f"box {kind}"),
        tag("text", name, x=x + width // 2, y=(top + bottom) // 2 + 5, class_="box-name"),
    )


def _label(flow: _Flow) -> Markup:
    size = bytes_text(flow.byte_count)
    width = 7 * max(len(size), len(flow.words)) + 14
    x, y = flow.label_x, flow.label_y
    return joined(
        tag("rect", x=x - width / 2, y=y - 18, width=width, height=36, rx=4, class_="pill"),
        tag("text", size, x=x, y=y - 3, class_="link-bytes"),
        tag("text", flow.words, x=x, y=y + 12, class_="link-name"),
    )
