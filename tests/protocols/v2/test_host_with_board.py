"""The host machine with a simulated board, in simulated time."""

from __future__ import annotations

import random

import pytest

from agent.protocols.v2 import conversations
from agent.protocols.v2.frames import Control, encode_control
from agent.protocols.v2.host import Failed
from agent.protocols.v2.messages import HardwareId, PublicKey, Token
from agent.protocols.v2.talk import Conversation, HostFailure, Reason
from agent.settings import Secret
from agent.settings.network import GSM, LoRa, WiFi
from agent.simulator.config import BoardConfig
from agent.simulator.firmware import new_memory
from agent.simulator.timing import VECTOR_TIMING, Timing
from agent.simulator.world import SecureElement, Uplink, World, big_list, demo_networks
from tests.protocols.v2.bench import Bench

NOW = 1_750_000_000
RIGHT = WiFi(ssid="HomeNet", password=Secret("correct horse"))
WRONG = WiFi(ssid="HomeNet", password=Secret("wrong"))
OPENING = conversations.opening()
UNSAFE = {1, 100, 101, 201}
"""Commands that block a board in RUN for good."""


def failure(bench: Bench, conversation: Conversation[object]) -> HostFailure:
    with pytest.raises(HostFailure) as caught:
        bench.run(conversation)
    return caught.value


def test_a_board_is_opened_read_reset_and_joined_within_its_own_time():
    bench = Bench()
    names = [network.ssid for network in bench.run(OPENING)]
    assert names[0] == b"HomeNet"
    assert bench.run(conversations.sketch_version()) == "0.6.2"
    assert len(bench.run(conversations.ble_address())) == 6
    key, uhwid, token = bench.run(conversations.identity(NOW))
    assert isinstance(key, PublicKey)
    assert isinstance(uhwid, HardwareId)
    assert isinstance(token, Token)
    assert bench.run(conversations.wifi_firmware()) == "0.6.0"
    assert bench.run(conversations.library_version()) == "0.5.1"
    assert bench.run(conversations.scan())
    assert bench.run(conversations.reset())
    assert bench.run(conversations.configure(RIGHT))
    bench.wait(10)
    assert bench.ended()
    # Nothing was sent twice, and the procedure waited for nothing but the board.
    assert bench.commands() == [200, 3, 200, 200, 2, 101, 201, 100, 4, 200, 1]


@pytest.mark.parametrize("setup_ms", range(2500, 3700, 25))
def test_a_board_that_starts_while_the_host_begins_anew_is_opened_at_once(setup_ms):
    # A board just plugged in reads all that waits for it in one turn, after its setup: perhaps
    # CONNECT and DISCONNECT, of which it drops the second, so that the link is up.
    bench = Bench(timing=Timing(setup=setup_ms, scan=0.0), boot_s=0.0)
    bench.run(OPENING)
    assert bench.now * 1000 < setup_ms + 1500


def test_what_the_host_adds_to_the_time_of_the_board_is_nothing():
    bench = Bench()
    begun_s, worked_ms = bench.now, bench.board.working_ms
    bench.run(OPENING)
    bench.run(conversations.sketch_version())
    bench.run(conversations.identity(NOW))
    bench.run(conversations.reset())
    bench.run(conversations.configure(RIGHT))
    worked_s = (bench.board.working_ms - worked_ms) / 1000
    assert bench.now - begun_s - worked_s < 0.5


def test_a_wrong_password_fails_and_the_right_one_then_joins_on_the_same_link():
    bench = Bench()
    bench.run(OPENING)
    first = failure(bench, conversations.configure(WRONG))
    assert (first.reason, first.status) == (Reason.STATUS, -1)
    assert bench.run(conversations.configure(RIGHT))


def test_no_internet_is_told():
    bench = Bench()
    bench.run(OPENING)
    settings = WiFi(ssid="NoInternet", password=Secret("nopath"))
    assert failure(bench, conversations.configure(settings)).status == -8


def test_a_modem_error_is_told_at_the_end_of_the_attempt():
    bench = Bench()
    bench.run(OPENING)
    assert failure(bench, conversations.configure(GSM(apn="iot"))).status == -101


def test_settings_that_the_board_refuses_are_not_followed_by_connect():
    bench = Bench(config=BoardConfig(serial_number="b", zero_touch=False, networks=frozenset()))
    bench.run(OPENING)
    settings = LoRa(app_eui="0" * 16, app_key=Secret("0" * 32))
    assert failure(bench, conversations.configure(settings)).status == -5
    assert 1 not in bench.commands()


