"""Users and their SCRAM verifiers, in a text file that one can read. Pure: text in, values out.

    alice SCRAM-SHA-256 salt=...,stored_key=...,server_key=...,iterations=4096

A line for each user and mechanism, with the verifier as Kafka writes it into its metadata; empty
lines and those that begin with # are skipped. Source: ScramCredentialUtils.credentialToString.
"""

import base64
import binascii
import hmac
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

from iowitness.impl.scram import (
    LEAST_ITERATION_COUNT,
    MOST_ITERATION_COUNT,
    SALT_BYTE_COUNT,
    Verifier,
    verifier_of,
)

HASHES: Final[Mapping[str, str]] = MappingProxyType(
    {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}
)
"""Mechanisms with a verifier of their own; PLAIN is checked against any of them."""

_FIELDS: Final = frozenset({"salt", "stored_key", "server_key", "iterations"})
_KEY_BYTE_COUNTS: Final = {"sha256": 32, "sha512": 64}


class UsersFileError(Exception):
    """A users file that is none; the message says where: `file:line: found, expected`."""


class Users:
    """Who may come in. `decoy_secret` makes verifiers for those who are not there.

    An unknown user gets a salt that is always the same, and fails at the proof like a known one
    with a wrong password: neither what is said nor how long it takes tells them apart.
    """

    __slots__ = ("_decoy_iteration_count", "_decoy_secret", "_verifiers")

    def __init__(self, verifiers: Mapping[tuple[str, str], Verifier], decoy_secret: bytes) -> None:
        self._verifiers = dict(verifiers)
        self._decoy_secret = decoy_secret
        first = next(iter(self._verifiers.values()), None)
        self._decoy_iteration_count = first.iteration_count if first else LEAST_ITERATION_COUNT

    def __len__(self) -> int:
        return len({user for user, _ in self._verifiers})

    def verifier(self, user: str, mechanism: str) -> Verifier:
        """The user's verifier for a mechanism of `HASHES`, or one that nothing matches."""
        found = self._verifiers.get((user, mechanism))
        return self._decoy(user, mechanism) if found is None else found

    def any_verifier(self, user: str) -> Verifier:
        """A verifier to hold a plain password against, or one that nothing matches."""
        for mechanism in HASHES:
            found = self._verifiers.get((user, mechanism))
            if found is not None:
                return found
        return self._decoy(user, next(iter(HASHES)))

    def _decoy(self, user: str, mechanism: str) -> Verifier:
        hash_name = HASHES[mechanism]
        secret = hmac.digest(self._decoy_secret, f"{mechanism} {user}".encode(), "sha512")
        count = _KEY_BYTE_COUNTS[hash_name]
        return Verifier(
            hash_name,
            secret[:SALT_BYTE_COUNT],
            self._decoy_iteration_count,
            hmac.digest(secret, b"stored", hash_name)[:count],
            hmac.digest(secret, b"server", hash_name)[:count],
        )


def read_users(text: str, name: str, decoy_secret: bytes) -> Users:
    """The users of a file's text. Raises `UsersFileError`."""
    verifiers: dict[tuple[str, str], Verifier] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        where = f"{name}:{number}"
        parts = line.split()
        if len(parts) != 3 or parts[1] not in HASHES:
            raise UsersFileError(
                f"{where}: {len(parts)} words, expected USER {'|'.join(HASHES)} salt=...,"
                "stored_key=...,server_key=...,iterations=...: iowitness users add writes it"
            )
        user, mechanism, fields = parts
        if (user, mechanism) in verifiers:
            raise UsersFileError(f"{where}: {user} {mechanism} is there twice, expected once")
        verifiers[user, mechanism] = _verifier(fields, HASHES[mechanism], where)
    return Users(verifiers, decoy_secret)


def with_user(text: str, user: str, password: str, salt: Callable[[int], bytes]) -> str:
    """A file's text with a user added, or with a new password; the other lines stay.

    `salt` gives that many random bytes. Raises `ValueError` for a name that fits no line.
    """
    check_user_name(user)
    if not password:
        raise ValueError("password of 0 characters, expected one")
    lines = [*_without_lines(text, user)]
    for mechanism, hash_name in HASHES.items():
        verifier = verifier_of(password, hash_name, salt(SALT_BYTE_COUNT), LEAST_ITERATION_COUNT)
        lines.append(f"{user} {mechanism} {_as_text(verifier)}")
    return "".join(f"{line}\n" for line in lines)


def without_user(text: str, user: str) -> str:
    """A file's text without a user."""
    return "".join(f"{line}\n" for line in _without_lines(text, user))


def check_user_name(user: str) -> None:
    """Raises `ValueError` for a name that fits no line."""
    if not user or user.startswith("#") or any(c.isspace() or not c.isprintable() for c in user):
        raise ValueError(f"user={user!r}, expected a name without blanks that begins with no #")


def user_names(text: str) -> tuple[str, ...]:
    """The users of a file's text, each once, in the order of the file."""
    lines = [line.split() for line in text.splitlines() if line.strip() and line[0] != "#"]
    return tuple(dict.fromkeys(parts[0] for parts in lines))


def _without_lines(text: str, user: str) -> Iterable[str]:
    return (line for line in text.splitlines() if line.split()[:1] != [user])


def _as_text(verifier: Verifier) -> str:
    def encoded(value: bytes) -> str:
        return base64.b64encode(value).decode()

    return (
        f"salt={encoded(verifier.salt)},stored_key={encoded(verifier.stored_key)},"
        f"server_key={encoded(verifier.server_key)},iterations={verifier.iteration_count}"
    )


def _verifier(text: str, hash_name: str, where: str) -> Verifier:
    fields = dict(part.partition("=")[::2] for part in text.split(","))
    if fields.keys() != _FIELDS:
        found = ",".join(sorted(fields))
        raise UsersFileError(f"{where}: {found}, expected {','.join(sorted(_FIELDS))}")
    salt, stored_key, server_key = (
        _decoded(fields[name], name, where) for name in ("salt", "stored_key", "server_key")
    )
    length = _KEY_BYTE_COUNTS[hash_name]
    if not salt or len(stored_key) != length or len(server_key) != length:
        raise UsersFileError(
            f"{where}: keys of {len(stored_key)} and {len(server_key)} B, expected {length} B each"
        )
    digits = fields["iterations"]
    count = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else -1
    if not LEAST_ITERATION_COUNT <= count <= MOST_ITERATION_COUNT:
        raise UsersFileError(
            f"{where}: iterations={digits}, "
            f"expected {LEAST_ITERATION_COUNT}..{MOST_ITERATION_COUNT}"
        )
    return Verifier(hash_name, salt, count, stored_key, server_key)


def _decoded(text: str, name: str, where: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise UsersFileError(f"{where}: {name} is no base64: {error}") from None
