"""The users file on disk: readable by its owner alone, replaced whole or not at all."""

import os
import secrets
import stat
from pathlib import Path
from typing import Final

from iowitness.impl.users_file import Users, UsersFileError, read_users

_OWNER_ONLY: Final = 0o600
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def load_users(path: Path) -> Users:
    """The users of a file. Raises `UsersFileError` for one that others may read, and `OSError`."""
    with open(path, encoding="utf-8") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & _OTHERS:
            raise UsersFileError(
                f"{path}: mode=0{mode:o}, expected 0{_OWNER_ONLY:o}: chmod 600 {path}"
            )
        try:
            text = file.read()
        except UnicodeDecodeError as error:
            raise UsersFileError(f"{path}: {error}, expected UTF-8 text") from None
    return read_users(text, str(path), secrets.token_bytes(32))


def save_users_text(path: Path, text: str) -> None:
    """Put a text in a file's place: written and synced under another name, then renamed."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
