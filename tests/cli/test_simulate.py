"""``mooring simulate``: options become a simulator, and the simulator runs."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import pytest
from click.testing import CliRunner

from agent.cli import simulate as command
from agent.cli import simulate_options as options
from agent.errors import InputError
from agent.links.open import open_link
from agent.sessions.v1 import BAUD, open_v1_session
from agent.simulator.config import (
    LOADER_MILESTONES,
    MILESTONES,
    RADIO_STATES,
    SKETCHES,
    V1_MILESTONES,
    BoardConfig,
    BootloaderConfig,
    StepFault,
)
from agent.simulator.improv import Brand
from agent.simulator.world import SecureElement, Uplink
from tests.simulator.boards import CONNECT, GONE, Host

if TYPE_CHECKING:
    from pathlib import Path

    from agent.simulator.config import SimulatorConfig

PASSWORD = "marker-password-4711"


def config_of(*options: str, model: str = "uno_r4_wifi") -> SimulatorConfig:
    context = command.simulate.make_context("simulate", [model, *options])
    given = {k: v for k, v in context.params.items() if k not in {"as_json", "until_stdin_closes"}}
    return command.make_config(given.pop("model"), given)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOORING_HOME", str(tmp_path / "home"))


def test_the_lists_of_the_command_are_those_of_the_simulator() -> None:
    assert options.STEPS == MILESTONES + V1_MILESTONES + LOADER_MILESTONES
    assert options.SKETCHES == SKETCHES
    fields = get_type_hints(BootloaderConfig)
    assert get_args(get_type_hints(BoardConfig)["drive"]) == options.DRIVES
    assert options.RADIO == RADIO_STATES
    assert get_args(Brand) == options.BRANDS
    assert get_args(fields["comes"]) == options.COMES
    assert get_args(fields["serial_number"]) == options.SERIALS
    assert {Uplink(name) for name in options.UPLINKS} == set(Uplink)
    assert {SecureElement(name) for name in options.ELEMENT} == set(SecureElement)


def test_without_options_the_board_sees_the_networks_of_the_demo() -> None:
    config = config_of()
    networks = {n.ssid: n for n in config.world.networks}
    assert networks["HomeNet"].admits(b"HomeNet", b"correct horse")
    assert not networks["NoInternet"].internet
    assert any(n.hidden for n in networks.values())
    assert "Café Größe 🧀" in networks
    assert (config.speed, config.count, config.folder) == (1.0, 1, None)


def test_every_option_reaches_the_simulator() -> None:
    config = config_of(
        *("--no-internet", "--no-dhcp", "--ethernet", "ok", "--modem", "refused"),
        *("--secure-element", "no_key", "--no-storage", "--cloud", "http://127.0.0.1:1"),
        *("--application", "--sketch-version", "0.5.0", "--library-version", "0.4"),
        *("--wifi-firmware", "0.1.0", "--log", "--serial-number", "ABC", "--no-wifi"),
        *("--noise", "0.5", "--corrupt", "0.25", "--split", "3", "--merge", "7", "--tcp", "--dtr"),
        *("--unplug-at", "id", "--unplug-at", "list", "--reboot-at", "joining"),
        *("--silent-at", "reset", "--wedge-at", "version", "--back-after", "2"),
        *("--speed", "20", "--count", "3", "--announce", "there", "--seed", "5"),
        model="opta",
    )
    world, board, line = config.world, config.board, config.line
    assert (world.internet, world.dhcp, world.storage) == (False, False, False)
    assert (world.ethernet, world.modem) == (Uplink.OK, Uplink.REFUSED)
    assert world.secure_element is SecureElement.NO_KEY
    assert (board.model, board.sketch, board.sketch_version) == ("opta", "application", "0.5.0")
    assert (board.library_version, board.wifi_firmware, board.log) == ("0.4", "0.1.0", True)
    assert (board.serial_number, board.wifi, board.answers) == ("ABC", False, True)
    assert (line.noise, line.corrupt, line.split, line.merge_ms) == (0.5, 0.25, 3, 7)
    assert set(config.faults) == {
        StepFault(at="id", do="unplug", back_after=2),
        StepFault(at="list", do="unplug", back_after=2),
        StepFault(at="joining", do="reboot", back_after=2),
        StepFault(at="reset", do="silence", back_after=2),
        StepFault(at="version", do="wedge", back_after=2),
    }
    assert (config.speed, config.count, config.folder, config.seed) == (20, 3, "there", 5)
    assert (config.tcp, config.dtr, config.cloud) == (True, True, "http://127.0.0.1:1")


def test_every_option_about_the_bootloader_reaches_the_simulator() -> None:
    config = config_of(
        *("--bootloader", "glitch", "--bootloader-serial", "none", "--bootloader-silent"),
        *("--bootloader-delay", "7", "--flip", "--back-as", "OTHER", "--unplug-at", "erase"),
    )
    assert config.board.bootloader == BootloaderConfig(
        comes="glitch", serial_number="none", silent=True, delay_ms=7, back_as="OTHER"
    )
    assert set(config.faults) == {
        StepFault(at="write", do="flip"),
        StepFault(at="erase", do="unplug"),
    }


@pytest.mark.parametrize(
    ("model", "sketch"),
    [
        ("opta", "provisioning"),
        ("mkr_1000_wifi", "provisioning-1.0"),
        ("mkr_wan_1300", "lora-1.0"),
        ("esp32", "other"),
        ("pico_w", "other"),
    ],
)
def test_without_a_word_a_board_carries_the_newest_sketch_that_there_is(
    model: str, sketch: str
) -> None:
    assert config_of(model=model).board.sketch == sketch


def test_the_folder_for_announcements_comes_from_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "config.toml").write_text('[ports]\nsimulated = "where"\n')
    assert config_of().folder == "where"
    assert config_of("--announce", "there").folder == "there"


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([{"ssid": "A", "rssi": -1, "password": PASSWORD}]),
        json.dumps({"networks": [{"ssid": "A", "rssi": -1, "password": PASSWORD}]}),
        f'[[networks]]\nssid = "A"\nrssi = -1\npassword = "{PASSWORD}"\n',
    ],
)
def test_networks_come_from_a_file_of_any_form(tmp_path: Path, text: str) -> None:
    file = tmp_path / "networks"
    file.write_text(text)
    (network,) = config_of("--networks", str(file)).world.networks
    assert (network.ssid, network.rssi) == ("A", -1)
    assert network.admits(b"A", PASSWORD.encode())
    assert PASSWORD not in repr(network)


@pytest.mark.parametrize(
    ("options", "content", "status"),
    [
        (["toaster"], None, 2),
        (["portenta_x8"], None, 2),
        (["uno_r4_wifi", "--networks", "FILE"], f'networks = [{{password = "{PASSWORD}', 2),
        (["uno_r4_wifi", "--networks", "FILE"], json.dumps([{"ssid": 3, "password": PASSWORD}]), 2),
        (["uno_r4_wifi", "--networks", "FILE"], json.dumps([{"pasword": PASSWORD}]), 2),
        (["uno_r4_wifi", "--networks", "FILE"], "x" * (command.FILE_BYTES + 1), 2),
        (["uno_r4_wifi", "--networks", "/nowhere"], None, 2),
        (["uno_r4_wifi", "--unplug-at", "lunch"], None, 2),
        (["uno_r4_wifi", "--speed", "0"], None, 2),
        (["uno_r4_wifi", "--speed", "nan"], None, 2),
    ],
)
def test_wrong_input_is_refused_without_showing_a_password(
    tmp_path: Path, options: list[str], content: str | None, status: int
) -> None:
    file = tmp_path / "networks"
    file.write_text(content or "")
    words = [str(file) if word == "FILE" else word for word in options]
    result = CliRunner().invoke(command.simulate, [*words, "--json"])
    assert result.exit_code == status
    assert PASSWORD not in result.output


async def run(*options: str, **keywords: Any) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "agent",
        "simulate",
        *options,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        **keywords,
    )


async def lines_of(process: asyncio.subprocess.Process) -> Any:
    assert process.stdout is not None
    return json.loads(await process.stdout.readline())


async def test_the_command_prints_the_port_and_ends_with_its_input(tmp_path: Path) -> None:
    process = await run(
        *("uno_r4_wifi", "--json", "--speed", "50", "--until-stdin-closes", "--count", "2"),
        *("--announce", str(tmp_path / "ports")),
    )
    assert process.stdin is not None
    ports = [await lines_of(process), await lines_of(process)]
    assert {p["process"] for p in ports} == {process.pid}
    # No board of another such process is in the same socket.
    assert {p["location"] for p in ports} == {f"9-{process.pid}.1", f"9-{process.pid}.2"}
    assert len(list((tmp_path / "ports").glob("*.json"))) == 2
    async with Host(ports[0]["address"]) as host:
        assert (await host.connect())[-1][1][:2] == ["HomeNet", -45]
        process.stdin.close()
        assert await host.hear() == (GONE, None)
    assert await process.wait() == 0
    assert list((tmp_path / "ports").iterdir()) == []


async def test_networks_may_come_from_standard_input_so_that_no_file_holds_a_password() -> None:
    process = await run("uno_r4_wifi", "--networks", "-", "--speed", "50")
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps([{"ssid": "Piped", "password": PASSWORD}]).encode())
    process.stdin.close()
    address = (await process.stdout.readline()).decode().strip()
    async with Host(address) as host:
        assert await host.connect() == [("0x12001", ["Piped", -60])]
    process.terminate()
    assert await process.wait() == (0 if os.name == "posix" else 1)


async def test_a_reader_that_leaves_ends_the_command() -> None:
    process = await run("uno_r4_wifi", "--json", "--speed", "50")
    port = await lines_of(process)
    assert process.stdout is not None
    process.stdout._transport.close()  # type: ignore[attr-defined]  # asyncio has no other way
    async with Host(port["address"]) as host:
        host.send(CONNECT)
        while (await host.hear())[0] != GONE:
            pass
    assert await process.wait() == 0


async def test_a_board_with_the_sketch_of_1_0_is_simulated_as_well() -> None:
    process = await run(
        *("mkr_wifi_1010", "--sketch", "provisioning-1.0", "--speed", "50"),
        *("--json", "--until-stdin-closes"),
    )
    assert process.stdin is not None
    port = await lines_of(process)
    session = await open_v1_session(await open_link(port["address"], BAUD), flashed=True)
    assert "BEGIN CERTIFICATE REQUEST" in await session.csr("01234567-89ab-cdef-0123-456789abcdef")
    await session.close()
    process.stdin.close()
    assert await process.wait() == 0
    assert port["product"] == "Arduino MKR WiFi 1010"


def test_a_sketch_is_refused_for_a_board_that_cannot_carry_it() -> None:
    with pytest.raises(InputError, match="mkr_wan_1310"):
        config_of("--sketch", "lora-1.0")
    assert config_of("--sketch", "lora-1.0", model="mkr_wan_1310").board.sketch == "lora-1.0"
    assert config_of("--sketch", "console", model="esp32").board.sketch == "console"
    with pytest.raises(InputError, match=r"settings area \(NVS\); there are esp32"):
        config_of("--sketch", "nvs", model="esp8266")
    with pytest.raises(InputError, match="with MicroPython"):
        config_of("--sketch", "micropython", model="opta")


def test_a_sketch_with_a_settings_area_has_the_names_of_the_configuration(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    home.joinpath("config.toml").write_text("[nvs]\nnamespace = 'app'\nkeys.tb_token = 'token'\n")
    names = config_of("--sketch", "nvs", model="esp32").board.nvs
    assert (names.namespace, names.key("tb_token")) == ("app", "token")


def test_firmware_may_be_named_in_place_of_a_model() -> None:
    board = config_of(model="micropython").board
    assert (board.model, board.sketch) == ("pico_w", "micropython")
    board = config_of("--drive", "in-use", model="circuitpython").board
    assert (board.model, board.sketch, board.drive) == ("pico_w", "circuitpython", "in-use")
    assert config_of("--sketch", "micropython", model="esp32").board.model == "esp32"


def test_boards_in_the_air_are_described_by_options() -> None:
    config = config_of(
        *("--ble", "--rssi", "-70", "--new-address", "--radio", "absent", "--seed", "4"),
        *("--drop-at", "settings", "--att-error-at", "list", "--count", "30"),
    )
    assert (config.board.ble, config.board.usb, config.count) == (True, False, 30)
    assert (config.rssi_dbm, config.new_address, config.radio) == (-70, True, "absent")
    assert set(config.faults) == {
        StepFault(at="settings", do="drop"),
        StepFault(at="list", do="refuse"),
    }
    both = config_of("--ble", "--usb").board
    assert (both.ble, both.usb) == (True, True)
    assert not config_of().uses_air


def test_improv_devices_are_described_by_options() -> None:
    config = config_of("--count", "2", "--brand", "wled", "--name", "lamp", model="improv")
    assert (config.board_count, config.uses_air) == (0, False)
    first, second = config.improv
    assert (first.link, first.device.brand, first.device.name) == ("serial", "wled", "lamp")
    assert second == first
    config = config_of("--ble", "--needs-button", "--serial-number", "X", model="improv")
    assert config.uses_air
    assert config.improv[0].device.needs_button
    assert (config.improv[0].link, config.improv[0].serial_number) == ("ble", "X")


@pytest.mark.parametrize(
    ("model", "words", "told"),
    [
        ("uno_r4_wifi", ["--drop-at", "list"], "--drop-at"),
        ("uno_r4_wifi", ["--usb"], "--usb"),
        ("uno_r4_wifi", ["--brand", "wled"], "--brand"),
        ("improv", ["--sketch", "other"], "--sketch"),
        ("improv", ["--drive", "none"], "--drive"),
        ("micropython", ["--drive", "none"], "--drive"),
        ("improv", ["--ble", "--usb"], "--usb"),
        ("mkr_wan_1310", ["--ble"], "uno_r4_wifi"),
        ("opta", ["--ble", "--no-wifi"], "Bluetooth"),
    ],
)
def test_options_that_mean_nothing_together_are_refused(
    model: str, words: list[str], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        config_of(*words, model=model)


@pytest.mark.system("linux")
def test_without_a_bus_a_board_in_the_air_is_refused_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    # Where there can be no bus, the library for it need not be there either.
    monkeypatch.setitem(sys.modules, "agent.simulator.ble_room", None)
    result = CliRunner().invoke(command.simulate, ["uno_r4_wifi", "--ble"])
    assert result.exit_code == 1
    assert "dbus-daemon is not installed" in result.output
    assert "apt install dbus" in result.output


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (["thingsboard", "--ble"], "--ble"),
        (["thingsboard", "--count", "2"], "--count"),
        (["thingsboard", "--port", "mqtt"], "--port"),
        (["thingsboard", "--port", "ftp=21"], "--port"),
        (["thingsboard", "--port", "mqtt=70000"], "--port"),
        (["opta", "--port", "mqtt=1883"], "--port"),
        (["opta", "--account", "file"], "--account"),
    ],
)
def test_options_of_boards_and_of_servers_are_told_apart(words: list[str], field: str) -> None:
    done = CliRunner().invoke(command.simulate, words)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"{field}: ")
