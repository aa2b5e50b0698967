"""A certificate authority for one test, made with the openssl command."""

import shutil
import subprocess
from pathlib import Path

import pytest
from msgspec import Struct


class Certificates(Struct, frozen=True):
    """PEM files: a CA, and a certificate with its key for 127.0.0.1 and for a client."""

    ca: str
    certificate: str
    key: str
    client_certificate: str
    client_key: str


def made_certificates(folder: Path) -> Certificates:
    """A new CA and what it signed; skips the test where there is no openssl."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    _openssl(
        folder,
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        "-keyout ca.key -out ca.pem -subj /CN=ca",
    )
    for name, extension in (("server", "subjectAltName=IP:127.0.0.1"), ("client", "")):
        (folder / f"{name}.ext").write_text(extension)
        _openssl(
            folder,
            "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
            f"-keyout {name}.key -out {name}.csr -subj /CN={name}",
        )
        _openssl(
            folder,
            f"x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 "
            f"-extfile {name}.ext -out {name}.pem",
        )
    names = ("ca.pem", "server.pem", "server.key", "client.pem", "client.key")
    return Certificates(*(str(folder / name) for name in names))


def _openssl(folder: Path, arguments: str) -> None:
    subprocess.run(
        ["openssl", *arguments.split()], cwd=folder, check=True, capture_output=True, timeout=60
    )
