"""A simulated board with the serial console: deliveries, its network, its cloud, losses of power."""

from __future__ import annotations

import asyncio
import datetime
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec
import pytest

from agent.catalog import Catalog
from agent.clouds.thingsboard.certificates import make_certificate
from agent.errors import PortGone
from agent.links.open import open_link
from agent.protocols import board_keys
from agent.protocols.console import talk
from agent.protocols.console.host import HostMachine
from agent.sessions.console import BAUD, ConsoleDelivery, open_console
from agent.settings import Secret
from agent.settings.credentials import (
    AccessToken,
    BoardSettings,
    Certificate,
    CloudSettings,
    Credentials,
    MqttBasic,
)
from agent.settings.network import WiFi
from agent.simulator.config import BoardConfig, LineFaults, SimulatorConfig, StepFault, complete
from agent.simulator.device import SimulatedDevice
from agent.simulator.firmware import Firmware, Interrupted
from agent.simulator.hardware import CloudVisit, Memory
from agent.simulator.thingsboard import SimulatedThingsBoard
from agent.simulator.thingsboard_credentials import (
    BasicLogin,
    basic_credentials,
    certificate_credentials,
    token_credentials,
)
from agent.simulator.timing import VECTOR_TIMING
from agent.simulator.world import World, demo_networks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.settings.credentials import Scheme
    from agent.simulator.thingsboard_credentials import StoredCredentials

HOME = WiFi(ssid="HomeNet", password=Secret("correct horse"))
CLOUD = CloudSettings(
    cloud="thingsboard",
    name="bench 7",
    host="127.0.0.1",
    port=1883,
    scheme="mqtt",
    credentials=AccessToken(token=Secret("Qe41-right")),
)
SETTINGS = BoardSettings(network=HOME, cloud=CLOUD)
OLD = {"tb_host": b"old.test", "wifi_ssid": b"Old"}
NEW = board_keys.flatten(SETTINGS)
HELD = "console"
SPEED = 50.0


class Bench:
    """A host and a board in time that is only counted, in milliseconds."""

    def __init__(self, *, at: str = "", after: int = 0, world: World | None = None) -> None:
        from agent.simulator.firmware import new_memory

        config = complete(BoardConfig(model="esp32", sketch="console"), Catalog.load())
        self.config = config
        self.memory: Memory = new_memory()
        self.memory.storage[HELD] = dict(OLD)
        self.world = world or World(networks=demo_networks())
        self.host = HostMachine("5f3a91c2")
        self.now = 0.0
        self.visits: list[CloudVisit] = []
        self._fault: tuple[str, int] | None = (at, after) if at else None
        self.reached: list[str] = []
        self.power_on()

    @property
    def held(self) -> object:
        return self.memory.storage[HELD]

    def power_on(self) -> None:
        self._began = self.now
        self.board = Firmware(
            self.config, VECTOR_TIMING, self.world, self.memory, on_milestone=self._reach
        )

    def put(self, settings: BoardSettings) -> talk.Result:
        hello = talk.Hello({"id": self.config.chip_id.hex().encode()})
        values = board_keys.flatten(settings)
        return self.run(talk.put(self.host.session, hello, board_keys.groups(settings), values))

    def run(self, conversation: talk.Conversation) -> talk.Result:
        self.host.start(conversation, self.now / 1000)
        while self.host.result is None:
            for line in self.host.take_writes():
                self.board.receive(line)
            self.wait(10)
            self.host.tick(self.now / 1000)
        return self.host.result

    def wait(self, milliseconds: float) -> None:
        self.now += milliseconds
        self.board.run(self.now - self._began)
        for data in self.board.take_output():
            self.host.receive(data, self.now / 1000)
        self.visits += [call for call in self.board.take_calls() if isinstance(call, CloudVisit)]
        if self.board.state_name == "DEAD":
            self.power_on()

    def _reach(self, step: str) -> None:
        self.reached.append(step)
        if self._fault is None or self._fault[0] != step:
            return
        step, after = self._fault
        self._fault = (step, after - 1) if after else None
        if not after:
            raise Interrupted


STEPS = [("connect", 0), ("storage", 0), ("stored", 0), ("joining", 0)]
STEPS += [("settings", number) for number in range(len(NEW) + 1)]


@pytest.mark.parametrize(("at", "after"), STEPS)
def test_power_that_goes_at_any_step_leaves_settings_that_are_whole(at: str, after: int) -> None:
    bench = Bench(at=at, after=after)
    found: list[object] = []
    power_on = bench.power_on

    def note() -> None:
        found.append(bench.held)
        power_on()

    bench.power_on = note  # type: ignore[method-assign]  # the bench's own seam
    bench.run(talk.hello(5))
    ended = bench.put(SETTINGS)
    assert found in ([NEW], [OLD])
    assert (found == [NEW]) is (at in {"stored", "joining"}) or at == "joining"
    assert ended == talk.Done()
    assert bench.held == NEW


