"""What peers said, as part of a log line: one line, of a length that can be read. Pure."""

from typing import Final

MOST_CHARACTERS: Final = 500


def one_line(text: object) -> str:
    r"""The text with whatever cannot be printed as `\n`-like escapes, cut after 500 characters."""
    plain = str(text)
    if not plain.isprintable():
        plain = "".join(one if one.isprintable() else ascii(one)[1:-1] for one in plain)
    if len(plain) <= MOST_CHARACTERS:
        return plain
    return f"{plain[:MOST_CHARACTERS]}…({len(plain) - MOST_CHARACTERS} more characters)"
