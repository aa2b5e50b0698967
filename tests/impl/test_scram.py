"""SCRAM and PLAIN against the RFCs' own exchanges, the users file, and whoever is not in it."""

import base64
import hashlib
import hmac
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iowitness.impl.sasl_exchange import MECHANISMS, SaslExchange, Stage
from iowitness.impl.scram import (
    SaslRefused,
    escaped_name,
    read_client_first,
    server_final,
    server_first,
    verifier_of,
)
from iowitness.impl.users_file import (
    HASHES,
    UsersFileError,
    read_users,
    user_names,
    with_user,
    without_user,
)

_TEXT = with_user("", "alice", "secret", bytes)
_USERS = read_users(_TEXT, "users", b"decoy")


@pytest.mark.parametrize(
    ("hash_name", "salt", "client_nonce", "nonce", "proof", "signature"),
    [
        pytest.param(
            "sha1",
            "QSXCR+Q6sek8bf92",
            "fyko+d2lbbFgONRv9qkxdawL",
            "3rfcNHYJY1ZVvWVs7j",
            "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
            "rmF9pqV8S7suAoZWja4dJRkFsKQ=",
            id="RFC 5802, section 5",
        ),
        pytest.param(
            "sha256",
            "W22ZaJ0SNY7soEsUEjb6gQ==",
            "rOprNGfwEbeRWgbNEkqO",
            "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
            "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
            id="RFC 7677, section 3",
        ),
    ],
)
def test_the_rfcs_own_exchanges_come_out_as_printed(
    hash_name: str, salt: str, client_nonce: str, nonce: str, proof: str, signature: str
) -> None:
    verifier = verifier_of("pencil", hash_name, base64.b64decode(salt), 4096)
    first = read_client_first(f"n,,n=user,r={client_nonce}".encode())
    challenge = server_first(first, verifier, nonce)
    assert challenge == f"r={client_nonce}{nonce},s={salt},i=4096"
    final = f"c=biws,r={client_nonce}{nonce},p={proof}".encode()
    assert server_final(first, challenge, verifier, final) == f"v={signature}"


def _exchange(mechanism: str) -> SaslExchange:
    numbers = count()
    exchange = SaslExchange(_USERS, lambda: f"server{next(numbers)}")
    assert exchange.choose(mechanism, 1)
    return exchange


def _final(challenge: bytes, user: str, password: str, hash_name: str) -> bytes:
    """What an honest client answers, written from the RFC and not from the code under test."""
    fields = dict(part.split("=", 1) for part in challenge.decode().split(","))
    salted = hashlib.pbkdf2_hmac(
        hash_name, password.encode(), base64.b64decode(fields["s"]), int(fields["i"])
    )
    client_key = hmac.digest(salted, b"Client Key", hash_name)
    without_proof = f"c=biws,r={fields['r']}"
    signed = f"n={escaped_name(user)},r=mine,{challenge.decode()},{without_proof}".encode()
    signature = hmac.digest(hashlib.new(hash_name, client_key).digest(), signed, hash_name)
    proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
    return f"{without_proof},p={base64.b64encode(proof).decode()}".encode()


@pytest.mark.parametrize(("mechanism", "hash_name"), HASHES.items())
def test_who_knows_the_password_comes_in(mechanism: str, hash_name: str) -> None:
    exchange = _exchange(mechanism)
    challenge = exchange.answer(b"n,,n=alice,r=mine")
    assert exchange.answer(_final(challenge, "alice", "secret", hash_name)).startswith(b"v=")
    assert (exchange.stage, exchange.user) == (Stage.DONE, "alice")


@pytest.mark.parametrize(("mechanism", "hash_name"), HASHES.items())
@pytest.mark.parametrize(("user", "password"), [("alice", "wrong"), ("nobody", "secret")])
def test_a_wrong_password_and_an_unknown_user_look_the_same(
    mechanism: str, hash_name: str, user: str, password: str
) -> None:
    exchange = _exchange(mechanism)
    challenge = exchange.answer(f"n,,n={user},r=mine".encode())
    again = _exchange(mechanism).answer(f"n,,n={user},r=mine".encode())
    assert challenge == again
    assert len(challenge) == len(_exchange(mechanism).answer(b"n,,n=alice,r=mine"))
    with pytest.raises(SaslRefused, match="unknown user or wrong password"):
        exchange.answer(_final(challenge, user, password, hash_name))
    assert exchange.stage is Stage.FAILED


