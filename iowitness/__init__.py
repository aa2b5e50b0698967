"""Shows, from the system calls themselves, what a log-structured server does, and predicts it."""

__version__ = "0.1.0"
