"""``mooring simulate`` for nRF91 boards: options become boards, and the command runs them."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any, get_args

import pytest

from agent.cli import simulate as command
from agent.cli import simulate_nrf as options
from agent.errors import InputError
from agent.links.open import open_link
from agent.sessions.nrf import BAUD, open_nrf
from agent.sessions.nrf_progress import follow
from agent.simulator.cloud_caller import post
from agent.simulator.config import SimulatorConfig
from agent.simulator.nrf_cloud import SimulatedNrfCloud
from agent.simulator.nrf_config import SERIALS, USB, NrfConfig, NrfFirmware, NrfModel
from agent.simulator.process import start_simulator

if TYPE_CHECKING:
    from pathlib import Path


def config_of(*words: str, model: str = "thingy91x") -> SimulatorConfig:
    context = command.simulate.make_context("simulate", [model, *words])
    given: dict[str, Any] = {
        k: v for k, v in context.params.items() if k not in {"as_json", "until_stdin_closes"}
    }
    return command.make_config(given.pop("model"), given)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOORING_HOME", str(tmp_path / "home"))


def test_the_lists_of_the_command_are_those_of_the_simulator() -> None:
    assert get_args(NrfModel) == options.NRF_MODELS
    assert get_args(NrfFirmware) == options.FIRMWARE
    assert set(USB) == set(SERIALS) == set(options.NRF_MODELS)


def test_every_option_reaches_the_board() -> None:
    words = ["--nrf-firmware", "sample", "--claimed", "--no-sim", "--modem-off", "--flood", "7"]
    words += ["--cut", "80", "--refuse", "%keygen=523", "--old-requests", "--no-echo", "--plain"]
    config = config_of(*words, "--log", "--serial-number", "MINE", model="nrf9151_dk")
    assert config.count == 0
    assert config.nrf == (
        NrfConfig(
            model="nrf9151_dk",
            firmware="sample",
            serial_number="MINE",
            claimed=True,
            modem=False,
            sim=False,
            echo=False,
            colours=False,
            log=True,
            flood_lines=7,
            cut_columns=80,
            refuse={"%KEYGEN": 523},
            old_requests=True,
        ),
    )


def test_several_boards_have_serial_numbers_of_their_own() -> None:
    config = config_of("--count", "2", "--serial-number", "A")
    assert [each.serial_number for each in config.nrf] == ["A", "A-1"]
    assert config_of("--count", "3").nrf == (NrfConfig(),) * 3


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("thingy91x", ["--refuse", "attesttoken"]),
        ("thingy91x", ["--sketch", "console"]),
        ("thingy91x", ["--ble"]),
        ("thingy91x", ["--noise", "0.1"]),
        ("uno_r4_wifi", ["--claimed"]),
        ("uno_r4_wifi", ["--nrf-firmware", "at"]),
        ("improv", ["--cut", "80"]),
    ],
)
def test_options_that_mean_nothing_together_are_refused(model: str, words: list[str]) -> None:
    with pytest.raises(InputError):
        config_of(*words, model=model)


async def test_a_board_in_a_process_of_its_own_is_provisioned_by_a_cloud_in_another() -> None:
    async with SimulatedNrfCloud() as cloud:
        config = config_of("--cloud", cloud.base_url, "--speed", "100", "--count", "1")
        async with await start_simulator(config, python=sys.executable) as running:
            session = await open_nrf(await open_link(running.address, BAUD))
            while (await running.status())[0].state == "PROVISIONING":
                await asyncio.sleep(0)
            token = await session.read_token()
            body = json.dumps({"claimToken": token.text.reveal()}).encode()
            key = cloud.key.secret.reveal()
            status, _ = await post(cloud.base_url, "/v1/claimed-devices", body, key)
            assert status == 201
            await session.trigger()
            await follow(session, lambda _: None, limit_s=15.0)
            await session.close()


async def test_a_board_in_a_process_of_its_own_obeys_commands(tmp_path: Path) -> None:
    config = SimulatorConfig(
        count=0, nrf=(NrfConfig(firmware="at"),), folder=str(tmp_path), speed=100.0
    )
    async with await start_simulator(config, python=sys.executable) as running:
        assert running.ports[0].serial_number == "THINGY91X_5A000000001"
        announced = [json.loads(file.read_text()) for file in sorted(tmp_path.glob("*.json"))]
        assert [each["location"][-4:] for each in announced] == [":1.0", ":1.2"]
        session = await open_nrf(await open_link(running.address, BAUD))
        found = await session.identify()
        await session.close()
        (status,) = await running.status()
        assert (status.board, status.state) == (running.ports[0].serial_number, "IDLE")
        await running.command({"press": "button"})
        await running.command({"press": "reset"})
        await running.command({"unplug": True, "board": status.board})
        assert list(tmp_path.glob("*.json")) == []
        await running.command({"plug": True})
        (status,) = await running.status()
        session = await open_nrf(await open_link(str(status.address), BAUD))
        assert (await session.identify()).imei == found.imei
        await session.close()
