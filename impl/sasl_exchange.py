"""One connection on its way from a stranger to a user: PLAIN and SCRAM, step by step. Pure.

Source: KIP-43, KIP-152; RFC 4616 for PLAIN; RFC 5802 for SCRAM.
"""

from collections.abc import Callable
from enum import Enum
from typing import Final

from iowitness.impl.scram import (
    ClientFirst,
    SaslRefused,
    Verifier,
    read_client_first,
    server_final,
    server_first,
)
from iowitness.impl.users_file import HASHES, Users

PLAIN: Final = "PLAIN"
MECHANISMS: Final = (PLAIN, *HASHES)


class Stage(Enum):
    """How far an exchange has come."""

    HANDSHAKE = "handshake"
    """A mechanism has to be chosen."""
    FIRST = "first"
    """The mechanism's first message is next."""
    FINAL = "final"
    """SCRAM's second message is next."""
    DONE = "done"
    FAILED = "failed"


class SaslExchange:
    """Who is there, once `stage` is DONE: `user`.

    `is_raw` says that messages come as bare frames, as after version 0 of the handshake.
    """

    __slots__ = (
        "_challenge", "_first", "_mechanism", "_nonce", "_users", "_verifier", "is_raw", "stage",
        "user",
    )  # fmt: skip

    def __init__(self, users: Users, nonce: Callable[[], str]) -> None:
        self._users = users
        self._nonce = nonce
        self._mechanism = ""
        self._first: ClientFirst | None = None
        self._verifier: Verifier | None = None
        self._challenge = ""
        self.stage = Stage.HANDSHAKE
        self.is_raw = False
        self.user = ""

    @property
    def is_done(self) -> bool:
        """Whether the user has been proved."""
        return self.stage is Stage.DONE

    @property
    def expects_message(self) -> bool:
        """Whether the next thing is a message of the mechanism."""
        return self.stage in {Stage.FIRST, Stage.FINAL}

    def choose(self, mechanism: str, handshake_version: int) -> bool:
        """Take a mechanism; False if it is not one of `MECHANISMS`."""
        if mechanism not in MECHANISMS:
            self.stage = Stage.FAILED
            return False
        self._mechanism = mechanism
        self.stage = Stage.FIRST
        self.is_raw = handshake_version == 0
        return True

    def answer(self, message: bytes) -> bytes:
        """The answer to one message of the mechanism.

        Raises `SaslRefused`; nothing more can come of the exchange then.
        """
        try:
            return self._answer(message)
        except SaslRefused as refused:
            self.stage = Stage.FAILED
            raise SaslRefused(
                f"{self._mechanism} user={refused.user!r}: {refused}", refused.user
            ) from None

    def _answer(self, message: bytes) -> bytes:
        if self._mechanism == PLAIN:
            self.user = _plain_user(message, self._users)
            self.stage = Stage.DONE
            return b""
        if self.stage is Stage.FIRST:
            self._first = read_client_first(message)
            self._verifier = self._users.verifier(self._first.user, self._mechanism)
            self._challenge = server_first(self._first, self._verifier, self._nonce())
            self.stage = Stage.FINAL
            return self._challenge.encode()
        assert self._first is not None
        assert self._verifier is not None
        answer = server_final(self._first, self._challenge, self._verifier, message)
        self.user = self._first.user
        self.stage = Stage.DONE
        return answer.encode()


def _plain_user(message: bytes, users: Users) -> str:
    """The user of a PLAIN message, if the password is right. Source: RFC 4616, section 2."""
    parts = message.split(b"\0")
    if len(parts) != 3:
        raise SaslRefused(f"{len(parts)} parts, expected IDENTITY NUL USER NUL PASSWORD")
    try:
        identity, user, password = (part.decode() for part in parts)
    except UnicodeDecodeError as error:
        raise SaslRefused(f"{error}, expected UTF-8") from None
    if identity not in {"", user}:
        raise SaslRefused(f"authorization identity={identity!r}, expected none or the user", user)
    if not users.any_verifier(user).matches(password):
        raise SaslRefused("unknown user or wrong password", user)
    return user
