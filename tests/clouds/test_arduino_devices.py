"""Devices made before their boards know: 1.0, LoRa, secret key, against the simulated cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from cryptography import x509

from agent.clouds.devices import Device, NewDevice
from agent.errors import (
    CertificateRefused,
    CloudAnswer,
    DeviceLeft,
    DeviceRefused,
    NotAuthorised,
    NotSignedIn,
    QuotaReached,
    SketchHalted,
    Unreachable,
)
from agent.protocols.v1.commands import Command, encode_command
from agent.simulator.device_certificate import rebuild
from tests.clouds.signing import SigningBoard
from tests.simulator.v1_replay import frames_in, send, v1_board

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.clouds.arduino import ArduinoCloud
    from agent.clouds.arduino_devices import ArduinoDevices
    from agent.simulator.arduino_cloud import SimulatedArduinoCloud
    from agent.simulator.arduino_faults import Operation
    from tests.clouds.manual_clock import ManualClock

MKR = NewDevice(
    name="bench-7",
    fqbn="arduino:samd:mkrwifi1010:option=1",
    serial_number="8A0C",
    connection_type="wifi",
)
ESP = NewDevice(name="esp", fqbn="esp32:esp32:esp32", secret_key=True)
WAN = NewDevice(name="far", fqbn="arduino:samd:mkrwan1310", serial_number="10RA")
PLAN = "EU_863_870_TTN"
EUI = "A8610A3233388B06"


@pytest.fixture
async def devices(arduino: ArduinoCloud) -> ArduinoDevices:
    return await arduino.devices()


# --- making a device ---


async def test_a_device_is_made_with_what_the_cloud_needs(
    devices: ArduinoDevices, cloud: SimulatedArduinoCloud
) -> None:
    made = await devices.create(MKR)
    assert (made.name, made.serial, made.type) == ("bench-7", "8A0C", "mkrwifi1010")
    (kept,) = cloud.devices.all.values()
    assert (kept.id, kept.fqbn, kept.connection_type) == (
        made.id,
        "arduino:samd:mkrwifi1010",
        "wifi",
    )
    assert await devices.show(made.id) == made


async def test_without_an_account_nothing_is_made(connect: Callable[..., ArduinoCloud]) -> None:
    with pytest.raises(NotSignedIn):
        await connect().devices()


async def test_devices_are_found_by_the_serial_number_of_their_board(
    devices: ArduinoDevices,
) -> None:
    made = await devices.create(MKR)
    await devices.create(ESP)
    assert await devices.find("8A0C") == [made]
    assert await devices.find("8A0") == []
    assert len(await devices.find(None)) == 2


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_lost_answer_to_a_creation_never_makes_a_second_device(
    devices: ArduinoDevices, cloud: SimulatedArduinoCloud, when: str
) -> None:
    older = await devices.create(MKR)
    cloud.faults.drop("device_create", "before" if when == "before" else "after")
    if when == "before":
        with pytest.raises(Unreachable):
            await devices.create(MKR)
        assert list(cloud.devices.all) == [older.id]
    else:
        made = await devices.create(MKR)
        assert list(cloud.devices.all) == [older.id, made.id]
    assert cloud.record.count("device_create") == 2


@pytest.mark.parametrize("others", [("somebody's",), ("bench-7", "bench-7")])
async def test_after_a_lost_answer_no_device_is_taken_that_may_be_another(
    devices: ArduinoDevices, cloud: SimulatedArduinoCloud, others: tuple[str, ...]
) -> None:
    for name in others:
        await devices.create(msgspec.structs.replace(MKR, name=name))
    cloud.faults.drop("device_create", "before")
    with pytest.raises(Unreachable):
        await devices.create(MKR, known=())


async def test_a_lost_answer_for_a_board_without_serial_number_is_cleared_up_as_well(
    devices: ArduinoDevices, cloud: SimulatedArduinoCloud
) -> None:
    await devices.create(MKR)
    cloud.faults.drop("device_create", "after")
    assert (await devices.create(ESP)).name == "esp"
    assert len(cloud.devices.all) == 2


async def test_a_device_that_may_exist_and_cannot_be_looked_for_is_told_as_sent(
    devices: ArduinoDevices, cloud: SimulatedArduinoCloud
) -> None:
    cloud.faults.drop("device_create", "after")
    cloud.faults.slow("device_list", 0.0)  # the look before the creation
    cloud.faults.answer("device_list", 503, times=None)
    with pytest.raises(Unreachable) as caught:
        await devices.create(MKR)
    assert caught.value.facts["sent"] is True
    assert len(cloud.devices.all) == 1


@pytest.mark.parametrize("status", [400, 404, 412])
async def test_a_refusal_shows_what_the_cloud_said(
    devices: ArduinoDevices, cloud: SimulatedArduinoCloud, status: int
) -> None:
    cloud.faults.answer("device_create", status)
    with pytest.raises(DeviceRefused, match="does not take this board") as caught:
        await devices.create(MKR)
    assert caught.value.facts["status"] == status
    assert str(status) in caught.value.report().meaning
    assert cloud.record.count("device_create") == 1


async def test_a_used_up_plan_is_told_in_the_clouds_words(
    devices: ArduinoDevices, cloud: SimulatedArduinoCloud
) -> None:
    cloud.devices.plan_limit = 0
    with pytest.raises(DeviceRefused) as caught:
        await devices.create(MKR)
    assert "plan allows no more devices" in caught.value.report().meaning


@pytest.mark.parametrize(("status", "error"), [(403, NotAuthorised), (429, QuotaReached)])
async def test_account_and_rate_limits_stay_what_they_are(
    devices: ArduinoDevices, cloud: SimulatedArduinoCloud, status: int, error: type[Exception]
) -> None:
    cloud.faults.answer("device_create", status)
    with pytest.raises(error):
        await devices.create(MKR)
    assert cloud.record.count("device_create") == 1


async def test_calls_share_the_rate_limit_of_the_cloud(
    arduino: ArduinoCloud, devices: ArduinoDevices, clock: ManualClock
) -> None:
    before = clock.now
    for _ in range(5):
        await arduino.find("00")
        await devices.find("8A0C")
    assert clock.now > before


# --- deleting, and cleaning up ---


async def test_deleting_twice_is_no_error(
    devices: ArduinoDevices, cloud: SimulatedArduinoCloud
) -> None:
    made = await devices.create(MKR)
    await devices.delete(made.id)
    await devices.delete(made.id)
    assert cloud.devices.all == {}
    with pytest.raises(CloudAnswer):
        await devices.show(made.id)


async def test_a_failure_deletes_the_device_and_is_told(
    devices: ArduinoDevices, cloud: SimulatedArduinoCloud
) -> None:
    made = await devices.create(MKR)
    cause = SketchHalted(seconds=2, why="-")
    assert await devices.undo(made.id, cause) is cause
    assert cloud.devices.all == {}


async def test_if_the_device_cannot_be_deleted_both_errors_are_told(
    devices: ArduinoDevices, cloud: SimulatedArduinoCloud
) -> None:
    made = await devices.create(MKR)
    cloud.faults.answer("device_delete", 400)
    told = await devices.undo(made.id, SketchHalted(seconds=2, why="-"))
    assert isinstance(told, DeviceLeft)
    report = told.report()
    assert "did not answer within 2 s" in report.title
    assert "HTTP status 400" in report.meaning
    assert made.id in report.remedy


async def test_an_id_cannot_lead_to_another_call(devices: ArduinoDevices) -> None:
    with pytest.raises(CloudAnswer):
        await devices.show("../../v1/supported/devices")


# --- certificates ---


async def test_a_board_gets_a_certificate_that_it_can_rebuild(
    devices: ArduinoDevices, cloud: SimulatedArduinoCloud
) -> None:
    made, board = await devices.create(MKR), v1_board()
    (frame,) = frames_in(send(board, encode_command(Command.CSR, made.id.encode())))
    certificate = await devices.certificate(made.id, bytes.fromhex(frame["payload"]).decode())
    for command, data in (
        (Command.BEGIN_STORAGE, b""),
        *certificate.fields,
        (Command.END_STORAGE, b""),
        (Command.RECONSTRUCT, b""),
    ):
        (answer,) = frames_in(send(board, encode_command(command, data)))
        assert answer["payload"] == "02", command
    rebuilt = x509.load_der_x509_certificate(rebuild(board.memory.element))
    (issued,) = cloud.devices.all[made.id].certificates
    assert rebuilt == x509.load_pem_x509_certificate(issued.pem.encode())
    assert rebuilt.subject.rfc4514_string() == f"CN={made.id}"


async def test_the_cloud_refuses_a_request_of_another_board_and_a_changed_one(
    devices: ArduinoDevices, cloud: SimulatedArduinoCloud
) -> None:
    made, board = await devices.create(MKR), SigningBoard()
    right = board.csr(made.id)
    changed = right.replace(right.splitlines()[2], right.splitlines()[2][::-1])
    for csr in (board.csr("another"), changed, "no request"):
        with pytest.raises(CertificateRefused) as caught:
            await devices.certificate(made.id, csr)
        assert "certificate request" in caught.value.report().meaning
    assert cloud.devices.all[made.id].certificates == []
    assert (await devices.certificate(made.id, right)).fields  # the device is still there


async def test_a_request_that_is_too_long_is_not_sent(
    devices: ArduinoDevices, cloud: SimulatedArduinoCloud
) -> None:
    with pytest.raises(CertificateRefused, match="no certificate"):
        await devices.certificate("id", "x" * 1025)
    assert cloud.record.count("device_certify") == 0


@pytest.mark.parametrize("status", [400, 404])
async def test_a_refused_certificate_is_not_asked_for_again(
    devices: ArduinoDevices, cloud: SimulatedArduinoCloud, status: int
) -> None:
    made = await devices.create(MKR)
    cloud.faults.answer("device_certify", status)
    with pytest.raises(CertificateRefused):
        await devices.certificate(made.id, SigningBoard().csr(made.id))
    assert cloud.record.count("device_certify") == 1


async def test_a_certificate_that_the_board_cannot_hold_is_told(
    connect: Callable[..., ArduinoCloud], cloud: SimulatedArduinoCloud, devices: ArduinoDevices
) -> None:
    made = await devices.create(MKR)
    cloud.devices.clock = lambda: 1_988_150_400.0  # 2033
    with pytest.raises(CertificateRefused) as caught:
        await devices.certificate(made.id, SigningBoard().csr(made.id))
    assert "2000 to 2031" in caught.value.report().meaning


# --- secret keys ---


async def test_a_secret_key_is_set_and_told_once(
    devices: ArduinoDevices, cloud: SimulatedArduinoCloud
) -> None:
    made = await devices.create(ESP)
    assert made.type == "login_and_secretkey_wifi"
    key = await devices.secret_key(made.id)
    assert cloud.devices.all[made.id].password == key.reveal()
    assert key.reveal() not in repr(key)


@pytest.mark.parametrize(
    ("operation", "status", "error"),
    [
        ("pass_suggest", 404, CloudAnswer),
        ("pass_set", 400, CloudAnswer),
        ("pass_set", 503, Unreachable),
    ],
)
async def test_a_key_that_could_not_be_set_is_an_error(
    devices: ArduinoDevices,
    cloud: SimulatedArduinoCloud,
    operation: Operation,
    status: int,
    error: type[Exception],
) -> None:
    made = await devices.create(ESP)
    cloud.faults.answer(operation, status)
    with pytest.raises(error):
        await devices.secret_key(made.id)
    assert cloud.devices.all[made.id].password is None


# --- LoRa ---


async def test_a_lora_device_comes_with_its_keys(
    devices: ArduinoDevices, cloud: SimulatedArduinoCloud
) -> None:
    plans = await devices.frequency_plans()
    assert PLAN in {plan.id for plan in plans}
    made = await devices.create_lora(WAN, eui=EUI, frequency_plan=PLAN)
    assert cloud.devices.all[made.device_id].lora == {
        "device_id": made.device_id,
        "eui": EUI,
        "app_eui": made.app_eui,
        "app_key": made.app_key.reveal(),
    }
    assert isinstance(await devices.show(made.device_id), Device)
    assert made.app_key.reveal() not in repr(made)


async def test_a_lora_device_whose_keys_were_lost_is_deleted_again(
    devices: ArduinoDevices, cloud: SimulatedArduinoCloud
) -> None:
    cloud.faults.drop("lora_create", "after")
    with pytest.raises(Unreachable):
        await devices.create_lora(WAN, eui=EUI, frequency_plan=PLAN)
    assert cloud.devices.all == {}
    assert cloud.record.count("lora_create") == 1


@pytest.mark.parametrize(("eui", "plan"), [("short", PLAN), (EUI, "MOON")])
async def test_wrong_lora_values_are_refused(
    devices: ArduinoDevices, cloud: SimulatedArduinoCloud, eui: str, plan: str
) -> None:
    with pytest.raises(DeviceRefused):
        await devices.create_lora(WAN, eui=eui, frequency_plan=plan)
    assert cloud.devices.all == {}