def test_a_board_in_run_is_never_sent_what_would_block_it():
    bench = Bench()
    bench.run(OPENING)
    bench.run(conversations.configure(RIGHT))
    bench.wait(20)
    assert bench.ended()
    for conversation in (
        conversations.scan(),
        conversations.wifi_firmware(),
        conversations.library_version(),
        conversations.configure(RIGHT),
    ):
        assert failure(bench, conversation).reason is Reason.ONLINE
    assert bench.commands().count(1) == 1
    assert not {100, 101, 201} & set(bench.commands())
    # What is safe there still works, and RESET leads out.
    assert bench.run(conversations.sketch_version()) == "0.6.2"
    bench.run(conversations.identity(NOW))
    bench.run(conversations.reset())
    assert bench.run(conversations.scan())


def test_a_new_host_knows_from_the_first_frame_that_a_board_may_be_in_run():
    bench = Bench()
    bench.run(OPENING)
    bench.run(conversations.configure(RIGHT))
    bench.wait(20)
    bench.disconnect()
    bench.host = type(bench.host)()
    bench.sent.clear()
    bench.run(OPENING)
    assert bench.host.talk.initial_status == 2
    assert failure(bench, conversations.scan()).reason is Reason.ONLINE
    assert bench.commands() == [200]


def provisioned_and_restarted(timing: Timing = VECTOR_TIMING) -> Bench:
    """A board that went to its cloud without a host: its link begins with the list alone."""
    memory = new_memory()
    first = Bench(memory=memory)
    first.run(OPENING)
    first.run(conversations.configure(RIGHT))
    first.wait(20)
    return Bench(memory=memory, timing=timing, boot_s=20)


@pytest.mark.parametrize(
    "conversation",
    [
        conversations.scan(),
        conversations.wifi_firmware(),
        conversations.library_version(),
        conversations.configure(RIGHT),
    ],
)
def test_a_board_that_went_to_run_without_a_word_is_found_out(
    conversation: Conversation[object],
):
    bench = provisioned_and_restarted()
    bench.run(OPENING)
    assert bench.host.talk.initial_status is None
    assert bench.board.state_name.startswith("RUN")
    assert failure(bench, conversation).reason is Reason.ONLINE
    assert not UNSAFE & set(bench.commands())
    # Nothing is left pending, and RESET leads out.
    assert bench.run(conversations.reset())
    assert bench.run(conversation)


def test_the_look_at_the_configurator_also_brings_the_ble_address():
    bench = provisioned_and_restarted()
    bench.run(OPENING)
    assert len(bench.run(conversations.ble_address())) == 6
    assert bench.host.talk.online
    bench = Bench()
    bench.run(OPENING)
    assert len(bench.run(conversations.ble_address())) == 6
    assert bench.host.talk.served
    assert bench.commands() == [3, 200, 200]


def test_a_board_held_back_from_its_cloud_by_a_host_can_be_configured():
    memory = new_memory()
    first = Bench(memory=memory)
    first.run(OPENING)
    first.run(conversations.configure(RIGHT))
    first.wait(20)
    bench = Bench(memory=memory, timing=Timing(), boot_s=0.01)
    bench.run(OPENING)  # while it starts: provisioned-restart-early
    assert bench.run(conversations.library_version()) == "0.5.1"
    assert bench.run(conversations.configure(RIGHT))


def test_a_restart_while_joining_that_ends_in_run_is_told_apart():
    bench = Bench(timing=Timing())
    bench.run(OPENING)
    bench.to_host = lambda data: data.replace(b"Starting", b"starting")
    bench.host.start(conversations.configure(RIGHT), bench.now)
    while 1 not in bench.statuses():
        bench.wait(0.01)
    bench.board.reset()
    while bench.host.busy:
        bench.wait(0.1)
    (failed,) = [event.failure for event in bench.events if isinstance(event, Failed)]
    assert failed.reason is Reason.RESTARTED
    assert bench.commands().count(1) == 1


def test_the_end_of_a_link_is_seen_and_so_is_a_restart():
    for restart in (False, True):
        bench = Bench(timing=Timing(certificate=60_000))
        bench.run(OPENING)
        bench.run(conversations.configure(RIGHT))
        bench.host.start(conversations.watch(), bench.now)
        bench.wait(30)
        assert bench.host.busy
        if restart:
            bench.board.reset()
        bench.wait(60)
        assert not bench.host.busy
        assert bench.ended() is not restart


