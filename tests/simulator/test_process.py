"""Simulated boards in a process of their own, as other people and other tests use them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from agent.errors import ReportedError
from agent.protocols.v2.messages import CommandCode
from agent.settings import Secret
from agent.simulator.config import BoardConfig, LineFaults, SimulatorConfig, StepFault
from agent.simulator.process import SimulatorFailed, start_simulator
from agent.simulator.timing import VECTOR_TIMING
from agent.simulator.world import Network, World
from tests.simulator.boards import GONE, Host, command, status

if TYPE_CHECKING:
    from pathlib import Path

WIFI_LIST = ("0x12001", ["HomeNet", -45])
PASSWORD = "marker-password-4711"


def config(**changes: object) -> SimulatorConfig:
    fields: dict[str, object] = {
        "speed": 20.0,
        "timing": VECTOR_TIMING,
        "world": World(networks=[Network(ssid="HomeNet", rssi=-45, password=Secret(PASSWORD))]),
        **changes,
    }
    return SimulatorConfig(**fields)  # type: ignore[arg-type]  # fields of the caller


async def test_a_board_in_its_own_process_serves_a_host_that_knows_only_its_port() -> None:
    async with await start_simulator(config()) as boards:
        async with Host(boards.address) as host:
            assert await host.connect() == [WIFI_LIST]
            assert await host.join(password=PASSWORD) == [status(1), status(2)]
            assert await host.hear() == ("control", "DISCONNECT")
        await boards.wait_for("step", step="certificate")


async def test_several_boards_share_a_process_and_are_told_apart() -> None:
    async with await start_simulator(config(count=4)) as boards:
        assert len({port.address for port in boards.ports}) == 4
        assert len({port.serial_number for port in boards.ports}) == 4
        answers = []
        for port in boards.ports:
            async with Host(port.address) as host:
                await host.connect()
                answers.append(await host.ask(command(CommandCode.GET_BLE_ADDRESS)))
        assert len({answer[1][0] for answer in answers}) == 4
        second = boards.ports[1].serial_number
        await boards.command({"unplug": True, "board": second})
        states = {s.board: s.state for s in await boards.status()}
        assert [board for board, state in states.items() if state == "UNPLUGGED"] == [second]


async def test_unplug_and_plug_by_command() -> None:
    async with await start_simulator(config()) as boards:
        async with Host(boards.address) as host:
            await host.connect()
            await boards.command({"unplug": True})
            assert await host.hear() == (GONE, None)
        await boards.command({"plug": True})
        back = await boards.wait_for("plugged")
        assert back.address not in {None, boards.address}
        async with Host(str(back.address)) as host:
            assert await host.connect() == [WIFI_LIST]


async def test_world_faults_line_and_buttons_change_by_command() -> None:
    async with await start_simulator(config()) as boards, Host(boards.address) as host:
        await host.connect()
        await boards.command({"world": {"networks": [{"ssid": "New"}]}})
        await boards.command({"line": {"split": 2}})
        host.send(command(CommandCode.SCAN))
        assert await host.hear() == status(100)
        assert await host.hear() == ("0x12001", ["New", -60])
        await boards.command({"press": "reset"})
        await boards.wait_for("reset")
        await boards.command({"fault": {"at": "version", "do": "silence"}})
        await host.connect()
        host.send(command(CommandCode.GET_SKETCH_VERSION))
        await boards.wait_for("step", step="version")
        assert (await boards.status())[0].state == "DEAD"
        await boards.command({"press": "reconfigure", "seconds": 4})


@pytest.mark.parametrize(
    "wrong",
    [
        {"fly": True},
        {"press": "harder"},
        {"board": "nobody", "unplug": True},
        {"board": 7, "unplug": True},
        {"world": {"networks": [{"name": "x"}]}},
        {"line": {"noise": 2}},
        {"fault": {"at": "breakfast", "do": "unplug"}},
    ],
)
async def test_a_wrong_command_is_answered_with_an_error_and_changes_nothing(
    wrong: dict[str, object],
) -> None:
    async with await start_simulator(config()) as boards:
        with pytest.raises(ReportedError):
            await boards.command(wrong)
        assert (await boards.status())[0].address == boards.address


async def test_a_command_that_was_given_up_disturbs_no_other() -> None:
    async with await start_simulator(config()) as boards:
        given_up = [asyncio.create_task(boards.command({"status": True})) for _ in range(3)]
        await asyncio.sleep(0)
        for task in given_up:
            task.cancel()
        await asyncio.gather(*given_up, return_exceptions=True)
        assert (await boards.status())[0].host_connected is False


async def test_more_commands_than_may_wait_are_all_answered_in_their_order() -> None:
    async with await start_simulator(config()) as boards:
        answers = await asyncio.gather(*(boards.command({"line": {}}) for _ in range(300)))
        assert [answer["id"] for answer in answers] == list(range(1, 301))


async def test_a_wrong_configuration_ends_the_process_with_a_reason() -> None:
    with pytest.raises(SimulatorFailed):
        await start_simulator(config(board=BoardConfig(model="toaster")))


async def test_the_announcement_is_gone_after_a_regular_end(tmp_path: Path) -> None:
    async with await start_simulator(config(folder=str(tmp_path), count=2)) as boards:
        said = [json.loads(file.read_text()) for file in tmp_path.glob("*.json")]
        assert {entry["process"] for entry in said} == {boards.pid}
        assert {entry["address"] for entry in said} == {p.address for p in boards.ports}
    assert list(tmp_path.iterdir()) == []


async def test_a_killed_process_leaves_nothing_that_looks_like_a_board(tmp_path: Path) -> None:
    boards = await start_simulator(config(folder=str(tmp_path)))
    await boards.kill()
    for file in tmp_path.glob("*.json"):
        said = json.loads(file.read_text())
        assert not psutil.pid_exists(said["process"])
        assert not os.path.exists(said["address"])  # noqa: PTH110  (may be no path)


@pytest.mark.system("linux", "darwin")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_process_in_order(tmp_path: Path, number: int) -> None:
    boards = await start_simulator(config(folder=str(tmp_path)))
    os.kill(boards.pid, number)
    await boards.stop()
    assert boards.exit_status == 0
    assert list(tmp_path.iterdir()) == []


async def test_passwords_are_neither_in_the_arguments_nor_in_the_output() -> None:
    async with await start_simulator(config()) as boards, Host(boards.address) as host:
        assert PASSWORD not in " ".join(psutil.Process(boards.pid).cmdline())
        await host.connect()
        await host.join(password=PASSWORD)
        shown = repr([await boards.status(), boards.events, boards.ports])
    assert PASSWORD not in shown


async def test_the_module_runs_by_itself_and_prints_the_port_first() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "agent.simulator",
        "uno_r4_wifi",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    address = (await process.stdout.readline()).decode().strip()
    async with Host(address) as host:
        process.stdin.write(b'{"status": true}\nnonsense\n{"stop": true}\n')
        said = json.loads(await process.stdout.readline())
        assert said["boards"][0]["address"] == address
        assert json.loads(await process.stdout.readline())["error"]["code"] == "input"
        assert json.loads(await process.stdout.readline()) == {"ok": True}
        assert await host.hear() == (GONE, None)
    process.stdin.close()
    assert await process.wait() == 0


async def test_faults_of_the_configuration_reach_the_boards() -> None:
    fault = StepFault(at="list", do="unplug")
    line = LineFaults(merge_ms=1)
    async with await start_simulator(config(faults=(fault,), line=line)) as boards:
        async with Host(boards.address) as host:
            host.send(bytes.fromhex("55aa03000301e1f1aa55"))
            assert await host.hear() == (GONE, None)
        await boards.wait_for("unplugged")


async def test_boards_of_different_kinds_share_a_process() -> None:
    kinds = (
        BoardConfig(),
        BoardConfig(model="mkr_wifi_1010", sketch="provisioning-1.0", serial_number="MKR"),
        BoardConfig(sketch="provisioning-1.0"),
    )
    async with await start_simulator(config(boards=kinds)) as boards:
        assert [port.pid for port in boards.ports] == [0x1002, 0x8054, 0x1002]
        assert len({port.serial_number for port in boards.ports}) == 3
        assert boards.ports[1].serial_number == "MKR"
        runs = [status.runs for status in await boards.status()]
        assert runs == ["provisioning-2.0", "provisioning-1.0", "provisioning-1.0"]
        await boards.command({"press": "bootloader", "board": "MKR"})
        await boards.wait_for("bootloader", board="MKR")
        assert [status.in_bootloader for status in await boards.status()] == [False, True, False]
