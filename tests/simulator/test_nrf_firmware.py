"""The program of a simulated nRF91 board."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agent.protocols.nrf.lines import LineReader
from agent.protocols.nrf.logs import LogReader, Progress, Seen, TokenPrinted
from agent.simulator.nrf_config import NrfConfig
from agent.simulator.nrf_firmware import NrfProgram
from agent.simulator.nrf_identity import ModemIdentity
from agent.simulator.nrf_modem import SimulatedModem
from agent.simulator.nrf_orders import NoOrders

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Heard:
    """What a program says, as lines."""

    def __init__(self, **config: object) -> None:
        chosen = NrfConfig(**config)  # type: ignore[arg-type]  # of the test
        self.modem = SimulatedModem(chosen, ModemIdentity("PROGRAM"))
        service = NoOrders(claimed=chosen.claimed)
        self.program = NrfProgram(chosen, self.modem, self._hear, service=service, speed=1000.0)
        self._reader = LineReader()
        self.lines: list[str] = []
        self.events: list[object] = []
        self._log = LogReader()
        self._more = asyncio.Event()

    def _hear(self, data: bytes) -> None:
        for line in self._reader.feed(data):
            self.lines.append(line.text)
            self.events += self._log.feed(line)
        self._more.set()

    def say(self, text: str) -> list[str]:
        """What comes of it at once."""
        before = len(self.lines)
        self.program.hear(text.encode() + b"\r\n")
        return [line for line in self.lines[before:] if line and line != text]

    async def until(self, text: str) -> None:
        while not any(text in line for line in self.lines):
            self._more.clear()
            await self._more.wait()


@pytest.fixture
async def programs() -> AsyncIterator[list[Heard]]:
    made: list[Heard] = []
    yield made
    for each in made:
        each.program.stop()


def start(programs: list[Heard], **config: object) -> Heard:
    heard = Heard(**config)
    programs.append(heard)
    heard.program.start()
    return heard


async def test_each_firmware_knows_its_commands(programs):
    known = {
        "tracker": {"at", "att_cloud", "kernel"},
        "tracker-old": {"at", "att_cloud_provision", "kernel"},
        "sample": {"kernel", "nrf_provisioning"},
    }
    for firmware, commands in known.items():
        heard = start(programs, firmware=firmware, claimed=True)
        assert {line.split()[0] for line in heard.say("help")} == commands
        assert heard.say("nothing else") == ["nothing: command not found"]
        for name in commands - {"kernel"}:
            assert heard.say(name) == ["Please specify a subcommand."]


async def test_the_sample_s_commands_answer_as_the_library_does(programs):
    heard = start(programs, firmware="sample")
    assert heard.say("nrf_provisioning uuid") == [str(heard.modem.identity.device_id)]
    assert len(heard.say("nrf_provisioning token")[0]) == 180
    assert heard.say("nrf_provisioning interval 60") == []
    assert heard.say("nrf_provisioning what") == ["Please specify a subcommand."]
    heard.modem.refuse["%ATTESTTOKEN"] = 529
    assert heard.say("nrf_provisioning token") == ["Failed to get token, err -77"]
    assert heard.say("nrf_provisioning uuid") == ["Failed to get UUID, err -77"]
    off = start(programs, firmware="sample", modem=False)
    assert off.say("nrf_provisioning now") == ["Provisioning library is not initialized"]


async def test_a_board_that_is_not_claimed_prints_its_token_when_it_starts(programs):
    heard = start(programs, firmware="tracker")
    await heard.until("END ATTESTATION TOKEN")
    assert Progress(Seen.NOT_CLAIMED) in heard.events
    assert any(isinstance(event, TokenPrinted) for event in heard.events)


async def test_it_starts_anew_by_a_command_of_its_shell(programs):
    heard = start(programs, firmware="sample")
    heard.say("kernel reboot warm")
    heard.lines.clear()
    await heard.until("Booting nRF Connect SDK")


async def test_a_button_is_a_trigger_also_while_it_provisions(programs):
    heard = start(programs, firmware="tracker", claimed=True)
    await heard.until("Requesting commands")
    heard.program.press_button()
    await heard.until("Connected to Cloud")
    heard.lines.clear()
    await heard.until("Connected to Cloud")
    assert heard.program.state == "ONLINE"


async def test_another_program_talks_and_does_not_listen(programs):
    heard = start(programs, firmware="other")
    await heard.until("$GPGGA")
    assert heard.say("AT") == []
    alone = start(programs, firmware="none")
    assert alone.say("AT") == []
    assert alone.program.state == "BOOTLOADER"


async def test_a_log_goes_on(programs):
    heard = start(programs, firmware="at", log=True)
    for _ in range(2):
        heard.lines.clear()
        await heard.until("battery")
    assert heard.say("AT") == ["OK"]