def test_a_delivery_passes_its_steps_and_then_the_board_connects() -> None:
    bench = Bench()
    bench.run(talk.hello(5))
    assert bench.put(SETTINGS) == talk.Done()
    bench.wait(10_000)
    steps = dict.fromkeys(bench.reached)
    assert list(steps)[-5:] == ["connect", "settings", "storage", "stored", "joining"]
    assert bench.visits[-1].cloud == CLOUD
    assert bench.run(talk.status()) == talk.Status("connecting")
    bench.board.cloud_answer(CloudVisit.CONNECTED)
    assert bench.run(talk.status()) == talk.Status("connected")
    assert bench.reached[-1] == "connected"
    bench.board.cloud_answer(None, b"The server ended the connection.")
    assert bench.run(talk.status()) == talk.Status(
        "network-failed", b"The server ended the connection."
    )


@pytest.mark.parametrize(
    ("wifi", "changes", "detail"),
    [
        (
            WiFi(ssid="HomeNet", password=Secret("wrong one")),
            {},
            b"The Wi-Fi network was not joined.",
        ),
        (WiFi(ssid="Elsewhere"), {}, b"The Wi-Fi network was not joined."),
        (HOME, {"dhcp": False}, b"The Wi-Fi network was not joined."),
        (HOME, {"internet": False}, b"The network leads nowhere."),
        (HOME, {"wifi_module": False}, b"The Wi-Fi module does not answer."),
    ],
)
def test_a_network_that_fails_is_said(wifi: WiFi, changes: dict[str, bool], detail: bytes) -> None:
    bench = Bench(world=World(networks=demo_networks(), **changes))  # type: ignore[arg-type]  # flags all
    assert bench.put(BoardSettings(network=wifi, cloud=CLOUD)) == talk.Done()
    bench.wait(1_000)
    assert bench.run(talk.status()) == talk.Status("network-failed", detail)
    assert not bench.visits


def test_new_settings_end_the_connection_that_the_old_ones_made() -> None:
    bench = Bench()
    bench.put(SETTINGS)
    bench.wait(10_000)
    moved = msgspec.structs.replace(CLOUD, host="127.0.0.2")
    assert bench.put(BoardSettings(cloud=moved)) == talk.Done()
    bench.wait(10_000)
    assert [visit.cloud for visit in bench.visits] == [CLOUD, None, moved]


def test_what_it_cannot_do_it_refuses() -> None:
    bench = Bench()
    coap = msgspec.structs.replace(CLOUD, scheme="coap")
    refused = talk.Failure(talk.Reason.REFUSED, "set", "tb_proto", ("value",))
    assert bench.put(BoardSettings(cloud=coap)) == refused
    bench.world.storage_writes = False
    assert bench.put(SETTINGS) == talk.Failure(talk.Reason.REFUSED, "commit", words=("store",))
    assert bench.held == OLD


def test_the_reconfigure_pin_erases_what_it_holds() -> None:
    bench = Bench()
    bench.put(SETTINGS)
    bench.wait(10_000)
    bench.board.release_pin(4_000)
    bench.wait(1_000)
    assert bench.held == {}
    assert bench.visits[-1].cloud is None
    assert bench.run(talk.status()) == talk.Status("idle")


def test_a_board_whose_receiver_stopped_is_silent() -> None:
    bench = Bench()
    bench.board.wedge()
    assert bench.run(talk.hello(2)) == talk.Failure(talk.Reason.SILENT, "hello")


# --- on a real port, with a real server ------------------------------------------------------


@asynccontextmanager
async def plugged_in(**config: object) -> AsyncIterator[tuple[SimulatedDevice, ConsoleDelivery]]:
    board = BoardConfig(model="esp32", sketch="console", log=True)
    simulated = SimulatorConfig(board=board, speed=SPEED, **config)  # type: ignore[arg-type]  # fields
    async with SimulatedDevice(simulated, Catalog.load()) as device:
        assert device.address is not None
        delivery = await open_console(await open_link(device.address, BAUD))
        try:
            yield device, delivery
        finally:
            await delivery.close()


def tell_nobody(_done: int, _total: int) -> None:
    """Nobody watches."""


async def put(delivery: ConsoleDelivery, cloud: CloudSettings) -> str:
    """Deliver; how the board's connection ends."""
    await delivery.put(BoardSettings(network=HOME, cloud=cloud), tell_nobody)
    return (await delivery.cloud_state(30)).outcome