@pytest.mark.parametrize(
    ("message", "user"),
    [(b"\0alice\0secret", "alice"), (b"alice\0alice\0secret", "alice")],
)
def test_plain_takes_the_right_password(message: bytes, user: str) -> None:
    exchange = _exchange("PLAIN")
    assert exchange.answer(message) == b""
    assert (exchange.is_done, exchange.user) == (True, user)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b"\0alice\0Secret", "unknown user or wrong password"),
        (b"\0bob\0secret", "unknown user or wrong password"),
        (b"root\0alice\0secret", "authorization identity='root'"),
        (b"alice\0secret", "2 parts, expected IDENTITY NUL USER NUL PASSWORD"),
        (b"\0alice\0\xff", "expected UTF-8"),
    ],
)
def test_plain_refuses_anything_else(message: bytes, expected: str) -> None:
    with pytest.raises(SaslRefused, match=expected):
        _exchange("PLAIN").answer(message)


@pytest.mark.parametrize(
    "message", [b"", b"p=tls-unique,,n=alice,r=x", b"n,,n=,r=x", b"n,,n=al=ice,r=x", b"n,,n=a,r="]
)
def test_what_is_no_first_message_is_refused(message: bytes) -> None:
    with pytest.raises(SaslRefused):
        _exchange("SCRAM-SHA-256").answer(message)


@given(message=st.binary(max_size=80), mechanism=st.sampled_from(MECHANISMS))
def test_random_bytes_never_bring_anybody_in(message: bytes, mechanism: str) -> None:
    exchange = _exchange(mechanism)
    try:
        exchange.answer(message)
        exchange.answer(message)
    except SaslRefused:
        assert exchange.stage is Stage.FAILED
    assert not exchange.is_done


@given(cut=st.integers(0, 200), byte=st.integers(0, 255))
def test_a_final_message_with_another_byte_brings_nobody_in(cut: int, byte: int) -> None:
    exchange = _exchange("SCRAM-SHA-256")
    challenge = exchange.answer(b"n,,n=alice,r=mine")
    final = bytearray(_final(challenge, "alice", "secret", "sha256"))
    place = cut % len(final)
    if final[place] == byte:
        return
    final[place] = byte
    with pytest.raises(SaslRefused):
        exchange.answer(bytes(final))


def test_a_new_password_replaces_the_old_one_and_leaves_the_others() -> None:
    text = with_user(f"# ours\n\n{_TEXT}", "bob", "b", bytes)
    text = with_user(text, "alice", "new", bytes)
    users = read_users(text, "users", b"")
    assert users.any_verifier("alice").matches("new")
    assert users.any_verifier("bob").matches("b")
    assert user_names(text) == ("bob", "alice")
    assert user_names(without_user(text, "bob")) == ("alice",)
    assert text.startswith("# ours\n")
    assert "new" not in text


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("alice", "users:2: 1 words, expected USER"),
        ("alice MD5 x", "users:2: 3 words, expected USER"),
        ("alice SCRAM-SHA-256 salt=", "users:2: salt, expected iterations,salt"),
        (
            "alice SCRAM-SHA-256 salt=!,stored_key=,server_key=,iterations=4096",
            "users:2: salt is no base64",
        ),
        (
            "alice SCRAM-SHA-256 salt=AAAA,stored_key=AAAA,server_key=AAAA,iterations=4096",
            "users:2: keys of 3 and 3 B, expected 32 B each",
        ),
        (_TEXT.splitlines()[0].replace("4096", "12"), "users:2: iterations=12, expected 4096"),
        (_TEXT.splitlines()[0] + "\n" + _TEXT.splitlines()[0], "users:3: alice .* is there twice"),
    ],
)
def test_an_error_in_the_users_file_says_where(line: str, expected: str) -> None:
    with pytest.raises(UsersFileError, match=expected):
        read_users(f"# users\n{line}\n", "users", b"")


@pytest.mark.parametrize("name", ["", "two words", "#comment", "new\nline"])
def test_a_name_that_fits_no_line_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="expected a name"):
        with_user("", name, "secret", bytes)