def test_a_first_frame_that_was_damaged_may_have_said_that_the_board_is_in_run():
    bench = Bench()
    bench.run(OPENING)
    bench.run(conversations.configure(RIGHT))
    bench.wait(20)
    bench.disconnect()
    bench.host = type(bench.host)()
    bench.sent.clear()
    connected = bytes.fromhex("55aa020009da000120008102")
    damage = iter([True])

    def to_host(data: bytes) -> bytes:
        first = data.startswith(connected) and next(damage, False)
        return data.replace(connected, connected[:-1] + b"\x03", 1) if first else data

    bench.to_host = to_host
    bench.run(OPENING)
    assert bench.host.talk.initial_status is None
    assert failure(bench, conversations.configure(RIGHT)).reason is Reason.ONLINE
    assert not UNSAFE & set(bench.commands())


def test_an_application_sketch_is_recognised_and_reconfigured():
    config = BoardConfig(serial_number="b", sketch="application", zero_touch=False)
    bench = Bench(config=config)
    bench.run(OPENING)
    assert bench.run(conversations.sketch_version()) == ""
    assert bench.host.talk.application
    assert bench.run(conversations.library_version()) == "0.5.1"
    assert failure(bench, conversations.reset()).status == -7
    assert bench.run(conversations.configure(RIGHT))
    # It answers only on a new link now, which the host makes by itself.
    assert bench.run(conversations.library_version()) == "0.5.1"
    assert bench.run(conversations.scan())


def test_a_failed_self_check_ends_the_opening():
    world = World(networks=demo_networks(), secure_element=SecureElement.NO_ANSWER)
    found = failure(Bench(world), OPENING)
    assert (found.reason, found.status) == (Reason.STATUS, -150)


def test_a_list_that_the_board_cannot_send_is_waited_for_once():
    bench = Bench(World(networks=big_list()))
    found = failure(bench, conversations.opening(known=True))
    assert found.reason is Reason.NO_LIST
    assert found.seconds == pytest.approx(130)


def test_a_list_that_fits_again_opens_the_link():
    bench = Bench(World(networks=big_list()))
    bench.host.start(conversations.opening(known=True), bench.now)
    bench.wait(20)
    assert bench.host.busy
    bench.world.networks = demo_networks()
    bench.board.changed()
    bench.wait(112)
    assert not bench.host.busy
    assert bench.host.talk.networks


def test_the_banner_of_the_provisioning_sketch_counts_as_speaking():
    bench = Bench(World(networks=big_list()))
    assert b"Starting Provisioning" in bench.log()
    assert failure(bench, OPENING).reason is Reason.NO_LIST


def test_a_sketch_without_provisioning_is_silent_for_thirty_seconds():
    bench = Bench(config=BoardConfig(serial_number="b", answers=False))
    found = failure(bench, OPENING)
    assert found.reason is Reason.SILENT
    assert found.seconds == pytest.approx(30)


def test_a_board_that_a_crashed_host_left_connected_is_opened_after_three_seconds():
    bench = Bench()
    bench.board.receive(encode_control(Control.CONNECT))
    bench.board.run(bench.board.now + 500)
    bench.board.take_output()
    begun = bench.now
    bench.run(OPENING)
    assert 3 < bench.now - begun < 3.5
    assert bench.run(conversations.sketch_version()) == "0.6.2"


def test_a_board_that_is_still_starting_answers_once_it_has_started():
    timing = Timing(setup=1500, scan=8000)
    bench = Bench(timing=timing, boot_s=0.01)
    bench.run(OPENING)
    assert bench.now > 9
    assert bench.run(conversations.sketch_version()) == "0.6.2"
    assert bench.run(conversations.wifi_firmware()) == "0.6.0"


def test_a_restart_that_the_port_survives_is_noticed_and_the_request_repeated():
    for heard in (True, False):
        bench = Bench(timing=Timing())
        bench.run(OPENING)
        bench.board.reset()
        if not heard:  # its first line of text would give it away at once
            bench.to_host = lambda data: data.replace(b"Starting", b"starting")
        begun = bench.now
        assert bench.run(conversations.sketch_version()) == "0.6.2"
        assert bench.commands() == [200, 200]
        assert bench.now - begun < (4 if heard else 15)


def test_a_restart_in_the_middle_of_a_scan_ends_it_with_the_list_of_the_restart():
    bench = Bench(timing=Timing())
    bench.run(OPENING)
    bench.host.start(conversations.scan(), bench.now)
    bench.wait(0.5)
    bench.board.reset()
    bench.wait(15)
    assert not bench.host.busy


