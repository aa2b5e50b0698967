"""`iowitness serve`: the broker for real clients, until it is told to stop."""

import logging
import resource
import signal
from pathlib import Path

import click
import msgspec

from iowitness.impl.errors import DirectoryLocked, StorageError
from iowitness.impl.server import Server
from iowitness.impl.server_config import ServerConfig
from iowitness.impl.stored_users import load_users
from iowitness.impl.tls_context import TlsFiles, TlsFilesUnusable
from iowitness.impl.users_file import UsersFileError
from iowitness.impl.wire_errors import ListenFailed

_FILE = click.Path(dir_okay=False, path_type=Path)
_ALL_ADDRESSES = frozenset({"0.0.0.0", "::"})  # noqa: S104 - named so as to ask for more
_PORT = click.IntRange(0, 65_535)


@click.command()
@click.option("--dir", "directory", type=click.Path(file_okay=False, path_type=Path),
              required=True, help="The log directory; made if it is missing.")  # fmt: skip
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=_PORT, default=9092, show_default=True, help="0 takes a free one.")
@click.option("--advertise", metavar="HOST", help="What clients are told to connect to.")
@click.option("--config", type=_FILE, help="Settings by Kafka's names (properties, or YAML).")
@click.option("--tls-cert", type=_FILE, help="Speak TLS, with this certificate (PEM).")
@click.option("--tls-key", type=_FILE, help="The certificate's key (PEM).")
@click.option("--tls-client-ca", type=_FILE, help="Clients need a certificate of this CA (PEM).")
@click.option("--users", type=_FILE, help="Clients have to be users of this file (SASL).")
@click.option("--metrics", type=_PORT, metavar="PORT", help="Prometheus's page, on loopback.")
@click.option("--insecure-listen", is_flag=True,
              help="Let other machines connect although nobody is asked who he is.")  # fmt: skip
@click.option("--quiet", is_flag=True, help="Log warnings only, not connections that end.")
def serve(
    directory: Path,
    host: str,
    port: int,
    advertise: str | None,
    config: Path | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    tls_client_ca: Path | None,
    users: Path | None,
    metrics: int | None,
    insecure_listen: bool,  # noqa: FBT001 - click passes a flag so
    quiet: bool,  # noqa: FBT001 - click passes a flag so
) -> None:
    """Serve Kafka clients from a log directory, until SIGTERM or Ctrl-C.

    Then every log is synced and marked clean; a second signal ends it at once. Settings, limits,
    users and TLS: docs/server.md. Exit codes: 0 stopped cleanly, 2 usage or input error.

    \b
    Example: iowitness serve --dir /tmp/data --port 9092
             kcat -b 127.0.0.1:9092 -t greetings -P <<< hello
    """
    logging.basicConfig(
        format="%(asctime)s %(levelname)s %(message)s",
        level=logging.WARNING if quiet else logging.INFO,
    )
    if host in _ALL_ADDRESSES and advertise is None:
        raise click.UsageError(
            f"--host {host} is no address to connect to, expected --advertise HOST as well"
        )
    settings = msgspec.structs.replace(
        _read_config(config),
        host=host,
        port=port,
        advertised_host=advertise,
        tls=_tls_files(tls_cert, tls_key, tls_client_ca),
        is_insecure_listen_allowed=insecure_listen,
        metrics_port=metrics,
    )
    try:
        if users is not None:
            settings = msgspec.structs.replace(settings, users=load_users(users))
        _raise_descriptor_limit()
        server = Server(str(directory), settings)
    except (DirectoryLocked, StorageError, TlsFilesUnusable, UsersFileError) as error:
        raise click.UsageError(str(error)) from error
    except ListenFailed as error:
        raise click.UsageError(error.strerror or str(error)) from error
    except OSError as error:
        raise click.UsageError(f"{error.filename or directory}: {error.strerror}") from error
    server.stop_on(signal.SIGTERM, signal.SIGINT)
    click.echo(f"listening on {host}:{server.port} ({_told(settings)}), data in {directory}")
    if server.metrics_port is not None:
        click.echo(f"metrics on http://127.0.0.1:{server.metrics_port}/metrics")
    server.run()
    click.echo("stopped cleanly")


commands = (serve,)


def _read_config(path: Path | None) -> ServerConfig:
    if path is None:
        return ServerConfig()
    from iowitness.located_yaml import LocatedErrors
    from iowitness.server_file import read_server_file

    try:
        return read_server_file(path.read_text(encoding="utf-8"), str(path), ServerConfig())
    except LocatedErrors as errors:
        raise click.UsageError("\n".join(errors.lines())) from errors
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{path}: {error}, expected UTF-8 text") from error
    except OSError as error:
        raise click.UsageError(f"{path}: {error.strerror}") from error


def _tls_files(
    certificate: Path | None, key: Path | None, client_ca: Path | None
) -> TlsFiles | None:
    if certificate is None and key is None and client_ca is None:
        return None
    if certificate is None or key is None:
        raise click.UsageError("TLS needs both --tls-cert and --tls-key")
    return TlsFiles(
        certificate=str(certificate),
        key=str(key),
        client_ca=None if client_ca is None else str(client_ca),
    )


def _told(config: ServerConfig) -> str:
    """How the port is protected, in Kafka's words."""
    secured = "SSL" if config.tls is not None else "PLAINTEXT"
    if config.users is None:
        return secured
    return f"SASL_{secured}, {len(config.users)} users"


def _raise_descriptor_limit() -> None:
    """Take as many descriptors as may be had: each connection and each segment is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
