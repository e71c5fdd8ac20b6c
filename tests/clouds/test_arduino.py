"""Mooring's client against the simulated Arduino Cloud, over real HTTP on loopback."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import pytest

from agent.clouds.arduino import ArduinoCloud
from agent.clouds.http import Limits
from agent.errors import (
    ClaimRefused,
    CloudAnswer,
    InputError,
    KeyMismatch,
    NotAuthorised,
    NotSignedIn,
    NotSupported,
    QuotaReached,
    Unreachable,
)
from agent.settings import Secret
from tests.clouds.signing import UNO_R4_WIFI, SigningBoard

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.catalog import Catalog
    from agent.clouds.accounts import AccountStore
    from agent.simulator.arduino_cloud import SimulatedArduinoCloud
    from agent.simulator.arduino_faults import Operation
    from tests.clouds.manual_clock import ManualClock


# --- accounts ---


async def test_signing_in_stores_the_account_and_signing_out_forgets_it(
    connect: Callable[..., ArduinoCloud], cloud: SimulatedArduinoCloud, store: AccountStore
) -> None:
    client = connect()
    assert not (await client.info()).signed_in
    await client.login(cloud.account)
    info = await client.info()
    assert info.signed_in
    assert info.account == {"client_id": cloud.client_id}
    assert (await connect().info()).signed_in
    await client.logout()
    assert not (await client.info()).signed_in
    assert await store.get("arduino") is None


async def test_a_refused_account_is_not_stored_and_the_earlier_one_stays(
    arduino: ArduinoCloud, cloud: SimulatedArduinoCloud, store: AccountStore
) -> None:
    with pytest.raises(NotAuthorised) as caught:
        await arduino.login({"client_id": cloud.client_id, "client_secret": "MARKER-wrong"})
    assert "MARKER" not in repr(caught.value.report())
    kept = await store.get("arduino")
    assert kept is not None
    assert kept["client_secret"] == cloud.client_secret
    assert await arduino.find("00") == []


@pytest.mark.parametrize(
    ("account", "field"),
    [
        ({}, "client_id"),
        ({"client_id": "x"}, "client_secret"),
        ({"client_id": " ", "client_secret": "y"}, "client_id"),
        ({"client_id": "x", "client_secret": "y", "token": "z"}, "token"),
        ({"client_id": 5, "client_secret": "y"}, "client_id"),
        ({"client_id": "x", "client_secret": "y" * 201}, "client_secret"),
        ({"client_id": "x", "client_secret": "y\nz"}, "client_secret"),
        ({"client_id": "x", "client_secret": "y", "organization": "ö"}, "organization"),
    ],
)
async def test_an_account_that_cannot_be_one_is_refused_by_its_field_before_anything_is_sent(
    connect: Callable[..., ArduinoCloud],
    cloud: SimulatedArduinoCloud,
    account: dict[str, object],
    field: str,
) -> None:
    with pytest.raises(InputError) as caught:
        await connect().login(account)
    assert caught.value.facts["field"] == field
    assert not cloud.record.requests


async def test_blanks_around_a_pasted_key_do_not_matter(
    connect: Callable[..., ArduinoCloud], cloud: SimulatedArduinoCloud
) -> None:
    secret = f"\t{cloud.client_secret.reveal()}\n"
    await connect().login({"client_id": f" {cloud.client_id} ", "client_secret": secret})


async def test_without_an_account_the_person_is_sent_to_sign_in(
    connect: Callable[..., ArduinoCloud], board: SigningBoard
) -> None:
    client = connect()
    for call in (
        client.requirements(UNO_R4_WIFI),
        client.claim(board.claim_request()),
        client.find(board.uhwid),
        client.unclaim("x"),
    ):
        with pytest.raises(NotSignedIn) as caught:
            await call
        assert "mooring cloud login arduino" in caught.value.report().remedy


async def test_a_shared_space_goes_into_the_token_and_into_every_call(
    connect: Callable[..., ArduinoCloud], cloud: SimulatedArduinoCloud, board: SigningBoard
) -> None:
    shared, private = connect(), connect()
    await shared.login({**cloud.account, "organization": "space-1"})
    await shared.claim(board.claim_request())
    assert [entry.owner.organization for entry in cloud.state.onboardings.values()] == ["space-1"]
    assert len(await shared.find(board.uhwid)) == 1
    assert (await shared.info()).account["organization"] == "space-1"
    await private.login(cloud.account)
    assert await private.find(board.uhwid) == []


async def test_a_shared_space_that_is_not_the_accounts_is_refused(
    connect: Callable[..., ArduinoCloud], cloud: SimulatedArduinoCloud
) -> None:
    with pytest.raises(NotAuthorised):
        await connect().login({**cloud.account, "organization": "space-of-others"})


async def test_a_token_is_used_until_thirty_seconds_before_its_end(
    arduino: ArduinoCloud, cloud: SimulatedArduinoCloud, clock: ManualClock
) -> None:
    await arduino.find("00")
    clock.now += 269
    await arduino.find("00")
    assert cloud.record.count("token") == 1
    clock.now += 2
    await arduino.find("00")
    assert cloud.record.count("token") == 2


async def test_a_token_that_the_cloud_no_longer_takes_is_renewed_once_for_all_callers(
    arduino: ArduinoCloud, cloud: SimulatedArduinoCloud, board: SigningBoard
) -> None:
    cloud.state.revoke_tokens()
    boards = [SigningBoard(f"board {n}") for n in range(3)]
    for one in boards:
        cloud.know_board(one.uhwid, one.public_key)
    claims = await asyncio.gather(*(arduino.claim(one.claim_request()) for one in boards))
    assert len(set(claims)) == 3
    assert cloud.record.count("token") == 2
    assert all(count == 1 for count in cloud.record.claims.values())


async def test_a_key_that_was_deleted_meanwhile_is_reported_after_one_renewal(
    arduino: ArduinoCloud, cloud: SimulatedArduinoCloud
) -> None:
    cloud.state.revoke_tokens()
    cloud.state.keys.clear()
    with pytest.raises(NotAuthorised):
        await arduino.find("00")
    assert (cloud.record.count("list"), cloud.record.count("token")) == (1, 2)


async def test_a_401_that_stays_is_not_asked_for_ever(
    arduino: ArduinoCloud, cloud: SimulatedArduinoCloud
) -> None:
    cloud.faults.answer("list", 401, times=None)
    with pytest.raises(NotAuthorised):
        await arduino.find("00")
    assert cloud.record.count("list") == 2


# --- requirements ---


async def test_requirements_come_from_the_list_of_supported_boards_and_are_kept(
    arduino: ArduinoCloud, cloud: SimulatedArduinoCloud
) -> None:
    needed = await arduino.requirements(UNO_R4_WIFI)
    assert (needed.min_sketch, needed.min_wifi_firmware) == ("0.6.0", "0.6.0")
    with_options = await arduino.requirements("arduino:mbed_portenta:envie_m7:split=100_0")
    assert with_options.min_wifi_firmware is None
    assert cloud.record.count("supported") == 1


async def test_the_list_of_supported_boards_is_fetched_again_after_ten_minutes(
    arduino: ArduinoCloud, cloud: SimulatedArduinoCloud, clock: ManualClock
) -> None:
    await arduino.requirements(UNO_R4_WIFI)
    clock.now += 601
    await arduino.requirements(UNO_R4_WIFI)
    assert cloud.record.count("supported") == 2


@pytest.mark.parametrize(
    ("fqbn", "model", "why"),
    [
        ("arduino:samd:mkr1000", "Arduino MKR 1000 WiFi", "older procedure"),
        ("esp32:esp32:esp32", "ESP32 (generic)", "does not list"),
        ("other:own:board", "other:own:board", "does not list"),
    ],
)
async def test_a_board_that_the_cloud_does_not_take_is_refused_with_the_reason(
    arduino: ArduinoCloud, fqbn: str, model: str, why: str
) -> None:
    with pytest.raises(NotSupported) as caught:
        await arduino.requirements(fqbn)
    report = caught.value.report()
    assert why in report.meaning
    assert str(report.facts["model"]).casefold().split()[-1] in model.casefold()


# --- claims ---


async def test_a_board_that_the_cloud_knows_is_claimed_at_once(
    arduino: ArduinoCloud, cloud: SimulatedArduinoCloud, board: SigningBoard
) -> None:
    cloud.know_board(board.uhwid, board.public_key)
    claim_id = await arduino.claim(board.claim_request("bench-7"))
    entry = cloud.state.onboardings[claim_id]
    assert (entry.uhwid, entry.device_name, entry.connection_type, entry.ble_mac) == (
        board.uhwid,
        "bench-7",
        "wifi",
        "A1:B2:C3:D4:E5:F6",
    )
    assert cloud.record.count("register") == 0


async def test_a_board_that_the_cloud_does_not_know_is_registered_once_and_claimed(
    arduino: ArduinoCloud, cloud: SimulatedArduinoCloud, board: SigningBoard
) -> None:
    await arduino.claim(board.claim_request())
    assert (cloud.record.count("claim"), cloud.record.count("register")) == (2, 1)
    assert cloud.record.claims == {board.uhwid: 1}


@pytest.mark.parametrize("known", ["without a key", "from provisioning 1.0"])
async def test_codes_2_and_15_lead_to_registration_too(
    arduino: ArduinoCloud, cloud: SimulatedArduinoCloud, board: SigningBoard, known: str
) -> None:
    cloud.know_board(board.uhwid, legacy=known != "without a key")
    await arduino.claim(board.claim_request())
    assert cloud.record.claims == {board.uhwid: 1}


@pytest.mark.parametrize("code", [1, 2, 15])
async def test_a_second_refusal_after_the_registration_is_final(
    arduino: ArduinoCloud, cloud: SimulatedArduinoCloud, board: SigningBoard, code: int
) -> None:
    cloud.faults.refuse("claim", code, "board not found.", times=None)
    with pytest.raises(ClaimRefused) as caught:
        await arduino.claim(board.claim_request())
    assert (cloud.record.count("claim"), cloud.record.count("register")) == (2, 1)
    report = caught.value.report()
    assert report.title == "Arduino Cloud refused the claim: board not found."
    assert report.facts["err_code"] == code
    assert board.uhwid in report.remedy


async def test_another_key_than_the_registered_one_is_a_case_for_the_support(
    arduino: ArduinoCloud, cloud: SimulatedArduinoCloud, board: SigningBoard
) -> None:
    cloud.know_board(board.uhwid, SigningBoard().public_key)
    with pytest.raises(KeyMismatch) as caught:
        await arduino.claim(board.claim_request())
    assert board.uhwid in caught.value.report().remedy
    assert cloud.record.count("register") == 0


async def test_another_key_found_by_the_registration_is_one_too(
    arduino: ArduinoCloud, cloud: SimulatedArduinoCloud, board: SigningBoard
) -> None:
    cloud.know_board(board.uhwid, SigningBoard().public_key)
    cloud.faults.refuse("claim", 1)
    with pytest.raises(KeyMismatch):
        await arduino.claim(board.claim_request())


@pytest.mark.parametrize("code", [0, 4, 5, 14, 16, 100, -1])
async def test_every_other_code_is_final_and_shown_with_its_text(
    arduino: ArduinoCloud, cloud: SimulatedArduinoCloud, board: SigningBoard, code: int
) -> None:
    cloud.faults.refuse("claim", code, "no \x1b[1mway\n" + "x" * 500)
    with pytest.raises(ClaimRefused) as caught:
        await arduino.claim(board.claim_request())
    assert caught.value.facts["err_code"] == code
    detail = str(caught.value.facts["detail"])
    assert detail.startswith("no ·[1mway xxx")
    assert len(detail) <= 200
    assert (cloud.record.count("claim"), cloud.record.count("register")) == (1, 0)


async def test_an_old_token_is_refused_by_the_cloud(
    arduino: ArduinoCloud, cloud: SimulatedArduinoCloud, board: SigningBoard
) -> None:
    cloud.know_board(board.uhwid, board.public_key)
    with pytest.raises(ClaimRefused) as caught:
        await arduino.claim(board.claim_request(token=board.token(iat=1_750_000_000)))
    assert "issued just now" in str(caught.value.facts["detail"])


async def test_a_cloud_that_repeats_the_token_does_not_get_it_shown(
    arduino: ArduinoCloud, cloud: SimulatedArduinoCloud, board: SigningBoard
) -> None:
    token = board.token()
    cloud.faults.refuse("claim", 4, f"bad token {token} of {cloud.client_secret.reveal()}")
    with pytest.raises(ClaimRefused) as caught:
        await arduino.claim(board.claim_request(token=token))
    assert caught.value.facts["detail"] == "bad token *** of ***"


@pytest.mark.parametrize("fqbn", ["other:own:board", "esp32:esp32:esp32"])
async def test_a_board_without_a_registration_number_cannot_be_registered(
    arduino: ArduinoCloud, cloud: SimulatedArduinoCloud, board: SigningBoard, fqbn: str
) -> None:
    request = msgspec.structs.replace(board.claim_request(), fqbn=fqbn)
    with pytest.raises(NotSupported):
        await arduino.claim(request)
    assert cloud.record.claims == {}


async def test_a_board_without_bluetooth_and_serial_number_is_claimed(
    arduino: ArduinoCloud, cloud: SimulatedArduinoCloud, board: SigningBoard
) -> None:
    request = msgspec.structs.replace(
        board.claim_request(), ble_address=None, serial_number=None, connection_type="eth"
    )
    entry = cloud.state.onboardings[await arduino.claim(request)]
    assert (entry.ble_mac, entry.connection_type) == ("", "eth")


async def test_a_name_that_the_cloud_cannot_take_is_refused_before_anything_is_sent(
    arduino: ArduinoCloud, cloud: SimulatedArduinoCloud, board: SigningBoard
) -> None:
    with pytest.raises(InputError):
        await arduino.claim(board.claim_request("x" * 65))
    assert cloud.record.count("claim") == 0


# --- answers that are lost ---


@pytest.mark.parametrize(("when", "claimed"), [("before", 0), ("after", 1)])
async def test_a_lost_answer_to_a_claim_is_told_and_find_says_what_became_of_it(
    arduino: ArduinoCloud,
    cloud: SimulatedArduinoCloud,
    board: SigningBoard,
    when: str,
    claimed: int,
) -> None:
    cloud.know_board(board.uhwid, board.public_key)
    cloud.faults.drop("claim", "before" if when == "before" else "after")
    with pytest.raises(Unreachable) as caught:
        await arduino.claim(board.claim_request())
    assert caught.value.facts["sent"] is True
    assert cloud.record.count("claim") == 1
    assert len(await arduino.find(board.uhwid)) == claimed == cloud.record.claims[board.uhwid]


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_server_error_at_a_claim_is_not_repeated(
    arduino: ArduinoCloud, cloud: SimulatedArduinoCloud, board: SigningBoard, status: int
) -> None:
    cloud.faults.answer("claim", status)
    with pytest.raises(Unreachable) as caught:
        await arduino.claim(board.claim_request())
    assert caught.value.facts["sent"] is True
    assert cloud.record.count("claim") == 1


async def test_a_slow_claim_is_left_after_the_limit_and_can_be_found(
    connect: Callable[..., ArduinoCloud], cloud: SimulatedArduinoCloud, board: SigningBoard
) -> None:
    client = connect(Limits(answer_s=0.3))
    await client.login(cloud.account)
    cloud.know_board(board.uhwid, board.public_key)
    cloud.faults.slow("claim", 600.0)
    with pytest.raises(Unreachable) as caught:
        await client.claim(board.claim_request())
    assert caught.value.facts["sent"] is True
    assert await client.find(board.uhwid) == []


async def test_a_request_limit_at_a_claim_is_told_as_such(
    arduino: ArduinoCloud, cloud: SimulatedArduinoCloud, board: SigningBoard, clock: ManualClock
) -> None:
    cloud.faults.answer("claim", 429, retry_after="9")
    with pytest.raises(QuotaReached):
        await arduino.claim(board.claim_request())
    assert cloud.record.count("claim") == 1
    await arduino.claim(board.claim_request())
    assert clock.slept[0] == pytest.approx(9.0)


@pytest.mark.parametrize("operation", ["token", "supported", "list"])
@pytest.mark.parametrize("trouble", ["429", "503", "before", "after"])
async def test_reading_goes_on_after_trouble_that_ends(
    connect: Callable[..., ArduinoCloud],
    cloud: SimulatedArduinoCloud,
    clock: ManualClock,
    operation: Operation,
    trouble: str,
) -> None:
    client = connect()
    if trouble.isdigit():
        cloud.faults.answer(operation, int(trouble), times=2)
    else:
        cloud.faults.drop(operation, "before" if trouble == "before" else "after", times=2)
    await client.login(cloud.account)
    await client.requirements(UNO_R4_WIFI)
    await client.find("00")
    assert clock.slept[:2] == pytest.approx([1.0, 2.0])


async def test_a_cloud_that_is_down_is_unreachable_and_serves_again_later(
    arduino: ArduinoCloud, cloud: SimulatedArduinoCloud
) -> None:
    cloud.down = True
    with pytest.raises(Unreachable):
        await arduino.find("00")
    cloud.down = False
    assert await arduino.find("00") == []


# --- find and unclaim ---


async def test_find_gives_the_open_claims_of_one_board_newest_first(
    arduino: ArduinoCloud, cloud: SimulatedArduinoCloud, board: SigningBoard
) -> None:
    other = SigningBoard("other")
    first = await arduino.claim(board.claim_request("first"))
    await arduino.claim(other.claim_request("other"))
    second = await arduino.claim(board.claim_request("second"))
    # The cloud ends the first with the second; as if it had not:
    cloud.state.onboardings[first].ended_at = None
    found = await arduino.find(board.uhwid.upper())
    assert [(claim.id, claim.name, claim.device_id) for claim in found] == [
        (second, "second", None),
        (first, "first", None),
    ]
    assert found[0].created_at == pytest.approx(cloud.state.onboardings[second].created_at)
    cloud.state.onboardings[second].ended_at = 1.0
    assert [claim.id for claim in await arduino.find(board.uhwid)] == [first]


async def test_a_claim_gets_its_device_when_the_board_has_asked_for_its_certificate(
    arduino: ArduinoCloud, cloud: SimulatedArduinoCloud, board: SigningBoard
) -> None:
    await arduino.claim(board.claim_request())
    certificate = cloud.state.certify(board.token(), board.csr())
    assert (await arduino.find(board.uhwid))[0].device_id is None
    cloud.state.complete(board.token())
    assert (await arduino.find(board.uhwid))[0].device_id == certificate.device_id


async def test_an_undone_claim_is_gone_and_undoing_it_again_is_fine(
    arduino: ArduinoCloud, cloud: SimulatedArduinoCloud, board: SigningBoard
) -> None:
    claim_id = await arduino.claim(board.claim_request())
    await arduino.unclaim(claim_id)
    assert await arduino.find(board.uhwid) == []
    await arduino.unclaim(claim_id)
    await arduino.unclaim("no-such-claim/../x?y")
    assert cloud.record.unclaims == {board.uhwid: 1}


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_lost_answer_to_undoing_is_repeated_until_it_is_known(
    arduino: ArduinoCloud, cloud: SimulatedArduinoCloud, board: SigningBoard, when: str
) -> None:
    claim_id = await arduino.claim(board.claim_request())
    cloud.faults.drop("unclaim", "before" if when == "before" else "after")
    await arduino.unclaim(claim_id)
    assert cloud.record.unclaims == {board.uhwid: 1}
    assert cloud.record.count("unclaim") == 2


async def test_a_claim_that_the_cloud_will_not_undo_is_reported(
    arduino: ArduinoCloud, cloud: SimulatedArduinoCloud, board: SigningBoard
) -> None:
    claim_id = await arduino.claim(board.claim_request())
    cloud.faults.refuse("unclaim", 77, "not now")
    with pytest.raises(CloudAnswer) as caught:
        await arduino.unclaim(claim_id)
    assert "not now" in caught.value.report().meaning
    assert caught.value.facts["err_code"] == 77


async def test_thirty_two_boards_are_claimed_at_once_and_their_polling_shares_requests(
    arduino: ArduinoCloud, cloud: SimulatedArduinoCloud
) -> None:
    boards = [SigningBoard(f"board {n}") for n in range(32)]
    claims = await asyncio.gather(
        *(arduino.claim(one.claim_request(f"b{n}")) for n, one in enumerate(boards))
    )
    found = await asyncio.gather(*(arduino.find(one.uhwid) for one in boards))
    for n, one in enumerate(boards):
        assert [(claim.id, claim.name, claim.uhwid) for claim in found[n]] == [
            (claims[n], f"b{n}", one.uhwid)
        ]
    assert set(cloud.record.claims.values()) == {1}
    assert cloud.record.count("list") <= 2


# --- the provisioning sketch ---


async def test_a_provisioning_sketch_is_fetched_and_checked(
    arduino: ArduinoCloud, cloud: SimulatedArduinoCloud
) -> None:
    data = bytes(range(256)) * 100
    cloud.give_binary(UNO_R4_WIFI, "provisioning.bin", data)
    sketch = await arduino.fetch_sketch(f"{UNO_R4_WIFI}:option=1")
    assert (sketch.filename, sketch.data) == ("provisioning.bin", data)


async def test_a_board_without_a_provisioning_sketch_is_told_what_to_do(
    arduino: ArduinoCloud,
) -> None:
    with pytest.raises(NotSupported) as caught:
        await arduino.fetch_sketch(UNO_R4_WIFI)
    assert "Provisioning_2.0" in caught.value.report().remedy


# --- settings ---


def test_an_address_without_tls_is_refused_at_once(catalog: Catalog, store: AccountStore) -> None:
    with pytest.raises(InputError) as caught:
        ArduinoCloud(base_url="http://api2.example", accounts=store, catalog=catalog)
    assert caught.value.facts["field"] == "arduino.base_url"


async def test_the_forms_of_account_and_device_say_what_a_page_needs(
    connect: Callable[..., ArduinoCloud],
) -> None:
    info = await connect().info()
    secret = info.account_schema["properties"]["client_secret"]
    assert secret["format"] == "password"
    for schema in (info.account_schema, info.device_schema):
        assert schema["additionalProperties"] is False
        assert all(
            field["title"] and field["description"] for field in schema["properties"].values()
        )
    assert info.device_schema["required"] == ["name"]


async def test_an_account_shows_no_secret_in_any_form(
    arduino: ArduinoCloud, cloud: SimulatedArduinoCloud, store: AccountStore
) -> None:
    shown = repr((await arduino.info(), vars(arduino), await store.get("arduino")))
    assert cloud.client_secret.reveal() not in shown
    assert isinstance((await store.get("arduino") or {})["client_secret"], Secret)
