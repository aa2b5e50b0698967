"""A page that opens from anywhere, offline, and runs no script but its own."""

import base64
import hashlib
from collections.abc import Sequence
from importlib import resources
from string import Template

from msgspec import Struct

from iowitness.report.markup import Markup, escaped, joined, tag


class Section(Struct, frozen=True):
    """One part of a page, and what the contents call it."""

    anchor: str
    title: str
    body: Markup


class PageScript(Struct, frozen=True):
    """The script that draws a page's plots, and the JSON that it draws from."""

    source: str
    marks_json: Markup


def html_document(
    title: str, head: Markup, sections: Sequence[Section], skip_to: Section, script: PageScript
) -> str:
    """The page. Equal parts give equal bytes.

    Its content security policy lets nothing be fetched, and only the two scripts run whose hashes
    it names: text that slipped through the escaping could still not run.
    """
    uplot_script = resource("vendor/uplot.js")
    own_script = resource("plot_boxes.js") + script.source
    return Template(resource("page.html")).substitute(
        title=escaped(title),
        script_hashes=f"{_script_hash(uplot_script)} {_script_hash(own_script)}",
        uplot_style=resource("vendor/uplot.css"),
        style=resource("page.css"),
        skip=tag("a", f"Skip to {skip_to.title.lower()}", class_="skip", href=f"#{skip_to.anchor}"),
        head=head,
        contents=joined([_contents_entry(section) for section in sections]),
        sections="\n".join(_section(section) for section in sections),
        uplot_license=escaped(resource("vendor/uplot-license.txt")),
        marks_json=script.marks_json,
        uplot_script=uplot_script,
        script=own_script,
    )


def resource(name: str) -> str:
    """A file of the report's own, as text."""
    return resources.files("iowitness.report").joinpath(name).read_text("utf-8")


def _contents_entry(section: Section) -> Markup:
    return tag("li", tag("a", section.title, href=f"#{section.anchor}"))


def _section(section: Section) -> Markup:
    heading = f"{section.anchor}-title"
    return tag(
        "section",
        tag("h2", section.title, id=heading),
        section.body,
        id=section.anchor,
        aria_labelledby=heading,
    )


def _script_hash(script: str) -> str:
    """What a content security policy calls a script by. Source: CSP level 3, section 2.3.1."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
