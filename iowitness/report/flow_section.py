"""The page's byte flow: the picture and its numbers."""

from iowitness.report.byte_flow import ByteFlow, Link, byte_flow
from iowitness.report.byte_flow_drawing import byte_flow_drawing
from iowitness.report.flow_words import flow_sentence
from iowitness.report.markup import Markup, joined, number_head, table, tag
from iowitness.report.quantities import count_text
from iowitness.report.run_report import RunReport

_ROWS: tuple[tuple[Link, str, str], ...] = (
    ("clients send", "producers → socket", "copy out of user space"),
    ("server receives", "socket → server's buffer, produce path", "copy into user space"),
    ("server writes", "server's buffer → segments", "copy out of user space"),
    ("server writes elsewhere", "server's buffer → other files", "copy out of user space"),
    ("kernel transfers", "segments → socket, by the kernel", "stays in the kernel"),
    ("server reads", "segments → server's buffer", "copy into user space"),
    ("server reads elsewhere", "other files → server's buffer", "copy into user space"),
    ("server sends", "server's buffer → socket, fetch path", "copy out of user space"),
    ("clients receive", "socket → consumers", "copy into user space"),
    ("clients ask", "consumers → socket, requests", "copy out of user space"),
    ("server is asked", "socket → server's buffer, fetch requests", "copy into user space"),
    ("server answers", "server's buffer → socket, answers to producers", "copy out of user space"),
    ("clients are answered", "socket → producers, answers", "copy into user space"),
)


def flow_section(report: RunReport) -> Markup:
    """The flow of the observed history."""
    flow = byte_flow(report.observed, report.data_root)
    return joined(
        tag("p", flow_sentence(flow), " ", _mapping_sentence(flow)),
        tag("figure", byte_flow_drawing(flow), class_="wide"),
        tag("details", tag("summary", "Bytes and calls of every path"), _flow_table(flow)),
    )


def _mapping_sentence(flow: ByteFlow) -> str | None:
    if not flow.mapped_count:
        return None
    mappings = (
        "1 mapping" if flow.mapped_count == 1 else f"{count_text(flow.mapped_count)} mappings"
    )
    return (
        f"{mappings} of {flow.files} by {flow.server}: through them bytes can move without a call "
        "that this picture shows."
    )


def _flow_table(flow: ByteFlow) -> Markup:
    rows = []
    for link, path, kind in _ROWS:
        each = flow.flow(link)
        rows.append(
            tag(
                "tr",
                tag("th", path.replace("segments", flow.files), scope="row"),
                tag("td", kind),
                tag("td", ", ".join(each.calls) or "-"),
                tag("td", count_text(each.call_count), class_="number"),
                tag("td", count_text(each.byte_count), class_="number"),
            )
        )
    head = ("path", "kind", "by", number_head("calls"), number_head("bytes"))
    return table(head, rows, class_="plain", caption="Bytes and calls of every path")
