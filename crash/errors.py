"""What makes a trace unfit for crash states."""


class CrashError(Exception):
    """A trace from which disk states cannot be worked out, and what would make it fit.

    Nothing is guessed: a state made of guessed bytes would prove nothing.
    """
