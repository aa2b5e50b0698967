"""HTML and SVG as values that are escaped unless they say that they are markup already.

Text passed as a child or an attribute can never become a tag: only `Markup` is taken as it is, and
only `tag`, `joined` and the page's own template make any.
"""

import html
from collections.abc import Iterable
from typing import TypeAlias

from iowitness.report.printable import printable


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Child: TypeAlias = str | int | Iterable["Child"] | None
Attribute: TypeAlias = str | int | float | None

_VOID = frozenset({"br", "col", "hr", "input", "meta"})


def escaped(text: str) -> Markup:
    """Text as HTML, fit for content and for quoted attributes."""
    return Markup(html.escape(printable(text)))


def joined(*children: Child) -> Markup:
    """Children one after the other; None is left out."""
    return Markup("".join(_pieces(children)))


def tag(name: str, /, *children: Child, **attributes: Attribute) -> Markup:
    """An element. `class_` is class, `aria_label` is aria-label; None leaves an attribute out."""
    opening = f"<{name}{_attributes(attributes)}>"
    if name in _VOID:
        return Markup(opening)
    return Markup(f"{opening}{joined(*children)}</{name}>")


def table(head: Iterable[Child], rows: Iterable[Child], *, class_: str, caption: str) -> Markup:
    """A table in a box that scrolls sideways, with its caption for those who cannot see it.

    A head that is `tag("th", ...)` already stays as it is; others become one.
    """
    cells = [cell if isinstance(cell, Markup) else tag("th", cell, scope="col") for cell in head]
    header = tag("thead", tag("tr", cells))
    heading = tag("caption", caption, class_="unseen")
    body = tag("tbody", rows)
    return tag(
        "div",
        tag("table", heading, header, body, class_=class_),
        class_="scroll",
        tabindex=0,
        role="region",
        aria_label=caption,
    )


def number_head(text: str) -> Markup:
    """The head of a column of numbers, which stand to the right."""
    return tag("th", text, scope="col", class_="number")


def _pieces(children: Iterable[Child]) -> Iterable[str]:
    for child in children:
        if child is None:
            continue
        if isinstance(child, Markup):
            yield child
        elif isinstance(child, str):
            yield escaped(child)
        elif isinstance(child, int):
            yield str(child)
        else:
            yield from _pieces(child)


def _attributes(attributes: dict[str, Attribute]) -> str:
    parts = []
    for name, value in attributes.items():
        if value is not None:
            spelled = name.rstrip("_").replace("_", "-")
            parts.append(f' {spelled}="{html.escape(printable(str(value)))}"')
    return "".join(parts)
