r"""Names of files as text, reversibly: the kernel knows bytes, and not all of them are UTF-8.

A byte that is no UTF-8 is shown as `\xff`. A backslash that would look like the beginning of such
a byte is shown as `\x5c`; so two names never look the same, and any text can be printed anywhere.
"""

import re

_LOOKS_ESCAPED = re.compile(rb"\\(?=x[0-9a-f]{2})")
_ESCAPED = re.compile(rb"\\x([0-9a-f]{2})")


def name_text(name: bytes) -> str:
    """A name as text; `name_bytes` gives it back."""
    if 0x5C in name:
        name = _LOOKS_ESCAPED.sub(rb"\\x5c", name)
    return name.decode("utf-8", "backslashreplace")


def name_bytes(text: str) -> bytes:
    """The name that is shown as this text."""
    return _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), text.encode())