def test_a_restart_while_joining_sends_the_settings_again():
    bench = Bench(timing=Timing(join=9000))
    bench.run(OPENING)
    bench.host.start(conversations.configure(RIGHT), bench.now)
    bench.wait(1)
    bench.board.reset()
    bench.wait(60)
    assert not bench.host.busy
    assert bench.host.talk.online


def test_frames_damaged_on_the_way_to_the_board_are_sent_again():
    bench = Bench()
    bench.run(OPENING)
    damage = iter([True, True, False])
    bench.to_board = lambda data: data[:-1] + b"\0" if next(damage, False) else data
    assert bench.run(conversations.sketch_version()) == "0.6.2"
    assert bench.commands() == [200, 200, 200]


def test_settings_damaged_on_the_way_never_lead_to_a_join_with_old_ones():
    bench = Bench()
    bench.run(OPENING)
    failure(bench, conversations.configure(WRONG))
    bench.sent.clear()
    damage = iter([True])
    bench.to_board = lambda data: data[:-1] + b"\0" if next(damage, False) else data
    assert bench.run(conversations.configure(RIGHT))
    assert bench.statuses()[-2:] == [1, 2]


def test_frames_that_never_arrive_whole_end_the_request():
    bench = Bench()
    bench.run(OPENING)
    bench.to_board = lambda data: data[:-1] + b"\0"
    assert failure(bench, conversations.sketch_version()).reason is Reason.GARBLED
    assert bench.commands() == [200] * 4


def test_an_answer_damaged_on_the_way_is_asked_for_with_a_nack():
    bench = Bench()
    bench.run(OPENING)
    damage = iter([True])
    bench.to_host = lambda data: data[:-3] + b"\0\0\0" if next(damage, False) else data
    begun = bench.now
    assert bench.run(conversations.sketch_version()) == "0.6.2"
    assert bench.now - begun < 2
    assert bench.commands() == [200]
    assert encode_control(Control.NACK) in bench.sent


def test_an_answer_cut_off_on_the_way_is_asked_for_with_a_nack():
    bench = Bench()
    bench.run(OPENING)
    damage = iter([True])
    bench.to_host = lambda data: data[:12] if next(damage, False) else data
    key, _, _ = bench.run(conversations.identity(NOW))
    assert key.pem.startswith("-----BEGIN PUBLIC KEY-----")
    assert bench.commands() == [2]


def test_a_timestamp_lost_on_the_way_is_sent_again():
    bench = Bench()
    bench.run(OPENING)
    lose = iter([True])
    bench.to_board = lambda data: b"" if next(lose, False) else data
    bench.run(conversations.identity(NOW))
    assert bench.commands() == [2, 2]


def test_a_request_that_another_holds_up_waits_for_the_end_of_that_one():
    bench = Bench()
    bench.run(OPENING)
    bench.host.start(conversations.configure(WRONG), bench.now)
    bench.wait(1)
    bench.host.abandon()
    assert bench.run(conversations.reset())
    assert bench.statuses()[-2:] == [-1, 4]


def test_settings_sent_after_an_abandoned_attempt_are_the_ones_that_are_joined():
    bench = Bench()
    bench.run(OPENING)
    bench.host.start(conversations.configure(WRONG), bench.now)
    bench.wait(1)
    bench.host.abandon()
    assert bench.run(conversations.configure(RIGHT))
    assert bench.statuses()[-3:] == [-1, 1, 2]


def test_a_board_blocked_by_another_program_in_run_is_busy():
    bench = Bench()
    bench.run(OPENING)
    bench.run(conversations.configure(RIGHT))
    bench.wait(20)
    bench.host.start(conversations.sketch_version(), bench.now)
    bench.wait(1)
    bench.board.receive(bytes.fromhex("55aa02000ada000120038118c94710aa55"))  # 201
    bench.wait(1)
    begun = bench.now
    assert failure(bench, conversations.sketch_version()).reason is Reason.BUSY
    assert 35 < bench.now - begun < 45


def test_a_flood_of_failing_scans_does_not_hinder_other_requests():
    bench = Bench(World(networks=demo_networks(), scans=False))
    bench.run(OPENING)
    assert bench.host.talk.initial_status == -101
    assert bench.run(conversations.sketch_version()) == "0.6.2"
    assert failure(bench, conversations.scan()).status == -101
    bench.run(conversations.reset())
    assert bench.run(conversations.configure(RIGHT))


