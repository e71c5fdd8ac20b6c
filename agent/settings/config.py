"""Every setting: its default, what it may be, what it means, and from when on a change counts.

The only place that says so: the file is checked by these types, and the page, the command line
and docs/configuration.md take their words from here (:mod:`agent.settings.keys`).
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from agent.settings.config_compat import CompatConfig
from agent.settings.config_gateway import GatewayConfig
from agent.settings.nvs_names import BOARD_KEYS, LEGAL, NvsNames
from agent.settings.proxy import ProxyAddress

DEFAULT_PORTS = (8991, 8999)
"""First and last port that the bridge tries (contract 2)."""
TOOLS = ("dfu-util", "esptool")
"""Programs that some boards are flashed with (flashing, section 8)."""
DOWNLOAD_HOSTS = ("https://downloads.arduino.cc/", "https://cloud-downloads.arduino.cc/")
"""Where Arduino publishes firmware and sketches."""
CLOUD_VARIABLE: Final = "IOT_API_URL"
"""Takes the place of ``arduino.base_url``."""

TEXT_CHARS = 2000
"""Of one text: the longest address, and more than any path of a person."""
LIST_ITEMS = 500
"""Far more ports or addresses than a person writes down."""

_NOW: Final = {"x-applies": "now"}
_RESTART: Final = {"x-applies": "restart"}

Text = Annotated[str, Meta(max_length=TEXT_CHARS)]


class BridgeConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[bridge]``: the server that pages and commands talk to."""

    first_port: Annotated[
        int,
        Meta(
            ge=1024,
            le=65535,
            title="First port",
            description="The first port of this computer that the agent tries for its page.",
            extra_json_schema=_RESTART,
        ),
    ] = DEFAULT_PORTS[0]
    last_port: Annotated[
        int,
        Meta(
            ge=1024,
            le=65535,
            title="Last port",
            description="The last port that it tries.",
            extra_json_schema=_RESTART,
        ),
    ] = DEFAULT_PORTS[1]


class PortsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[ports]``: where boards are looked for."""

    system: Annotated[
        bool,
        Meta(
            title="Boards on cables",
            description="Look for boards on the serial ports of this computer.",
            extra_json_schema=_RESTART,
        ),
    ] = True
    simulated: Annotated[
        str,
        Meta(
            max_length=TEXT_CHARS,
            title="Simulated boards",
            description="The folder in which simulated boards announce themselves; empty: none.",
            extra_json_schema=_RESTART,
        ),
    ] = ""
    ignore: Annotated[
        list[Text],
        Meta(
            max_length=LIST_ITEMS,
            title="Ports to leave alone",
            description="Addresses of ports that are never opened or shown, "
            "as “mooring boards” prints them.",
            examples=[["COM7"]],
            extra_json_schema=_RESTART,
        ),
    ] = []
    extra: Annotated[
        list[Text],
        Meta(
            max_length=LIST_ITEMS,
            title="More ports",
            description="Addresses of ports that are shown although they have no USB ids, "
            "such as a built-in serial port.",
            examples=[["/dev/ttyS0"]],
            extra_json_schema=_RESTART,
        ),
    ] = []


class BluetoothConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[bluetooth]``: boards in the air."""

    scan: Annotated[
        Literal["asked", "always", "never"],
        Meta(
            title="Listen for boards in the air",
            description="When to listen over Bluetooth LE: “asked” while a page, a command or a job "
            "looks for boards, “always” as long as the agent runs, “never” to leave the Bluetooth of "
            "this computer alone. A change from or to “never” counts after a restart.",
            extra_json_schema=_NOW,
        ),
    ] = "asked"


class WifiConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[wifi]``: boards with a network of their own."""

    join: Annotated[
        Literal["ask", "never"],
        Meta(
            title="Join networks of boards",
            description="Whether this computer may join the Wi-Fi network that a board opens by itself: "
            "“ask” each time, or “never”, for a computer that is reached over its Wi-Fi. “never” also "
            "lists no such networks; they can still be joined by hand.",
            extra_json_schema=_NOW,
        ),
    ] = "ask"


class ArduinoConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[arduino]``: Arduino Cloud."""

    base_url: Annotated[
        str,
        Meta(
            max_length=TEXT_CHARS,
            title="Address of Arduino Cloud",
            description="Another address is for tests and simulated clouds.",
            extra_json_schema=_RESTART | {"x-environment": CLOUD_VARIABLE},
        ),
    ] = "https://api2.arduino.cc"
    title: Annotated[
        str,
        Meta(
            max_length=100,
            title="Name of that cloud",
            description="How it is called on the page and in messages.",
            extra_json_schema=_RESTART,
        ),
    ] = "Arduino Cloud"
    requests_per_s: Annotated[
        float,
        Meta(
            ge=0.01,
            le=10_000,
            title="Requests per second",
            description="How many requests are sent to it per second. Arduino refuses more than 10 "
            "unless your contract says otherwise; setting up many new boards at once takes three "
            "requests for each.",
            extra_json_schema=_NOW,
        ),
    ] = 5.0


class NrfConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[nrf]``: nRF Cloud."""

    provisioning_url: Annotated[
        str,
        Meta(
            max_length=TEXT_CHARS,
            title="Address of nRF Cloud's provisioning",
            description="Where boards are claimed. Another address is for tests and simulated "
            "clouds.",
            extra_json_schema=_RESTART,
        ),
    ] = "https://api.provisioning.nrfcloud.com"
    devices_url: Annotated[
        str,
        Meta(
            max_length=TEXT_CHARS,
            title="Address of nRF Cloud's devices",
            description="Where the devices are that became of them. Another address is for tests "
            "and simulated clouds.",
            extra_json_schema=_RESTART,
        ),
    ] = "https://api.nrfcloud.com"


class SketchesConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[sketches]``: where provisioning sketches come from."""

    index_url: Annotated[
        str,
        Meta(
            max_length=TEXT_CHARS,
            title="List of sketches",
            description="The address of the signed list of provisioning 1.0 sketches; its signature "
            "is beside it, as “.json.sig”.",
            extra_json_schema=_RESTART,
        ),
    ] = "https://cloud-downloads.arduino.cc/binaries/index.json.gz"
    index_key: Annotated[
        str,
        Meta(
            max_length=TEXT_CHARS,
            title="Key of that list",
            description="The file with the OpenPGP key that signs the list; empty: Arduino's key, "
            "which Mooring carries.",
            extra_json_schema=_RESTART,
        ),
    ] = ""


class FlashConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[flash]``: how sketches are written to boards."""

    tools: Annotated[
        dict[str, Text],
        Meta(
            title="Flashing programs",
            description="Programs that some boards are flashed with, as whole paths: “dfu-util” and "
            "“esptool”. One that is named here is not looked for elsewhere.",
            examples=[{"dfu-util": "/opt/dfu/bin/dfu-util"}],
            extra_json_schema=_RESTART | {"propertyNames": {"enum": list(TOOLS)}},
        ),
    ] = {}
    urls: Annotated[
        list[Text],
        Meta(
            max_length=LIST_ITEMS,
            title="Addresses that pages may have written",
            description="Beginnings of the addresses from which a page may have a file written to a "
            "board; each is https (http only with this computer) and ends with “/”.",
            examples=[["https://downloads.arduino.cc/"]],
            extra_json_schema=_NOW,
        ),
    ] = msgspec.field(default_factory=lambda: list(DOWNLOAD_HOSTS))


class NvsConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[nvs]``: the settings area of chips of the ESP32 family."""

    namespace: Annotated[
        str,
        Meta(
            pattern=LEGAL,
            title="Namespace",
            description="The namespace in which sketches find what Mooring delivers; 1 to 15 "
            "printable ASCII characters.",
            extra_json_schema=_RESTART,
        ),
    ] = "mooring"
    partition: Annotated[
        str,
        Meta(
            pattern=r"^[!-~]{0,16}$",
            title="Partition",
            description="Label of the NVS partition that sketches open; empty: the usual one, "
            "called “nvs”.",
            extra_json_schema=_RESTART,
        ),
    ] = ""
    keys: Annotated[
        dict[str, Text],
        Meta(
            title="Keys",
            description="Keys in that namespace where a sketch has other ones: our name and the "
            "sketch's key, 1 to 15 printable ASCII characters. Those that are not named here keep "
            "our name.",
            examples=[{"tb_token": "token"}],
            extra_json_schema=_RESTART | {"propertyNames": {"enum": list(BOARD_KEYS)}},
        ),
    ] = {}

    @property
    def names(self) -> NvsNames:
        """Where a sketch looks for its settings."""
        return NvsNames(self.namespace, self.keys)


class DesktopConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[desktop]``: the icon beside the clock."""

    notifications: Annotated[
        bool,
        Meta(
            title="Notifications",
            description="Tell of new boards, of what is done and of questions in the corner of the "
            "screen, where the system has that.",
            extra_json_schema=_NOW,
        ),
    ] = True


class NetworkConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[network]``: how this computer reaches the Internet."""

    proxy: Annotated[
        ProxyAddress,
        Meta(
            title="Proxy",
            description="The proxy for everything that Mooring fetches: empty for the one of the "
            "system, “none” for none, else its address, such as http://proxy.example:3128. "
            "A name and password in it are shown nowhere.",
            extra_json_schema=_NOW | {"x-masked": True},
        ),
    ] = msgspec.field(default_factory=ProxyAddress)
    certificates: Annotated[
        str,
        Meta(
            max_length=TEXT_CHARS,
            title="More certificates",
            description="The whole path of a file with certificates (PEM or DER) that are trusted "
            "beside those of the system, for a proxy that opens connections; empty: none.",
            extra_json_schema=_NOW,
        ),
    ] = ""


class UpdatesConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[updates]``: whether there is a newer version."""

    check: Annotated[
        bool,
        Meta(
            title="Look for newer versions",
            description="Look once a day whether there is a newer version; nothing is ever installed "
            "by itself.",
            extra_json_schema=_NOW,
        ),
    ] = True
    url: Annotated[
        str,
        Meta(
            max_length=TEXT_CHARS,
            title="Where to look",
            description="The address that is asked; https (http only with this computer); "
            "empty: that of the project.",
            extra_json_schema=_NOW,
        ),
    ] = ""


class LogConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[log]``: what the agent writes down of its work."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(
            title="Log",
            description="How much is written to the log; secrets are in none of it.",
            extra_json_schema=_NOW,
        ),
    ] = "info"


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings, one attribute for each section of the file."""

    bridge: BridgeConfig = BridgeConfig()
    ports: PortsConfig = PortsConfig()
    bluetooth: BluetoothConfig = BluetoothConfig()
    wifi: WifiConfig = WifiConfig()
    arduino: ArduinoConfig = ArduinoConfig()
    nrf: NrfConfig = NrfConfig()
    sketches: SketchesConfig = SketchesConfig()
    flash: FlashConfig = FlashConfig()
    nvs: NvsConfig = NvsConfig()
    gateway: GatewayConfig = GatewayConfig()
    compat: CompatConfig = CompatConfig()
    desktop: DesktopConfig = DesktopConfig()
    network: NetworkConfig = NetworkConfig()
    updates: UpdatesConfig = UpdatesConfig()
    log: LogConfig = LogConfig()
