"""`iowitness users add | remove | list`: who may connect to a server that asks for a user."""

import secrets
import sys
from pathlib import Path

import click

from iowitness.impl.stored_users import load_users, save_users_text
from iowitness.impl.users_file import (
    UsersFileError,
    check_user_name,
    user_names,
    with_user,
    without_user,
)

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group(name="users")
def users_group() -> None:
    """Keep the users file of `iowitness serve --users`.

    It holds salted SCRAM verifiers, no passwords, and only its owner may read it.

    \b
    Example: iowitness users add users.txt alice
    """


@users_group.command()
@click.argument("file", type=_FILE)
@click.argument("name")
def add(file: Path, name: str) -> None:
    """Add a user, or give one a new password.

    The password is asked for twice on a terminal; else it is the first line of standard input.

    \b
    Example: iowitness users add users.txt alice < password.txt
    """
    try:
        check_user_name(name)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    password = _password()
    if not password:
        raise click.UsageError("password of 0 characters, expected one")
    text = _text(file) if file.exists() else ""
    _save(file, with_user(text, name, password, secrets.token_bytes))
    click.echo(f"{file}: {name} can log in with PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512")


@users_group.command()
@click.argument("file", type=_FILE)
@click.argument("name")
def remove(file: Path, name: str) -> None:
    """Take a user away.

    \b
    Example: iowitness users remove users.txt alice
    """
    text = _text(file)
    if name not in user_names(text):
        raise click.UsageError(f"{file}: user={name!r} is not there, expected one of the file's")
    _save(file, without_user(text, name))
    click.echo(f"{file}: {name} is gone; a server that runs knows it until it is started anew")


@users_group.command(name="list")
@click.argument("file", type=_FILE)
def list_users(file: Path) -> None:
    """The users of a file, a line each.

    \b
    Example: iowitness users list users.txt
    """
    for name in user_names(_text(file)):
        click.echo(name)


commands = (users_group,)


def _password() -> str:
    if sys.stdin.isatty():
        answer: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
        return answer
    return sys.stdin.readline().rstrip("\n")


def _text(file: Path) -> str:
    """The file's text, after a look at whether it is a users file at all."""
    try:
        load_users(file)
        return file.read_text(encoding="utf-8")
    except UsersFileError as error:
        raise click.UsageError(str(error)) from error
    except OSError as error:
        raise click.UsageError(f"{file}: {error.strerror}, expected a users file") from error


def _save(file: Path, text: str) -> None:
    try:
        save_users_text(file, text)
    except OSError as error:
        raise click.UsageError(f"{file}: cannot be written: {error.strerror}") from error
