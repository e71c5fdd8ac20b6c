"""Many devices by files: both shapes of results, errors by row, lost answers."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from agent.clouds.nrf.bulk import LOST, NO_REASON, RowResult
from agent.errors import CloudAnswer, NrfFileUnsure, Unreachable
from agent.protocols.nrf.csv import OnboardRow
from agent.protocols.nrf.token import parse_token
from agent.simulator.nrf_cloud_faults import Fault
from agent.simulator.nrf_identity import ModemIdentity

if TYPE_CHECKING:
    from agent.clouds.nrf.cloud import NrfCloud
    from agent.protocols.nrf.token import AttestationToken
    from agent.simulator.nrf_cloud import SimulatedNrfCloud
    from agent.simulator.nrf_cloud_claims import BulkShape

PENDING = ("PENDING", "IN_PROGRESS")


def certificate(name: str) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    begin = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
    builder = builder.public_key(key.public_key()).serial_number(1)
    builder = builder.not_valid_before(begin).not_valid_after(begin + dt.timedelta(days=1))
    made = builder.sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


def tokens(count: int) -> list[AttestationToken]:
    return [parse_token(ModemIdentity(str(number)).attest()) for number in range(count)]


@pytest.mark.parametrize("shape", ["200", "201", "202"])
async def test_what_became_of_each_board_is_told_in_every_shape(
    nrf: NrfCloud, service: SimulatedNrfCloud, shape: BulkShape
):
    service.claims.bulk_shape = shape
    service.bulks.waits = PENDING
    new, ours, theirs, unknown = four = tokens(4)
    await nrf.claim(ours, ())
    service.state.claim("others", theirs.text.reveal(), (), dry=False)
    service.state.strangers.add(unknown.device_id)
    results = await nrf.claim_many(four, ["a", "b"])
    assert [result.state for result in results] == ["done", "before", "failed", "failed"]
    assert [result.device_id for result in results] == [token.device_id for token in four]
    assert "claimed" in results[2].problem
    assert "not found" in results[3].problem
    assert service.state.claims[new.device_id].tags == ("a", "b")
    assert not any(token.text.reveal() in repr(results) for token in four)


async def test_a_thousand_and_one_boards_are_two_files(nrf: NrfCloud, service: SimulatedNrfCloud):
    service.state.claim = lambda *_args, **_more: None  # type: ignore[method-assign]  # no signature checked 1001 times
    results = await nrf.claim_many(tokens(1) * 1001)
    assert service.record.count("claim", 201) == 2
    assert len(results) == 1001


async def test_reasons_of_other_shapes_are_found_without_their_tokens(
    nrf: NrfCloud, service: SimulatedNrfCloud
):
    first, second, third = tokens(3)
    text = second.text.reveal()
    failed = [first.device_id, {"claimToken": text, "message": f"no: {text}"}, {"row": 1}]
    body = json.dumps({"claimedIds": [], "failed": failed})
    service.faults.add(Fault("text", "claim", text=body))
    service.state.strangers |= {token.device_id for token in (first, second, third)}
    results = await nrf.claim_many([first, second, third])
    assert [result.problem for result in results] == [NO_REASON, "no: ***", NO_REASON]


@pytest.mark.parametrize("act", ["lose", "close"])
async def test_after_a_lost_answer_the_list_tells_which_boards_are_claimed(
    nrf: NrfCloud, service: SimulatedNrfCloud, act
):
    two = tokens(2)
    service.faults.add(Fault(act, "claim"))
    results = await nrf.claim_many(two)
    expected = ("done", "") if act == "lose" else ("failed", LOST)
    assert results == [RowResult(token.device_id, *expected) for token in two]  # type: ignore[arg-type]  # from the literals


async def test_devices_with_certificates_are_made_and_errors_are_told_by_row(
    nrf: NrfCloud, service: SimulatedNrfCloud
):
    service.bulks.waits = PENDING
    pem = certificate("a")
    broken = pem.replace("M", "A", 1)
    rows = [
        OnboardRow("a", pem, "pump", ("t1", "t2"), ("APP", "MODEM")),
        OnboardRow("b", broken),
        OnboardRow("c", pem),
    ]
    assert [r.state for r in await nrf.onboard_many(rows[::2])] == ["done", "done"]
    results = await nrf.onboard_many(rows)
    assert [result.state for result in results] == ["failed"] * 3
    assert [result.problem for result in results] == [
        "Device already exists",
        "Invalid certificate",
        "Device already exists",
    ]
    made = service.state.devices["a"]
    assert (made.sub_type, made.tags, made.firmware_types) == (
        "pump",
        ("t1", "t2"),
        ("APP", "MODEM"),
    )
    assert service.record.count("errors", 200) == 1


async def test_a_file_that_never_ends_and_one_whose_answer_is_lost_are_told(
    nrf: NrfCloud, service: SimulatedNrfCloud
):
    rows = [OnboardRow("a", certificate("a"))]
    service.bulks.waits = ("PENDING",) * 1000
    with pytest.raises(NrfFileUnsure):
        await nrf.onboard_many(rows)
    service.faults.add(Fault("lose", "onboard"))
    with pytest.raises(NrfFileUnsure):
        await nrf.onboard_many(rows)
    service.faults.add(Fault("status", "onboard", status=400, text="no file"))
    with pytest.raises(CloudAnswer):
        await nrf.onboard_many(rows)


@pytest.mark.parametrize("status", [401, 403, 429])
async def test_a_refusal_behind_the_upload_says_nothing_about_the_devices(
    nrf: NrfCloud, service: SimulatedNrfCloud, status: int
):
    service.bulks.waits = PENDING
    service.faults.add(Fault("status", "bulk", status=status, times=None))
    with pytest.raises(NrfFileUnsure) as unsure:
        await nrf.onboard_many([OnboardRow("a", certificate("a"))])
    assert unsure.value.facts["maybe_done"] is True
    assert unsure.value.facts["count"] == 1
    service.claims.bulk_shape = "202"
    with pytest.raises(NrfFileUnsure) as unsure:
        await nrf.claim_many(tokens(1))
    assert unsure.value.facts["maybe_done"] is True
    service.faults.clear()
    assert [each.state for each in await nrf.claim_many(tokens(1))] == ["before"]


@pytest.mark.parametrize("url", ["http://elsewhere.invalid/x", "ftp://x", "", "https://"])
async def test_errors_at_an_address_that_is_not_safe_are_not_fetched(
    nrf: NrfCloud, service: SimulatedNrfCloud, url: str
):
    text = json.dumps({"status": "FAILED", "errorSummaryUrl": url})
    service.faults.add(Fault("text", "bulk", text=text))
    rows = [OnboardRow("a", certificate("a"))]
    if url:
        with pytest.raises(NrfFileUnsure):
            await nrf.onboard_many(rows)
    else:
        assert await nrf.onboard_many(rows) == [RowResult("a", "failed", NO_REASON)]


async def test_errors_that_belong_to_no_row_belong_to_all(
    nrf: NrfCloud, service: SimulatedNrfCloud
):
    service.faults.add(Fault("text", "errors", text='{"errors":["limit reached"]}'))
    rows = [
        OnboardRow(name, "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----")
        for name in "ab"
    ]
    results = await nrf.onboard_many(rows)
    assert [result.problem for result in results] == ["limit reached"] * 2


async def test_a_cloud_that_is_away_is_told(nrf: NrfCloud, service: SimulatedNrfCloud):
    service.down = True
    with pytest.raises((Unreachable, NrfFileUnsure)):
        await nrf.onboard_many([OnboardRow("a", certificate("a"))])
