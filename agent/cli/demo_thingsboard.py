"""The part of ``mooring demo`` that shows ThingsBoard: a simulated server, and boards for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.app import App
    from agent.simulator.announcement import Announcement
    from agent.simulator.config import BoardConfig
    from agent.simulator.thingsboard import SimulatedThingsBoard

CONSOLE_NAME: Final = "ESP32 console"
PYTHON_NAME: Final = "Pico W Python"
"""Short enough for the list on the page while the boards are new."""
DEVICE_NAME: Final = "weather-station"
"""What ``--once`` makes of the first."""


def thingsboard_boards() -> tuple[BoardConfig, ...]:
    """Boards that take credentials: a sketch with the serial console, and MicroPython."""
    from agent.simulator.config import BoardConfig

    return (
        BoardConfig(model="esp32", sketch="console"),
        BoardConfig(model="pico_w", sketch="micropython"),
    )


@dataclass(frozen=True, slots=True)
class DemoThingsBoard:
    """The server, and the ports of its boards."""

    server: SimulatedThingsBoard
    ports: Sequence[Announcement]

    @property
    def console(self) -> str:
        """Serial number of the board with the serial console."""
        return self.ports[0].serial_number

    async def prepare(self, app: App) -> None:
        """Store the account, and name the boards, as a person would have done.

        People sign in without protection on this computer; boards connect with TLS.
        """
        server = self.server
        await app.enrolments["thingsboard"].login(
            {
                "server": server.addresses["http"],
                "board_server": server.addresses["mqtts"],
                "ca": server.ca,
                "provision_key": server.create.key,
                "provision_secret": server.create.secret.reveal(),
                "admin_user": server.administrator.name,
                "admin_password": server.administrator.password.reveal(),
            }
        )
        for port, name in zip(self.ports, (CONSOLE_NAME, PYTHON_NAME), strict=True):
            app.boards.learn(app.boards.find(port.serial_number).id, name=name)
