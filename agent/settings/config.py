"""``config.toml``: every key with its default and meaning; an unknown key is an error."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Meta

from agent.errors import InputError
from agent.settings.addresses import beginning_problem, server_problem
from agent.settings.proxy import ProxyAddress
from agent.settings.text import clean_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DEFAULT_PORTS = (8991, 8999)
"""First and last port that the bridge tries (contract 2)."""
TOOLS = ("dfu-util", "esptool")
"""Programs that some boards are flashed with (flashing, section 8)."""
DOWNLOAD_HOSTS = ("https://downloads.arduino.cc/", "https://cloud-downloads.arduino.cc/")
"""Where Arduino publishes firmware and sketches."""


class BridgeConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[bridge]``: the server that pages and commands talk to."""

    first_port: Annotated[int, Meta(ge=1024, le=65535)] = DEFAULT_PORTS[0]
    last_port: Annotated[int, Meta(ge=1024, le=65535)] = DEFAULT_PORTS[1]


class PortsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[ports]``: where boards are looked for."""

    system: bool = True
    """Look at the serial ports of this computer."""
    simulated: str = ""
    """Folder in which simulated boards announce their ports; empty: none."""
    ignore: list[str] = []
    """Port addresses that are never opened or shown; in the air ``ble://A1:B2:C3:D4:E5:F6``."""
    extra: list[str] = []
    """Port addresses that are shown although they have no USB ids (a built-in serial port)."""


class BluetoothConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[bluetooth]``: boards in the air."""

    scan: Literal["asked", "always", "never"] = "asked"
    """When to listen for boards: while a page, a command or a job looks for them; as long as the
    agent runs; or never, so that the Bluetooth of this computer is not touched."""


class ArduinoConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[arduino]``: Arduino Cloud."""

    base_url: str = "https://api2.arduino.cc"
    """Another address is for tests and simulated clouds; never set by a web page."""
    title: str = "Arduino Cloud"
    requests_per_s: Annotated[float, Meta(gt=0, le=10_000)] = 5.0
    """Requests that Mooring sends per second; Arduino allows 10 unless agreed otherwise."""


class SketchesConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[sketches]``: where provisioning sketches come from."""

    index_url: str = "https://cloud-downloads.arduino.cc/binaries/index.json.gz"
    """The signed list of 1.0 sketches; its signature is beside it (``.json.sig``)."""
    index_key: str = ""
    """File with the OpenPGP key of that list; empty: Arduino's, which Mooring carries."""


class FlashConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[flash]``: how sketches are written to boards."""

    tools: dict[str, str] = {}
    """Programs by name (:data:`TOOLS`); one that is named here is not looked for elsewhere."""
    urls: list[str] = msgspec.field(default_factory=lambda: list(DOWNLOAD_HOSTS))
    """Beginnings of the addresses from which a page may have a sketch written."""


class DesktopConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[desktop]``: the icon beside the clock."""

    notifications: bool = True
    """Tell of new boards, of ends and of questions in the corner of the screen."""


class NetworkConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[network]``: how this computer reaches the Internet."""

    proxy: ProxyAddress = ProxyAddress("")
    """Empty: the proxy of the system; ``none``: none; else its address."""
    certificates: str = ""
    """File with certificates (PEM) that are trusted beside those of the system; empty: none."""


class UpdatesConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[updates]``: whether there is a newer version."""

    check: bool = True
    """Ask once a day; nothing is ever installed."""
    url: str = ""
    """Where to ask; empty: nowhere."""


class LogConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[log]``."""

    level: Annotated[str, Meta(pattern="^(debug|info|warning|error)$")] = "info"


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    bridge: BridgeConfig = BridgeConfig()
    ports: PortsConfig = PortsConfig()
    bluetooth: BluetoothConfig = BluetoothConfig()
    arduino: ArduinoConfig = ArduinoConfig()
    sketches: SketchesConfig = SketchesConfig()
    flash: FlashConfig = FlashConfig()
    desktop: DesktopConfig = DesktopConfig()
    network: NetworkConfig = NetworkConfig()
    updates: UpdatesConfig = UpdatesConfig()
    log: LogConfig = LogConfig()


def load_config(path: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """Read the file if there is one; ``IOT_API_URL`` overrides ``arduino.base_url``.

    Raises :class:`InputError` that names file, key and, for an unknown key, the nearest known one.
    """
    data: dict[str, object] = {}
    if path.exists():
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InputError(field=str(path), problem=f"is not valid TOML: {error}") from None
        except OSError as error:
            detail = error.strerror or str(error)
            raise InputError(field=str(path), problem=f"cannot be read: {detail}") from None
    url = environ.get("IOT_API_URL")
    if url:
        section = data.setdefault("arduino", {})
        if isinstance(section, dict):
            section["base_url"] = url
    try:
        config = msgspec.convert(data, Config, dec_hook=_proxy_from)
    except msgspec.ValidationError as error:
        raise InputError(field=path.name, problem=_explain(str(error))) from None
    if config.bridge.first_port > config.bridge.last_port:
        raise InputError(field=path.name, problem="bridge.first_port is above bridge.last_port")
    problem = _flash_problem(config.flash) or _address_problem(config)
    if problem is not None:
        raise InputError(field=path.name, problem=problem)
    return config


def _flash_problem(flash: FlashConfig) -> str | None:
    for name, program in flash.tools.items():
        if name not in TOOLS:
            return _unknown(f"flash.tools.{name}", name, TOOLS)
        # The agent has no folder of its own that a name could be below.
        if not Path(program).is_absolute():
            return f"flash.tools.{name} must be a whole path"
    for url in flash.urls:
        problem = beginning_problem(url)
        if problem is not None:
            return f"flash.urls: {clean_text(url)} {problem}"
    return None


def _address_problem(config: Config) -> str | None:
    problem = config.network.proxy.problem()
    if problem is not None:
        return f"network.proxy {problem}"
    file = config.network.certificates
    if file and not Path(file).is_absolute():
        return "network.certificates must be a whole path"
    problem = server_problem(config.updates.url) if config.updates.url else None
    return None if problem is None else f"updates.url {problem}"


def _proxy_from(kind: type, value: object) -> object:
    """Msgspec ``dec_hook``; what is wrong is not quoted, it may hold a password."""
    if kind is ProxyAddress and isinstance(value, str):
        return ProxyAddress(value)
    msg = "Expected `str`"
    raise TypeError(msg)


def _explain(message: str) -> str:
    unknown = re.search(r"unknown field `(.*?)`", message)
    if not unknown:
        return message[:1].lower() + message[1:].replace("`$.", "`")
    key = unknown.group(1)
    where = re.search(r"at `\$\.(.*?)`", message)
    section: type[msgspec.Struct] = Config
    if where:
        section = type(getattr(Config(), where.group(1)))
    name = f"{where.group(1)}.{key}" if where else key
    return _unknown(name, key, section.__struct_fields__)


def _unknown(name: str, key: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.4)
    hint = f"; did you mean {near[0]}?" if near else f"; known are {', '.join(known)}"
    return f"unknown key {name}{hint}"
