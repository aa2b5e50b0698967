"""The server's certificate and key, and whose clients it trusts."""

import ssl
from pathlib import Path

from msgspec import Struct


class TlsFiles(Struct, frozen=True, kw_only=True):
    """PEM files: the certificate with its chain, its key, and the CA that client certificates need.

    Without `client_ca` clients need no certificate.
    """

    certificate: str
    key: str
    client_ca: str | None = None


class TlsFilesUnusable(Exception):
    """A certificate, a key or a CA that cannot be used; the message names the file."""


def server_context(files: TlsFiles) -> ssl.SSLContext:
    """A context for TLS 1.2 and 1.3, without renegotiation. Raises `TlsFilesUnusable`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    for path in (files.certificate, files.key, files.client_ca):
        _check_readable(path)
    try:
        context.load_cert_chain(files.certificate, files.key, password=_no_password)
    except ValueError as error:
        raise TlsFilesUnusable(
            f"{files.key}: {error}, expected a key without a password"
        ) from error
    except OSError as error:
        raise TlsFilesUnusable(
            f"{files.certificate}, {files.key}: {_told(error)}, "
            "expected a PEM certificate and the PEM key that belongs to it"
        ) from error
    if files.client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_verify_locations(files.client_ca)
        except OSError as error:
            raise TlsFilesUnusable(
                f"{files.client_ca}: {_told(error)}, expected PEM certificates"
            ) from error
    return context


def _check_readable(path: str | None) -> None:
    """Raises `TlsFilesUnusable` for a file that cannot be read: OpenSSL would not say which."""
    try:
        if path is not None:
            Path(path).read_bytes()
    except OSError as error:
        raise TlsFilesUnusable(f"{path}: {error.strerror}, expected a PEM file") from error


def _no_password() -> str:
    raise ValueError("the key is encrypted")


def _told(error: OSError) -> str:
    reason: str | None = getattr(error, "reason", None)
    return (reason or str(error)).replace("_", " ").lower()
