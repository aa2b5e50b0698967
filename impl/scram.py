"""SCRAM: a password proved without being sent, and never stored. Pure: nonces are arguments.

The server keeps salt, iteration count, StoredKey and ServerKey of each user. A client proves that
it knows the key behind StoredKey, the server that it knows ServerKey. Channel binding is not
offered. Source: RFC 5802, sections 3, 5 and 7; RFC 7677 for SHA-256; KIP-84 for SHA-512.
"""

import base64
import binascii
import hashlib
import hmac
import re
from typing import Final

from msgspec import Struct

LEAST_ITERATION_COUNT: Final = 4_096
MOST_ITERATION_COUNT: Final = 16_384
"""Both as Kafka has them: ScramMechanism. More would let PLAIN, which has to repeat the iterations
in the event loop, hold everybody up."""
SALT_BYTE_COUNT: Final = 16

_GS2_HEADS: Final = {"n": "biws", "y": "eSws"}
"""No channel binding, and the client's belief that the server has none; as `c=` repeats them."""

_FIRST: Final = re.compile(r"([ny]),(?:a=([^,]*))?,(n=([^,]*),r=([\x21-\x2b\x2d-\x7e]+)(?:,.*)?)")
_FINAL: Final = re.compile(r"(c=([^,]*),r=([\x21-\x2b\x2d-\x7e]+)(?:,[^,]*)*),p=([^,]*)")
_NAME: Final = re.compile(r"(?:[^=,\0]|=2C|=3D)*")


class SaslRefused(Exception):
    """An exchange that ends without a user. `user` is who it claimed to be, "" if it did not say.

    The message is for the log alone: a client is never told which of name and password was wrong.
    """

    def __init__(self, reason: str, user: str = "") -> None:
        super().__init__(reason)
        self.user = user


class Verifier(Struct, frozen=True):
    """What is kept of one user's password for one hash. Source: RFC 5802, section 3."""

    hash_name: str
    salt: bytes
    iteration_count: int
    stored_key: bytes
    server_key: bytes

    def matches(self, password: str) -> bool:
        """Whether it was made of this password; takes as long for a wrong one."""
        found = verifier_of(password, self.hash_name, self.salt, self.iteration_count)
        return hmac.compare_digest(found.stored_key, self.stored_key)


def verifier_of(password: str, hash_name: str, salt: bytes, iteration_count: int) -> Verifier:
    """The verifier of a password. `hash_name` is hashlib's: `sha256`, `sha512`."""
    salted = hashlib.pbkdf2_hmac(hash_name, password.encode(), salt, iteration_count)
    client_key = hmac.digest(salted, b"Client Key", hash_name)
    stored_key = hashlib.new(hash_name, client_key).digest()
    server_key = hmac.digest(salted, b"Server Key", hash_name)
    return Verifier(hash_name, salt, iteration_count, stored_key, server_key)


class ClientFirst(Struct, frozen=True):
    """The client's first message: who it claims to be, and its nonce."""

    user: str
    nonce: str
    bare: str
    channel_binding: str


def read_client_first(message: bytes) -> ClientFirst:
    """Raises `SaslRefused` for what is no first message, and for somebody else's identity."""
    match = _FIRST.fullmatch(_text(message))
    if match is None:
        raise SaslRefused("no SCRAM client-first-message, expected n,,n=USER,r=NONCE")
    flag, identity, bare, name, nonce = match.groups()
    user = _plain_name(name)
    if identity and _plain_name(identity) != user:
        raise SaslRefused(f"authorization identity={identity!r}, expected none or the user", user)
    binding = _GS2_HEADS[flag]
    if identity is not None:
        binding = base64.b64encode(f"{flag},a={identity},".encode()).decode()
    return ClientFirst(user, nonce, bare, binding)


def server_first(first: ClientFirst, verifier: Verifier, nonce: str) -> str:
    """The server's challenge; `nonce` is its part of the nonce."""
    salt = base64.b64encode(verifier.salt).decode()
    return f"r={first.nonce}{nonce},s={salt},i={verifier.iteration_count}"


def server_final(first: ClientFirst, challenge: str, verifier: Verifier, message: bytes) -> str:
    """The server's own proof, once the client's final message holds.

    Raises `SaslRefused` for a proof that does not match, another nonce or channel binding.
    """
    match = _FINAL.fullmatch(_text(message))
    if match is None:
        raise SaslRefused("no SCRAM client-final-message, expected c=,r=,p=", first.user)
    without_proof, binding, nonce, proof_text = match.groups()
    if nonce != challenge[2 : challenge.index(",")] or binding != first.channel_binding:
        raise SaslRefused("nonce or channel binding differs from the challenge's", first.user)
    signed = f"{first.bare},{challenge},{without_proof}".encode()
    hash_name = verifier.hash_name
    signature = hmac.digest(verifier.stored_key, signed, hash_name)
    try:
        proof = base64.b64decode(proof_text, validate=True)
    except binascii.Error:
        proof = b""
    if len(proof) != len(signature):
        raise SaslRefused(f"proof of {len(proof)} B, expected {len(signature)} B", first.user)
    client_key = bytes(one ^ other for one, other in zip(proof, signature, strict=True))
    stored_key = hashlib.new(hash_name, client_key).digest()
    if not hmac.compare_digest(stored_key, verifier.stored_key):
        raise SaslRefused("unknown user or wrong password", first.user)
    own = hmac.digest(verifier.server_key, signed, hash_name)
    return f"v={base64.b64encode(own).decode()}"


def escaped_name(user: str) -> str:
    """A user's name as it stands in messages: `=2C` for a comma, `=3D` for an equals sign."""
    return user.replace("=", "=3D").replace(",", "=2C")


def _plain_name(name: str) -> str:
    if not name or _NAME.fullmatch(name) is None:
        raise SaslRefused(f"user={name!r}, expected a name with =2C and =3D for , and =")
    return name.replace("=2C", ",").replace("=3D", "=")


def _text(message: bytes) -> str:
    try:
        return message.decode()
    except UnicodeDecodeError as error:
        raise SaslRefused(f"{error}, expected UTF-8") from None
