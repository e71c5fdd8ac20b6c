"""The client's machine with simulated devices of each brand, and with none."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.protocols.improv import host
from agent.protocols.improv.host import Done, Failed, HostMachine, Reason
from agent.protocols.improv.messages import (
    Capability,
    Command,
    CurrentState,
    Error,
    ErrorState,
    Message,
    Rpc,
    RpcResult,
    State,
    Unknown,
    networks,
)
from agent.protocols.improv.packets import TYPE_RESULT, TYPE_STATE
from agent.simulator.improv import HABITS, Brand, ImprovConfig
from agent.simulator.world import World, demo_networks
from tests.protocols.improv.desk import BleDesk, Desk, Loses, Shakes

RIGHT = host.join(b"HomeNet", b"correct horse")
WRONG = host.join(b"HomeNet", b"battery staple")
ADDRESS = b"http://192.168.4.20"
BRANDS = tuple(HABITS)


def ready(brand: Brand = "standard", **changes: object) -> Desk:
    desk = Desk(ImprovConfig(brand=brand, **changes))  # type: ignore[arg-type]  # fields by name
    assert desk.run(host.current_state(seconds=10)) == Done()
    desk.written.clear()
    return desk


def is_result(data: bytes) -> bool:
    return data[7:8] == bytes((TYPE_RESULT,)) and data.startswith(b"IMPROV")


def is_state(data: bytes) -> bool:
    return data[7:8] == bytes((TYPE_STATE,)) and data.startswith(b"IMPROV")


@pytest.mark.parametrize("brand", BRANDS)
def test_a_device_that_starts_is_asked_until_it_answers(brand: Brand) -> None:
    desk = Desk(ImprovConfig(brand=brand, boot_ms=3500))
    assert desk.run(host.current_state(seconds=10)) == Done()
    assert desk.host.state == State.AUTHORISED
    assert len(desk.written) == 5


@pytest.mark.parametrize("brand", BRANDS)
def test_a_device_is_identified(brand: Brand) -> None:
    outcome = ready(brand).run(host.info())
    assert outcome == Done(((b"Simulated", b"1.0.0", b"ESP32-C3", b"Improv demo"),))


@pytest.mark.parametrize("brand", BRANDS)
def test_the_networks_around_are_listed(brand: Brand) -> None:
    outcome = ready(brand).run(host.scan("serial"))
    assert isinstance(outcome, Done)
    found = [network for strings in outcome.results for network in networks(strings)]
    assert [network.ssid for network in found] == [
        b"HomeNet",
        "Café Größe 🧀".encode(),
        b"Office",
        b"NoInternet",
    ]
    assert {network.rssi_dbm for network in found} == {-45, -58, -67, -70}
    assert all(network.secured for network in found)


@pytest.mark.parametrize("brand", BRANDS)
def test_a_device_joins_and_tells_its_address(brand: Brand) -> None:
    desk = ready(brand)
    outcome = desk.run(RIGHT)
    assert isinstance(outcome, Done)
    assert outcome.first == ADDRESS
    assert desk.host.state == State.PROVISIONED
    assert not desk.host.unsettled


@pytest.mark.parametrize("brand", BRANDS)
def test_a_wrong_password_is_reported_and_the_right_one_helps(brand: Brand) -> None:
    desk = ready(brand)
    assert desk.run(WRONG) == Failed(Reason.REFUSED, Error.UNABLE_TO_CONNECT)
    assert not desk.host.unsettled
    desk.run(host.current_state())
    assert desk.run(RIGHT) == Done(((ADDRESS,),))


@pytest.mark.parametrize("brand", BRANDS)
def test_a_device_that_is_online_joins_another_network(brand: Brand) -> None:
    desk = Desk(ImprovConfig(brand=brand, joined=True))
    assert desk.run(host.current_state(seconds=10)) == Done(((ADDRESS,),))
    assert desk.run(WRONG) == Failed(Reason.REFUSED, Error.UNABLE_TO_CONNECT)
    assert desk.run(RIGHT) == Done(((ADDRESS,),))


@pytest.mark.parametrize("brand", BRANDS)
def test_a_device_without_a_page_joins_too(brand: Brand) -> None:
    desk = ready(brand, url="")
    outcome = desk.run(RIGHT)
    assert isinstance(outcome, Done)
    assert outcome.first is None


def test_the_address_of_a_device_whose_result_was_lost_is_asked_for() -> None:
    desk = ready()
    desk.to_host = Loses(is_result)
    assert desk.run(RIGHT) == Done(((ADDRESS,),))


def test_a_device_that_sends_no_result_has_joined_all_the_same() -> None:
    desk = ready(results=False, url="")
    assert desk.run(RIGHT) == Done()


def test_a_device_whose_last_state_and_result_were_lost_is_asked() -> None:
    desk = ready()
    joined = Loses(lambda data: is_result(data) or (is_state(data) and data[9] == 4), times=2)
    desk.to_host = joined
    assert desk.run(RIGHT) == Done(((ADDRESS,),))


@pytest.mark.parametrize("joined", [True, False])
def test_settings_that_got_lost_are_not_taken_for_arrived(joined: bool) -> None:
    desk = ready("esphome")
    if joined:
        desk.run(RIGHT)
        desk.written.clear()
    desk.to_device = Loses(lambda _: True)
    outcome = desk.run(RIGHT)
    assert isinstance(outcome, Failed)
    assert outcome.reason is Reason.SILENT
    assert outcome.seconds < host.JOIN_HEARD_S + host.RESULT_GRACE_S
    assert len(desk.written) == 2


def test_a_device_that_joins_without_a_word_is_waited_for() -> None:
    desk = ready("library", join_ms=12_000)
    desk.to_host = Loses(is_state)
    assert desk.run(RIGHT) == Done(((ADDRESS,),))


def test_a_command_that_arrived_damaged_is_sent_again() -> None:
    desk = ready()
    damaged = [True]

    def flip(data: bytes) -> bytes:
        if damaged.pop() if damaged else False:
            return data[:12] + bytes((data[12] ^ 1,)) + data[13:]
        return data

    desk.to_device = flip
    assert desk.run(RIGHT) == Done(((ADDRESS,),))
    assert desk.device.credentials == (b"HomeNet", b"correct horse")


def test_a_command_that_arrives_damaged_each_time_fails() -> None:
    desk = ready()
    desk.to_device = lambda data: data[:9] + bytes((data[9] ^ 1,)) + data[10:]
    assert desk.run(host.info()) == Failed(Reason.REFUSED, Error.INVALID_RPC)
    assert len(desk.written) == host.TRIES


def test_the_error_of_an_attempt_that_lost_its_error_shows_in_the_state() -> None:
    desk = ready()
    desk.to_host = Loses(lambda data: data[7:10] == bytes((2, 1, Error.UNABLE_TO_CONNECT)))
    assert desk.run(WRONG) == Failed(Reason.REFUSED, Error.UNABLE_TO_CONNECT)


def test_silence_is_silence() -> None:
    desk = ready()
    desk.to_device = lambda _: b""
    for ask in (host.info(), host.scan("serial"), RIGHT, host.current_state()):
        outcome = desk.run(ask)
        assert isinstance(outcome, Failed)
        assert outcome.reason is Reason.SILENT
        assert outcome.seconds == pytest.approx(ask.tries * ask.limit_s, abs=0.01)


def test_a_list_whose_end_was_lost_is_what_came_of_it() -> None:
    desk = ready()
    desk.to_host = Loses(lambda data: is_result(data) and data[8] == 2)
    outcome = desk.run(host.scan("serial"))
    assert isinstance(outcome, Done)
    assert len(outcome.results) == 4


def test_firmware_that_keeps_silent_about_networks_is_not_asked_twice() -> None:
    desk = ready("wled", scans="silent")
    outcome = desk.run(host.scan("serial"))
    assert isinstance(outcome, Failed)
    assert outcome.reason is Reason.SILENT
    assert len(desk.written) == 1


def test_an_endless_list_ends() -> None:
    machine = HostMachine("serial")
    machine.start(host.scan("serial"), 0.0)
    now = 0.0
    while machine.outcome is None:
        now += host.SCAN_NEXT_S / 2
        machine.hear(RpcResult(Command.WIFI_NETWORKS, (b"x", b"-1", b"NO")), now)
        machine.tick(now)
    assert isinstance(machine.outcome, Done)
    assert len(machine.outcome.results) == host.RESULTS_LIMIT


def test_a_command_that_firmware_does_not_know_fails_at_once() -> None:
    desk = ready("esphome")
    outcome = desk.run(host.text(Command.HOSTNAME))
    assert outcome == Failed(Reason.REFUSED, Error.UNKNOWN_RPC)


def test_names_are_read_and_set() -> None:
    desk = ready()
    name = desk.run(host.text(Command.DEVICE_NAME, "Größe".encode()))
    assert isinstance(name, Done)
    assert name.first == "Größe".encode()
    assert desk.run(host.text(Command.HOSTNAME)) == Done(((b"improv-demo",),))
    assert desk.run(host.text(Command.HOSTNAME, b"lamp")) == Done(((b"lamp",),))
    refused = desk.run(host.text(Command.HOSTNAME, b"no dots."))
    assert refused == Failed(Reason.REFUSED, Error.BAD_HOSTNAME)


def test_the_end_of_an_attempt_that_was_given_up_ends_no_other_command() -> None:
    desk = ready()
    assert desk.run(WRONG, until_ms=20_000) is None
    desk.host.abandon()
    assert desk.host.unsettled
    desk.device.run(30_990)
    outcome = desk.run(host.scan("serial"))
    assert isinstance(outcome, Done)
    assert desk.device.error is Error.UNABLE_TO_CONNECT or outcome.results
    assert desk.host.unsettled


@pytest.mark.parametrize("back", [True, False])
def test_an_attempt_that_takes_too_long_may_still_end_afterwards(back: bool) -> None:
    machine = HostMachine("ble")
    machine.start(WRONG, 0.0)
    machine.hear(CurrentState(State.PROVISIONING), 1.0)
    if back:
        machine.hear(CurrentState(State.AUTHORISED), 2.0)
    machine.tick(machine.next_deadline)
    assert machine.outcome == Failed(Reason.REFUSED, Error.UNABLE_TO_CONNECT)
    assert machine.unsettled is not back
    machine.start(RIGHT, 100.0)
    assert not machine.unsettled


def test_a_log_goes_on_as_text() -> None:
    desk = ready()
    desk.run(RIGHT)
    assert desk.text.count(b"\r\n") == 3


def test_a_device_handles_one_command_at_a_time() -> None:
    machine = HostMachine("serial")
    machine.start(host.info(), 0.0)
    with pytest.raises(RuntimeError):
        machine.start(host.info(), 0.0)
    machine.abandon()
    assert machine.take_writes() == []
    machine.start(host.info(), 0.0)


@pytest.mark.parametrize("lost", [True, False])
def test_a_link_that_ends_behind_the_state_is_success_and_before_it_is_none(lost: bool) -> None:
    machine = HostMachine("ble")
    machine.start(RIGHT, 0.0)
    machine.hear(CurrentState(State.PROVISIONING), 0.1)
    if not lost:
        machine.hear(CurrentState(State.PROVISIONED), 2.0)
    assert machine.lost() is not lost
    assert (machine.outcome == Done()) is not lost


# --- Bluetooth LE ------------------------------------------------------------------------------


@pytest.mark.parametrize("mtu", [23, 185, 247])
def test_a_whole_conversation_over_ble(mtu: int) -> None:
    desk = BleDesk(mtu=mtu)
    assert desk.device.capabilities == Capability(15)
    assert desk.run(host.identify()) == Done()
    assert desk.device.identifies_until > desk.device.now
    info = desk.run(host.info())
    assert isinstance(info, Done)
    assert info.first == b"Simulated"
    found = desk.run(host.scan("ble"))
    assert isinstance(found, Done)
    assert networks(found.results[0])[0].ssid == b"HomeNet"
    assert desk.run(WRONG) == Failed(Reason.REFUSED, Error.UNABLE_TO_CONNECT)
    assert desk.run(WRONG) == Failed(Reason.REFUSED, Error.UNABLE_TO_CONNECT)
    assert desk.run(RIGHT) == Done(((ADDRESS,),))
    desk.service.run(desk.device.now + 1001)
    assert desk.service.ended


def test_over_ble_nobody_is_asked_for_the_state_as_that_means_blinking() -> None:
    desk = BleDesk(ImprovConfig(results=False))
    assert desk.run(RIGHT) == Done()
    assert desk.device.identifies_until < 0


def test_a_device_that_wants_its_button_pressed_refuses_until_then() -> None:
    desk = BleDesk(ImprovConfig(needs_button=True))
    assert desk.host.state == State.AUTHORISATION_REQUIRED
    assert desk.run(RIGHT) == Failed(Reason.REFUSED, Error.NOT_AUTHORISED)
    desk.device.press_button()
    assert desk.run(RIGHT) == Done(((ADDRESS,),))


# --- any order ---------------------------------------------------------------------------------

ASKS = st.sampled_from(
    [RIGHT, WRONG, host.info(), host.scan("serial"), host.current_state(), host.identify()]
)
MESSAGES: st.SearchStrategy[Message] = st.one_of(
    st.integers(0, 5).map(CurrentState),
    st.sampled_from([*Error, 77]).map(lambda error: ErrorState(int(error))),
    st.builds(RpcResult, st.integers(0, 7), st.lists(st.binary(max_size=5), max_size=4).map(tuple)),
    st.just(Rpc(1)),
    st.just(Unknown(9, b"")),
)


@given(ASKS, st.lists(st.tuples(MESSAGES, st.floats(0, 20)), max_size=30))
def test_whatever_comes_a_command_ends_in_time(
    ask: host.Ask, events: list[tuple[Message, float]]
) -> None:
    machine = HostMachine("serial")
    machine.start(ask, 0.0)
    now = 0.0
    for message, wait_s in events:
        target = now + wait_s
        while machine.outcome is None and machine.next_deadline <= target:
            now = max(now, machine.next_deadline)
            machine.tick(now)
        now = target
        machine.hear(message, now)
    while machine.outcome is None:
        assert machine.next_deadline < now + 2 * host.JOIN_LIMIT_S
        now = max(now, machine.next_deadline)
        machine.tick(now)
    machine.take_writes()
    machine.tick(now + 1000)
    assert machine.take_writes() == []


def walk(desk: Desk, steps: list[str]) -> None:
    asks = {"info": host.info(), "scan": host.scan("serial"), "right": RIGHT, "wrong": WRONG}
    for step in steps:
        if step == "restart":
            desk.device.restart()
        else:
            assert desk.run(asks.get(step, host.current_state())) is not None


STEPS = st.lists(
    st.sampled_from(["right", "wrong", "info", "scan", "state", "restart"]), max_size=6
)


@settings(max_examples=100)
@given(st.sampled_from(BRANDS), st.integers(0, 2**32), STEPS)
def test_on_a_shaken_line_each_command_ends(brand: Brand, seed: int, steps: list[str]) -> None:
    desk = Desk(ImprovConfig(brand=brand), World(networks=demo_networks()))
    desk.to_device, desk.to_host = Shakes(seed, 0.2), Shakes(seed + 1, 0.2)
    walk(desk, steps)


@settings(max_examples=200)
@given(st.sampled_from(BRANDS), st.integers(0, 2**32), STEPS)
def test_a_line_that_loses_makes_no_answer_wrong(brand: Brand, seed: int, steps: list[str]) -> None:
    desk = Desk(ImprovConfig(brand=brand), World(networks=demo_networks()))
    desk.to_device = Shakes(seed, 0.2, only_loses=True)
    desk.to_host = Shakes(seed + 1, 0.2, only_loses=True)
    walk(desk, steps)
    desk.run(host.current_state(seconds=10))
    assert not isinstance(desk.run(WRONG), Done)
    if isinstance(desk.run(RIGHT), Done):
        assert desk.device.credentials == (b"HomeNet", b"correct horse")
        assert desk.device.state is State.PROVISIONED