@pytest.mark.parametrize("tcp", [False, True], ids=["pty", "tcp"])
async def test_the_session_finds_it_on_a_port_with_a_log_on_it(tcp: bool) -> None:
    async with plugged_in(tcp=tcp) as (device, delivery):
        found = await delivery.identify()
        assert found.hardware_id == device.board.chip_id.hex()
        assert (found.family, found.networks, found.holds) == ("esp32", True, "")
        await delivery.put(SETTINGS, tell_nobody)
        assert (await delivery.identify()).holds == "bench 7"


async def test_a_line_with_noise_and_torn_pieces_is_borne() -> None:
    faults = LineFaults(noise=0.2, split=3)
    async with plugged_in(line=faults, seed=3) as (_, delivery):
        await delivery.put(SETTINGS, tell_nobody)
        assert (await delivery.identify()).holds == "bench 7"


async def test_a_board_that_restarts_in_the_middle_has_the_settings_in_the_end() -> None:
    fault = StepFault(at="settings", do="reboot", after=4)
    async with plugged_in(faults=(fault,)) as (_, delivery):
        await delivery.put(SETTINGS, tell_nobody)
        assert (await delivery.identify()).holds == "bench 7"


def stored(credentials: Credentials) -> StoredCredentials:
    """As the server keeps them."""
    match credentials:
        case AccessToken(token=token):
            return token_credentials(token.reveal())
        case MqttBasic(client_id=client, username=user, password=password):
            return basic_credentials(BasicLogin(client, user, password.reveal()))
        case Certificate(certificate=certificate):
            return certificate_credentials(certificate)


TOKEN = AccessToken(token=Secret("Qe41-right"))
BASIC = MqttBasic(client_id="c9", username="u9", password=Secret("p9 \u00fc"))


@pytest.mark.parametrize(
    ("scheme", "credentials"),
    [
        ("mqtt", TOKEN),
        ("mqtts", TOKEN),
        ("http", TOKEN),
        ("https", TOKEN),
        ("mqtt", BASIC),
        ("mqtts", BASIC),
        ("mqtts", make_certificate("bench 7", datetime.datetime.now(datetime.UTC))),
    ],
)
async def test_it_connects_to_its_cloud_with_what_it_was_given(
    scheme: Scheme, credentials: Credentials
) -> None:
    async with SimulatedThingsBoard(coap=False) as server, plugged_in() as (_, delivery):
        device = server.prepare("bench 7")
        cloud = msgspec.structs.replace(
            CLOUD,
            scheme=scheme,
            port=server.ports[scheme],
            credentials=credentials,
            ca=server.ca if scheme.endswith("s") else "",
        )
        assert await put(delivery, cloud) in {"refused", "network-failed"}
        assert device.last_seen is None
        server.state.replace_credentials(device, stored(credentials))
        assert await put(delivery, cloud) == "connected"
        assert device.last_seen is not None


async def test_a_server_with_a_certificate_of_nobody_known_is_not_talked_to() -> None:
    async with SimulatedThingsBoard(coap=False) as server, plugged_in() as (_, delivery):
        device = server.prepare("bench 7")
        server.state.replace_credentials(device, stored(TOKEN))
        cloud = msgspec.structs.replace(CLOUD, scheme="mqtts", port=server.ports["mqtts"])
        assert await put(delivery, cloud) == "network-failed"
        assert device.last_seen is None


async def test_a_connection_that_the_server_ends_is_made_again() -> None:
    async with SimulatedThingsBoard(coap=False, tls=False) as server, plugged_in() as opened:
        _, delivery = opened
        device = server.prepare("bench 7")
        server.state.replace_credentials(device, stored(TOKEN))
        cloud = msgspec.structs.replace(CLOUD, port=server.ports["mqtt"])
        assert await put(delivery, cloud) == "connected"
        other = token_credentials("another")
        server.state.replace_credentials(device, other)  # the server ends the session
        while (state := await delivery.cloud_state(30)).outcome == "connected":
            await asyncio.sleep(0.01)
        assert state.outcome in {"refused", "network-failed"}
        server.state.replace_credentials(device, stored(TOKEN))
        while (await delivery.cloud_state(30)).outcome != "connected":
            await asyncio.sleep(0.01)


async def test_a_board_without_power_is_not_connected() -> None:
    async with SimulatedThingsBoard(coap=False, tls=False) as server, plugged_in() as opened:
        board, delivery = opened
        device = server.prepare("bench 7")
        server.state.replace_credentials(device, stored(TOKEN))
        cloud = msgspec.structs.replace(CLOUD, port=server.ports["mqtt"])
        assert await put(delivery, cloud) == "connected"
        board.unplug()
        with pytest.raises(PortGone):
            await delivery.cloud_state(5)
        await board.plug()
        assert board.address is not None
        again = await open_console(await open_link(board.address, BAUD))
        try:
            assert (await again.cloud_state(30)).outcome == "connected"
        finally:
            await again.close()
