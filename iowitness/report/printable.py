"""Text of unknown origin made fit to be shown: paths, messages and trace lines may hold anything.

Control characters, lone surrogates (bytes that were no UTF-8) and characters that reorder what
follows (Unicode bidirectional controls, which can make a line read as another) become visible
escapes. Escaping for HTML, XML and Markdown comes after, and elsewhere.
"""

import re

_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)


def printable(text: str) -> str:
    r"""The text with `\x1b`-like escapes for what cannot or must not be printed.

    Newlines and tabs stay. A surrogate that stands for a byte (PEP 383) is shown as that byte.
    """
    return _UNPRINTABLE.sub(_escape, text)


def one_line(text: str) -> str:
    r"""As `printable`, with newlines and tabs escaped too."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def shortened_in_the_middle(text: str, limit: int) -> str:
    """The text, or its beginning and its end with the number of characters left out between."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}…({len(text) - 2 * half:,} characters)…{text[-half:]}"


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:
        code -= 0xDC00
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"
