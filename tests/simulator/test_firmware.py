"""The simulated board beyond the recorded conversations: limits, faults, restarts."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.v2.frames import PacketType, encode_frame
from agent.protocols.v2.messages import CommandCode
from agent.simulator.board_cbor import NetworkKind
from agent.simulator.firmware import Firmware
from agent.simulator.timing import Timing
from agent.simulator.world import Network, SecureElement, Uplink, World, big_list, demo_networks
from tests.simulator.boards import (
    CONNECT,
    DISCONNECT,
    NACK,
    NETWORKS,
    Bench,
    command,
    status,
    tagged,
    timestamp,
    wifi,
)

VERSION = command(CommandCode.GET_SKETCH_VERSION)
JOIN = command(CommandCode.CONNECT)


def test_kept_packets_are_forgotten_after_their_validity() -> None:
    bench = Bench()
    bench.connect()
    bench.board.skip(29_000)
    assert bench.send(NACK) == [NETWORKS]
    bench.board.skip(2_000)
    assert bench.send(NACK) == []


def test_a_host_that_drops_dtr_ends_its_link_without_a_word() -> None:
    bench = Bench()
    bench.connect()
    bench.board.set_port_open(False)
    assert bench.wait(100) == []
    bench.board.set_port_open(True)
    assert bench.send(VERSION) == []
    assert bench.connect() == [NETWORKS]


def test_a_board_that_always_counts_as_open_ignores_a_second_connect() -> None:
    bench = Bench()
    bench.connect()
    assert bench.connect() == []
    assert bench.send(DISCONNECT) == []
    assert bench.connect() == [NETWORKS]


def test_a_good_frame_before_junk_is_answered_only_with_the_next_one() -> None:
    bench = Bench()
    bench.connect()
    ble = command(CommandCode.GET_BLE_ADDRESS)
    assert bench.send(VERSION, b"junk!", VERSION) == [("control", "NACK")]
    answers = bench.send(ble)
    assert [tag for tag, _ in answers] == ["0x12015", "0x12013"]


def test_half_a_frame_behind_disconnect_wedges_the_receiver() -> None:
    bench = Bench()
    bench.connect()
    bench.send(DISCONNECT, VERSION[:8])
    assert bench.send(VERSION[8:]) == []
    assert bench.connect() == []
    bench.board.reset()
    bench.wait(2_000)
    assert bench.connect() == [NETWORKS]


def test_a_second_command_before_the_answer_is_refused_and_the_first_one_still_answered() -> None:
    bench = Bench()
    bench.connect()
    scan = command(CommandCode.SCAN)
    answers = bench.send(scan, VERSION)
    assert answers == [status(-6), status(100), NETWORKS]


def test_settings_are_stored_even_if_the_attempt_fails() -> None:
    bench = Bench()
    bench.connect()
    assert bench.join(password="wrong") == [status(1)]
    assert bench.wait(11_000) == [status(-1)]
    bench.board.reset()
    bench.wait(2_000)
    assert bench.board.state_name.endswith(("RUN/CONFIGURED", "CSR/CONFIGURED"))


@pytest.mark.parametrize(
    ("uplink", "kind", "failure", "limit_ms"),
    [
        (Uplink.ABSENT, NetworkKind.ETHERNET, -1, 15_000),
        (Uplink.NO_INTERNET, NetworkKind.ETHERNET, -8, 15_000),
        (Uplink.BROKEN, NetworkKind.ETHERNET, -101, 15_000),
        (Uplink.NO_INTERNET, NetworkKind.CELL, -8, 30_000),
        (Uplink.BROKEN, NetworkKind.GSM, -101, 30_000),
    ],
)
def test_an_attempt_is_reported_as_failed_only_when_its_limit_is_over(
    uplink: Uplink, kind: NetworkKind, failure: int, limit_ms: int
) -> None:
    world = World(ethernet=uplink, modem=uplink)
    bench = Bench(world, networks=frozenset({kind}), zero_touch=False)
    bench.connect()
    if kind is NetworkKind.ETHERNET:
        settings = tagged(0x012009, b"", b"", b"", b"", -1, -1)
    else:
        tag = {NetworkKind.CELL: 0x012012, NetworkKind.GSM: 0x012006}[kind]
        settings = tagged(tag, "", "iot", "", "")
    bench.send(encode_frame(PacketType.DATA, settings))
    assert bench.send(JOIN, wait=limit_ms - 500) == [status(1)]
    assert bench.wait(1_500) == [status(failure)]


@pytest.mark.parametrize(("uplink", "failure"), [(Uplink.REFUSED, -3), (Uplink.STOPPED, -102)])
def test_a_modem_that_is_turned_away_or_stopped_fails_with_its_own_status(
    uplink: Uplink, failure: int
) -> None:
    bench = Bench(World(modem=uplink), networks=frozenset({NetworkKind.CATM1}))
    bench.connect()
    bench.send(encode_frame(PacketType.DATA, tagged(0x012008, "", [], "iot", "", "")))
    assert bench.send(JOIN, wait=32_000) == [status(1), status(failure)]


def test_a_refused_certificate_is_asked_for_again_with_longer_pauses() -> None:
    bench = Bench()
    bench.world.certificates = False
    bench.connect()
    assert bench.join() == [status(1), status(2)]
    bench.wait(12_000 + 24_000 + 36_000)
    assert bench.board.state_name.startswith("CSR")
    bench.world.certificates = True
    assert bench.wait(50_000) == [("control", "DISCONNECT")]


def test_reset_during_the_certificate_step_leads_back_to_the_network() -> None:
    bench = Bench()
    bench.world.certificates = False
    bench.connect()
    bench.join()
    assert bench.send(command(CommandCode.RESET), wait=1_500) == [status(4)]
    assert bench.board.state_name == "NETWORK_CONFIG/WAITING"
    assert bench.send(JOIN) == [status(-4)]


def test_a_flood_at_high_speed_does_not_run_without_end() -> None:
    bench = Bench(World(scans=False))
    bench.board.run(bench.board.now + 1e9)
    assert bench.board.next_wake <= bench.board.now + 50


def test_a_network_without_dhcp_lets_nobody_in() -> None:
    bench = Bench()
    bench.world.networks[0].dhcp = False
    bench.connect()
    bench.join()
    assert bench.wait(11_000) == [status(-1)]


def test_a_hidden_network_is_listed_without_name_and_can_be_joined_by_name() -> None:
    bench = Bench(World(networks=demo_networks()))
    (_, listed), *_ = bench.connect()
    assert "" in listed
    assert "Basement" not in listed
    assert bench.join("Basement", "under stairs")[:2] == [status(1), status(2)]


def test_networks_with_one_name_are_listed_once_with_the_strongest_signal() -> None:
    networks = [Network(ssid="A", rssi=-70), Network(ssid="B"), Network(ssid="A", rssi=-40)]
    bench = Bench(World(networks=networks))
    assert bench.connect() == [("0x12001", ["A", -40, "B", -60])]


def test_only_the_first_twenty_results_of_a_scan_are_listed() -> None:
    bench = Bench(World(networks=[Network(ssid=f"n{i}") for i in range(30)]))
    (_, listed), *_ = bench.connect()
    assert listed[::2] == [f"n{i}" for i in range(20)]


def test_a_name_that_is_no_text_is_sent_as_it_is() -> None:
    bench = Bench(World(networks=[Network(ssid_hex="ff41")]))
    bench.board.receive(CONNECT)
    bench.board.run(bench.board.now + 300, finish_turn=True)
    assert b"\x62\xff\x41" in b"".join(bench.board.take_output())


def test_a_list_that_cannot_be_encoded_keeps_the_board_silent() -> None:
    bench = Bench(World(networks=big_list()))
    assert bench.connect() == []
    assert bench.send(VERSION) == []


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (SecureElement.NO_ANSWER, -150),
        (SecureElement.NO_CONFIGURATION, -151),
        (SecureElement.NO_LOCK, -152),
    ],
)
def test_a_failed_self_check_is_reported_to_every_host_and_nothing_works(
    fault: SecureElement, code: int
) -> None:
    bench = Bench(World(secure_element=fault))
    for _ in range(2):
        assert bench.connect() == [status(code), ("0x12001", [])]
        assert bench.send(VERSION) == [status(-7)]
        bench.send(DISCONNECT)


@pytest.mark.parametrize(
    ("world", "code"), [(World(partition=False), -201), (World(unique_id=False), -160)]
)
def test_other_fatal_faults_have_their_own_status(world: World, code: int) -> None:
    assert Bench(world).connect() == [status(code), ("0x12001", [])]


def test_storage_that_fails_at_start_leaves_identity_commands_working() -> None:
    bench = Bench(World(storage=False))
    assert bench.connect()[0] == status(-200)
    assert bench.send(VERSION) == [("0x12015", ["0.6.2"])]
    assert bench.send(command(CommandCode.SCAN)) == []
    assert bench.send(VERSION) == [status(-6)]


def test_storage_that_keeps_nothing_and_an_element_that_signs_nothing_answer_error() -> None:
    bench = Bench()
    bench.connect()
    bench.world.storage_writes = False
    bench.world.secure_element = SecureElement.NO_KEY
    bench.send(timestamp())
    assert bench.send(command(CommandCode.GET_ID)) == [status(-255)]
    bench.send(wifi("HomeNet", "correct horse"))
    assert bench.send(JOIN) == [status(-255)]
    bench.world.secure_element = SecureElement.NO_WRITE
    assert bench.send(command(CommandCode.RESET)) == [status(-255)]


def test_the_identity_key_stays_the_same_through_reset_and_restart() -> None:
    bench = Bench()
    keys = []
    for _ in range(2):
        bench.connect()
        bench.send(timestamp())
        keys.append(bench.send(command(CommandCode.GET_ID))[0])
        bench.send(command(CommandCode.RESET))
        bench.board.reset()
        bench.wait(2_000)
    assert keys[0] == keys[1]


def test_a_claimed_board_forgets_its_device_with_reset_and_certifies_again() -> None:
    bench = Bench()
    bench.connect()
    bench.join()
    assert bench.board.memory.element.device_id
    bench.connect()
    assert bench.send(command(CommandCode.RESET), wait=1_500) == [status(4)]
    assert not bench.board.memory.element.device_id
    assert bench.join() == [status(1), status(2), ("control", "DISCONNECT")]
    assert bench.milestones.count("certificate") == 2


def test_the_reconfigure_pin_wipes_the_network_and_restarts_but_keeps_the_certificate() -> None:
    bench = Bench()
    bench.connect()
    bench.join()
    device = bench.board.memory.element.device_id
    bench.board.release_pin(2_000)
    bench.wait(3_000)
    assert bench.board.resets == 0
    bench.board.release_pin(3_000)
    bench.wait(5_000)
    assert bench.board.resets == 1
    assert bench.board.memory.element.device_id == device
    bench.connect()
    assert bench.send(JOIN) == [status(-4)]


def test_an_opta_without_wifi_refuses_wifi_and_lists_nothing() -> None:
    networks = frozenset({NetworkKind.WIFI, NetworkKind.ETHERNET})
    bench = Bench(World(networks=demo_networks()), networks=networks, wifi=False, zero_touch=False)
    assert bench.connect() == [("0x12001", [])]
    assert bench.send(command(CommandCode.GET_WIFI_FIRMWARE)) == [("0x12014", [""])]
    assert bench.send(command(CommandCode.GET_BLE_ADDRESS)) == [("0x12013", [b"\xff" * 6])]
    bench.send(wifi("HomeNet", "correct horse"))
    assert bench.send(JOIN) == [status(-5)]


def test_a_scan_during_the_own_ethernet_attempt_waits_for_its_end() -> None:
    bench = Bench(
        World(networks=demo_networks()),
        networks=frozenset({NetworkKind.WIFI, NetworkKind.ETHERNET}),
    )
    bench.connect()
    assert bench.send(command(CommandCode.SCAN)) == []
    answers = bench.wait(16_000)
    assert answers[:2] == [status(-1), status(100)]
    assert answers[2][0] == "0x12001"


def test_a_host_that_is_there_from_the_start_is_served_during_the_own_ethernet_attempt() -> None:
    bench = Bench(
        World(networks=demo_networks()),
        networks=frozenset({NetworkKind.WIFI, NetworkKind.ETHERNET}),
        boot_ms=1_500,
    )
    bench.connect()
    assert bench.send(command(CommandCode.GET_LIBRARY_VERSION)) == [("0x12016", ["0.5.1"])]
    assert bench.board.state_name.endswith("ZERO_TOUCH")


def test_stored_settings_are_tried_again_every_two_minutes_without_a_host() -> None:
    bench = Bench(sketch="application")
    bench.connect()
    bench.join(password="wrong")
    bench.wait(15_000)
    bench.send(DISCONNECT)
    bench.world.networks[0].password = bench.world.networks[1].password.__class__("wrong")
    bench.wait(121_000)
    assert bench.connect()[0] == status(2)


def test_an_application_notices_that_its_network_went_away_and_comes_back() -> None:
    bench = Bench(sketch="application")
    bench.connect()
    bench.join()
    home, bench.world.networks = bench.world.networks, []
    assert bench.wait(11_000) == [("text", b">>>> DISCONNECTED from network\r\n")]
    bench.world.networks = home
    assert bench.wait(3_000) == [("text", b">>>> CONNECTED to network\r\n")]


def test_a_scan_of_a_bridged_board_drops_its_wifi_connection() -> None:
    bench = Bench(sketch="application", model="uno_r4_wifi")
    bench.connect()
    bench.join()
    bench.send(DISCONNECT)
    bench.connect()
    ((_, text),) = bench.send(DISCONNECT, wait=25_000)
    assert text.split(b"\r\n")[:2] == [
        b">>>> DISCONNECTED from network",
        b">>>> CONNECTED to network",
    ]


def test_settings_that_halt_the_decoder_silence_the_board_until_a_reset() -> None:
    bench = Bench(networks=frozenset({NetworkKind.ETHERNET}), zero_touch=False)
    bench.connect()
    short = encode_frame(PacketType.DATA, tagged(0x012009, b"", b"", b"", b""))
    assert bench.send(short, VERSION) == []
    assert bench.board.state_name == "DEAD"
    assert bench.board.next_wake == math.inf
    bench.board.reset()
    bench.wait(2_000)
    assert bench.connect() == [("0x12001", [])]


def test_a_sketch_that_knows_nothing_of_provisioning_is_silent() -> None:
    bench = Bench(answers=False)
    assert bench.boot == []
    assert bench.connect() == []


def test_an_idle_board_asks_to_be_woken_only_for_its_next_scan() -> None:
    bench = Bench()
    wakes = 0
    end = bench.board.now + 600_000
    while bench.board.next_wake < end:
        bench.board.run(bench.board.next_wake)
        wakes += 1
    assert wakes < 5 * 10


def test_real_durations_are_kept_and_nothing_is_read_during_a_scan() -> None:
    bench = Bench(timing=Timing(), boot_ms=4_000)
    bench.connect()
    assert bench.send(command(CommandCode.SCAN), wait=10) == [status(100), NETWORKS]
    bench.board.receive(VERSION)
    start = bench.board.now
    bench.board.run(start + 1)
    assert bench.board.take_output()


def test_time_in_which_a_host_waited_for_the_board_is_counted() -> None:
    bench = Bench(timing=Timing(), boot_ms=4_000)
    bench.connect()
    before = bench.board.working_ms
    bench.wait(20_000)
    assert bench.board.working_ms == before
    bench.send(command(CommandCode.SCAN), wait=10)
    assert bench.board.working_ms - before == pytest.approx(Timing().scan, abs=20)


@given(st.lists(st.binary(min_size=1, max_size=60), max_size=12), st.booleans())
def test_no_input_makes_the_board_raise_or_run_without_end(
    parts: list[bytes], connected: bool
) -> None:
    bench = Bench()
    if connected:
        bench.connect()
    for part in parts:
        bench.send(part, wait=50)
        bench.send(encode_frame(PacketType.DATA, part), wait=50)
    assert isinstance(bench.board, Firmware)
