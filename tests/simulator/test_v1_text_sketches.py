"""The simulated sketches of 1.0 that speak text."""

from __future__ import annotations

import pytest

from agent.catalog import Catalog
from agent.errors import InputError
from agent.protocols.v1.console import is_console_text
from agent.protocols.v1.lora import EuiCollector
from agent.simulator.config import BoardConfig, SketchName, complete
from agent.simulator.firmware import Firmware
from agent.simulator.timing import VECTOR_TIMING
from agent.simulator.world import Uplink, World


def board(sketch: SketchName, modem: Uplink = Uplink.OK) -> Firmware:
    config = BoardConfig(model="mkr_wan_1310", serial_number="text", sketch=sketch)
    made = Firmware(config, VECTOR_TIMING, World(modem=modem))
    made.run(1_000)
    return made


def hear(made: Firmware, milliseconds: float) -> bytes:
    made.run(made.now + milliseconds)
    return b"".join(made.take_output())


def test_a_lora_board_prints_its_eui_every_three_seconds() -> None:
    made = board("lora-1.0")
    assert hear(made, 10_000) == b""  # nobody has opened the port
    made.set_port_open(True)
    lines = hear(made, 7_000).splitlines()
    assert lines == [made.config.device_eui.encode()] * 3
    collector = EuiCollector()
    collector.feed(hear(made, 7_000))
    assert collector.eui == made.config.device_eui.upper()
    assert made.host_connected


def test_a_modem_that_fails_is_told_once() -> None:
    made = board("lora-1.0", Uplink.BROKEN)
    made.set_port_open(True)
    collector = EuiCollector()
    collector.feed(hear(made, 5_000))
    assert collector.failure is not None
    assert hear(made, 10_000) == b""


def test_the_console_asks_once_somebody_is_there_and_then_line_by_line() -> None:
    made = board("console-1.0")
    assert hear(made, 5_000) == b""
    made.set_port_open(True)
    assert is_console_text(hear(made, 600))
    made.receive(b"y\r\n")
    assert b"device id" in hear(made, 100)
    made.receive(b"\x55\xaa\x01\x00\x03\x01\xe1\xf1\xaa\x55")
    assert hear(made, 100) == b""  # a frame has no end of a line
    made.receive(b"\n\n\n")
    assert hear(made, 100).count(b"certificate") == 1


def test_text_sketches_ignore_pin_cloud_and_faults_of_a_receiver() -> None:
    made = board("console-1.0")
    made.release_pin(5_000)
    made.cloud_answer(200, b"")
    made.wedge()
    assert made.state_name == "CONSOLE_1.0"


@pytest.mark.parametrize(
    ("model", "sketch"),
    [
        ("mkr_wifi_1010", "provisioning-1.0"),
        ("mkr_gsm_1400", "console-1.0"),
        ("mkr_wan_1300", "lora-1.0"),
        ("mkr_wifi_1010", "provisioning"),
        ("esp32", "console"),
        ("uno_r4_wifi", "console"),
    ],
)
def test_a_board_carries_the_sketches_that_are_made_for_it(model: str, sketch: SketchName) -> None:
    assert complete(BoardConfig(model=model, sketch=sketch), Catalog.load()).sketch == sketch


@pytest.mark.parametrize(
    ("model", "sketch", "named"),
    [
        ("portenta_c33", "provisioning-1.0", "uno_r4_wifi"),
        ("mkr_wan_1310", "provisioning-1.0", "mkr_wifi_1010"),
        ("mkr_wifi_1010", "lora-1.0", "mkr_wan_1300"),
        ("mkr_1000_wifi", "provisioning", "uno_r4_wifi"),
        ("esp32", "console-1.0", "opta"),
        ("nrf9160_dk", "console", "esp32"),
    ],
)
def test_another_board_is_refused_with_those_that_fit(
    model: str, sketch: SketchName, named: str
) -> None:
    with pytest.raises(InputError) as caught:
        complete(BoardConfig(model=model, sketch=sketch), Catalog.load())
    assert named in str(caught.value.facts["problem"])
