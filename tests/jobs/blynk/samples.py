"""Orders, boards and answers for tests of the machines, which need no I/O."""

from __future__ import annotations

from typing import Any

from agent.errors import BlynkTemplate
from agent.jobs.blynk.effects import Found, Kept, Looked, Put
from agent.jobs.blynk.order import BlynkOrder
from agent.links.access_point_question import Leaving
from agent.protocols.blynk.device_names import name_of_board
from agent.protocols.blynk.info import BoardInfo, Interface, Scan, SeenNetwork
from agent.protocols.blynk.platform import Provisioned
from agent.protocols.blynk.tokens import template_fits
from agent.settings import Secret
from agent.settings.network import WiFi

PASSWORD = Secret("marker-wifi-password-4d1e")
HOME = WiFi(ssid="HomeNet", password=PASSWORD)
TOKEN = Secret("marker_token_0123456789abcdef012")
OTHER = Secret("marker_other_0123456789abcdef012")
TEMPLATE = "TMPLdemo00000"
BOARD = BoardInfo(
    generation=1,
    name="Blynk Thermo-FK8D",
    template_name="Thermo",
    template_id=TEMPLATE,
    firmware_version="0.1.0",
    interfaces=(Interface(name="wifi", scans=True),),
)
FOUND = Found("console", BOARD, (Looked("console", "answers"),))
POINT = Found("http", BOARD, (Looked("http", "answers"),))
SCAN = Scan((SeenNetwork("HomeNet", -45, "WPA2"), SeenNetwork("Guests", -60, "OPEN")), hidden=1)
MADE = Provisioned(TOKEN, 55)
PUT = Put("7cd48fdc", "blynk.cloud")
PROVEN = Kept("0a0b0c0d", "Kitchen", OTHER, proven=True)
PENDING = Kept("0a0b0c0d", "Kitchen", OTHER, proven=False)

LEAVING = Leaving("Blynk Thermo-FK8D", "wlan0", "Home", internet_goes=True, limit_s=180)


def check_template(board: str, wanted: str) -> None:
    if not template_fits(board, wanted):
        raise BlynkTemplate(cloud="Blynk.Cloud", board_template=board, template=wanted)


def order(**changes: Any) -> BlynkOrder:
    usual: dict[str, Any] = {
        "board": "ESP32",
        "cloud": "Blynk.Cloud",
        "platform": True,
        "make_name": name_of_board,
        "check_template": check_template,
        "network": HOME,
    }
    return BlynkOrder(**(usual | changes))
