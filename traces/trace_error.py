"""The error of a trace that cannot be read whole: where, what was found, what was expected."""


class TraceError(ValueError):
    """A trace that cannot be read whole.

    `file` is the raw trace's name and `line` the 1-based line in it, 0 where the whole file is
    meant. A reader raises this instead of dropping a line, because every verdict stands on having
    seen all of them.
    """

    def __init__(self, reason: str, *, file: str = "", line: int = 0) -> None:
        self.reason = reason
        self.file = file
        self.line = line
        place = f"{file or '<trace>'}:{line}" if line else (file or "<trace>")
        super().__init__(f"{place}: {reason}")

    def at(self, file: str, line: int) -> "TraceError":
        """The same error with its place, for callers who know it better than the parser."""
        return TraceError(self.reason, file=self.file or file, line=self.line or line)


def quoted(text: bytes, limit: int = 120) -> str:
    """The beginning of a piece of a trace, fit for an error message."""
    shown = text[:limit].decode("ascii", "backslashreplace")
    return f"{shown!r}{'...' if len(text) > limit else ''}"