def test_a_scan_that_the_board_makes_by_itself_disturbs_nothing():
    bench = Bench()
    bench.run(OPENING)
    bench.wait(121)
    assert 100 in bench.statuses()
    assert bench.run(conversations.sketch_version()) == "0.6.2"
    assert bench.commands() == [200]


def zero_touch(ethernet: Uplink) -> Bench:
    config = BoardConfig(model="opta", serial_number="b", zero_touch=True)
    return Bench(World(networks=demo_networks(), ethernet=ethernet), config=config)


def test_the_failure_of_an_earlier_attempt_is_not_the_answer():
    bench = zero_touch(Uplink.ABSENT)
    bench.run(OPENING)
    assert bench.run(conversations.configure(RIGHT))
    assert bench.statuses() == [-1, 1, 2]


def test_a_scan_waits_for_the_end_of_the_boards_own_attempt():
    bench = zero_touch(Uplink.ABSENT)
    bench.run(OPENING)
    assert bench.run(conversations.scan())
    assert bench.statuses() == [-1, 100]


def test_a_zero_touch_board_that_goes_online_by_itself_is_asked_only_what_is_safe():
    bench = zero_touch(Uplink.OK)
    bench.run(OPENING)
    bench.wait(5)
    assert bench.ended()
    assert bench.run(conversations.sketch_version()) == "0.6.2"
    bench.run(conversations.identity(NOW))
    assert failure(bench, conversations.wifi_firmware()).reason is Reason.ONLINE


def test_a_link_that_the_board_closes_in_the_middle_of_a_request_is_opened_again():
    bench = zero_touch(Uplink.OK)
    bench.run(OPENING)
    assert bench.run(conversations.sketch_version()) == "0.6.2"
    bench.run(conversations.identity(NOW))
    assert not UNSAFE & set(bench.commands())


def test_storage_that_fails_is_fatal_for_the_attempt():
    bench = Bench()
    bench.run(OPENING)
    bench.world.storage = False
    bench.board.changed()
    assert failure(bench, conversations.configure(RIGHT)).status == -200


def test_a_board_that_was_provisioned_before_keeps_its_history_as_history():
    memory = new_memory()
    bench = Bench(memory=memory)
    bench.run(OPENING)
    failure(bench, conversations.configure(WRONG))
    bench.disconnect()
    bench.run(OPENING)
    assert bench.host.talk.initial_status == -1
    assert bench.run(conversations.configure(RIGHT))


def bad_line(bench: Bench, chance: random.Random) -> list[int]:
    """Noise, flipped bits and cuts towards the host, damage towards the board.

    Unsafe commands that a board in RUN receives are added to the list that is returned.
    """
    blocked: list[int] = []

    def to_host(data: bytes) -> bytes:
        if chance.random() < 0.3:
            false_start = b"\x55\xaa\x02" + chance.randbytes(2)
            text = chance.randbytes(chance.randrange(30))
            data = chance.choice([false_start, text, b"a line of log\r\n"]) + data
        if chance.random() < 0.1:
            at = chance.randrange(len(data))
            data = data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]
        return data[: chance.randrange(len(data))] if chance.random() < 0.05 else data

    def to_board(data: bytes) -> bytes:
        if chance.random() < 0.1:
            return data[:-1] + b"\0"
        if data[5:10] == bytes.fromhex("da00012003") and data[-5] in UNSAFE:
            blocked.extend([data[-5]] * bench.board.state_name.startswith("RUN"))
        return data

    bench.to_host, bench.to_board = to_host, to_board
    return blocked


@pytest.mark.parametrize("seed", range(60))
def test_a_bad_line_never_leads_to_a_blocked_board_and_rarely_to_a_failure(seed: int):
    bench = Bench(timing=Timing() if seed % 2 else VECTOR_TIMING)
    blocked = bad_line(bench, random.Random(seed))
    procedure: tuple[Conversation[object], ...] = (
        OPENING,
        conversations.sketch_version(),
        conversations.identity(NOW),
        conversations.wifi_firmware(),
        conversations.scan(),
        conversations.reset(),
        conversations.configure(RIGHT),
    )
    reason: Reason | None = None
    try:
        for conversation in procedure:
            bench.run(conversation)
    except HostFailure as failed:
        reason = failed.reason
    assert not blocked
    # Every frame of a link, or all of four tries, were hit: said, not waited out.
    assert reason in {None, Reason.GARBLED, Reason.ONLINE}
