"""Network options of a command, and where secrets come from: never from an argument."""

from __future__ import annotations

import getpass
import json
import os
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from agent.cli.output import is_terminal
from agent.errors import InputError
from agent.settings import Secret, clean_text
from agent.settings.network import parse_network

if TYPE_CHECKING:
    from collections.abc import Callable

PASSWORD_VARIABLE: Final = "MOORING_WIFI_PASSWORD"  # noqa: S105 - the name, not the password
ACCOUNT_VARIABLES: Final = "MOORING_CLOUD_"
"""Begin of the variables with the fields of a cloud account."""
SECRET_FIELDS: Final = {"password", "pin", "app_key"}
FILE_BYTES: Final = 64 << 10
"""A file with one network setting has some 200 bytes, one with certificates a few thousand; anything
larger is the wrong file."""
LINE_BYTES: Final = 4096
"""A first line longer than any secret of any network or cloud."""


def network_options(command: Callable[..., None]) -> Callable[..., None]:
    """``--ssid``, ``--network`` and ``--password-stdin``."""
    for option in (
        click.option(
            "--password-stdin",
            is_flag=True,
            help="Take the password from the first line of standard input.",
        ),
        click.option(
            "--network",
            "network_file",
            metavar="FILE",
            help="Settings of any kind of network as TOML or JSON; - for standard input.",
        ),
        click.option(
            "--ssid",
            metavar="NAME",
            help=f"A Wi-Fi network; its password is asked for or taken from {PASSWORD_VARIABLE}.",
        ),
    ):
        command = option(command)
    return command


def read_network(
    ssid: str | None, network_file: str | None, *, password_stdin: bool
) -> dict[str, Any]:
    """The network setting that the options describe, checked; its password is a :class:`Secret`."""
    setting: dict[str, Any]
    if ssid is not None and network_file is None:
        setting = {"kind": "wifi", **_name(ssid), "password": _password(ssid, password_stdin)}
    elif network_file is not None and ssid is None:
        if network_file == "-" and password_stdin:
            raise InputError(field="--password-stdin", problem="standard input holds the network")
        setting = load_network(network_file)
        if password_stdin:
            setting["password"] = first_line("password")
        elif setting.get("kind") == "wifi" and PASSWORD_VARIABLE in os.environ:
            setting.setdefault("password", Secret(os.environ[PASSWORD_VARIABLE]))
    else:
        raise InputError(field="--ssid or --network", problem="give one of the two")
    parse_network(setting)
    return setting


def optional_network(
    ssid: str | None, network_file: str | None, *, password_stdin: bool
) -> dict[str, Any] | None:
    """As :func:`read_network`; None if no network is given."""
    if ssid is None and network_file is None:
        if password_stdin:
            problem = "belongs to a network: give --ssid or --network"
            raise InputError(field="--password-stdin", problem=problem)
        return None
    return read_network(ssid, network_file, password_stdin=password_stdin)


def require_yes(known: bool, consequence: str) -> None:
    """Raise :class:`InputError` unless the person is there to be asked or has said yes."""
    if not known:
        problem = f"is needed where nobody can be asked: {consequence}"
        raise InputError(field="--yes", problem=problem)


def load_network(name: str) -> dict[str, Any]:
    """A network setting from a file; :class:`InputError` names the file and never its content."""
    shown = "standard input" if name == "-" else clean_text(name)
    try:
        with sys.stdin.buffer if name == "-" else Path(name).open("rb") as file:
            raw = file.read(FILE_BYTES + 1)
        if len(raw) > FILE_BYTES:
            raise InputError(field=shown, problem=f"is larger than {FILE_BYTES} bytes")
        text = raw.decode("utf-8-sig")
        data = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except OSError as error:
        raise InputError(field=shown, problem=f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(field=shown, problem="is not text (UTF-8)") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InputError(field=shown, problem=f"is not valid JSON: {error.msg} ({where})") from None
    except (tomllib.TOMLDecodeError, RecursionError):
        # The message of the parser may quote the line, and so a password.
        raise InputError(field=shown, problem="is neither valid TOML nor JSON") from None
    return {key: _hidden(key, value) for key, value in data.items()}


def first_line(field: str, *, optional: bool = False) -> Secret:
    """The first line of standard input that is left, without its end; empty if it is ``optional``."""
    line = sys.stdin.buffer.readline(LINE_BYTES) if sys.stdin else b""
    if not line and not optional:
        # An empty line is an open network; nothing at all is a command before ours that failed.
        raise InputError(field=field, problem="is not given: standard input is empty")
    try:
        return Secret(line.decode("utf-8").rstrip("\r\n"))
    except UnicodeDecodeError:
        raise InputError(field=field, problem="is not valid text (UTF-8)") from None


def read_field(field: str, path: str) -> Secret:
    """The content of a file, without white space around it; :class:`InputError` names the field."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(FILE_BYTES + 1)
        text = data.decode("utf-8")
    except OSError as error:
        problem = f"cannot be read from its file: {error.strerror}"
        raise InputError(field=field, problem=problem) from None
    except UnicodeDecodeError:
        raise InputError(field=field, problem="is not valid text (UTF-8)") from None
    if len(data) > FILE_BYTES:
        problem = f"is longer than {FILE_BYTES} bytes, which its file has"
        raise InputError(field=field, problem=problem)
    return Secret(text.strip())


def ask_secret(prompt: str) -> Secret:
    """A secret that a person types without seeing it; before anything runs."""
    return Secret(getpass.getpass(prompt, stream=sys.stderr))


def drop_secret_variables() -> None:
    """Take secrets out of the environment, which every program inherits that is started now."""
    for name in list(os.environ):
        if name == PASSWORD_VARIABLE or name.startswith(ACCOUNT_VARIABLES):
            del os.environ[name]


def can_ask() -> bool:
    """Whether a person sits at this command."""
    return is_terminal(sys.stdin) and is_terminal(sys.stderr)


def _name(ssid: str) -> dict[str, str]:
    try:
        ssid.encode()
    except UnicodeEncodeError:
        # Bytes of the command line that are not text travel on as they are.
        return {"ssid_hex": os.fsencode(ssid).hex()}
    return {"ssid": ssid}


def _password(ssid: str, password_stdin: bool) -> Secret:
    if password_stdin:
        return first_line("password")
    given = os.environ.get(PASSWORD_VARIABLE)
    if given is not None:
        return Secret(given)
    if can_ask():
        return ask_secret(f"Password of “{clean_text(ssid)}” (empty for an open network): ")
    raise InputError(
        field="password",
        problem=f"is not given: use --password-stdin, {PASSWORD_VARIABLE} or --network; "
        "an empty one means an open network",
    )


def _hidden(key: str, value: object) -> object:
    return Secret(value) if key in SECRET_FIELDS and isinstance(value, str) else value
