"""The procedure for a request: what is refused at once, and what a job shows of its request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agent.errors import InputError, MooringError, NotSignedIn, NotSupported
from agent.jobs.flash import Flash
from agent.jobs.flash_effects import Source, Upload, plain_address
from agent.jobs.forget import Forget
from agent.jobs.plan import Plan, make_plan
from agent.jobs.provision_v1 import ProvisionV1
from agent.jobs.request import parse_request
from agent.jobs.setup import Setup
from agent.jobs.start import Start
from agent.jobs.states import State
from tests.jobs.bench import PASSWORD
from tests.jobs.flashing import happens, told

if TYPE_CHECKING:
    from tests.jobs.bench import Bench

HOME = {"kind": "wifi", "ssid": "HomeNet", "password": PASSWORD}
FILE = Upload(name="blink.bin", data=b"\0")


async def plan(bench: Bench, *, attended: bool = True, **request: Any) -> Plan:
    board = bench.board
    return await make_plan(
        parse_request({"board": board.id} | request),
        board,
        attended=attended,
        catalog=bench.catalog,
        clouds=bench.jobs._surroundings.clouds,
    )


@pytest.fixture
async def mkr(bench: Bench) -> Bench:
    """A bench with an MKR WiFi 1010."""
    await bench.plug(model="mkr_wifi_1010")
    await bench.start_agent(clock=bench.hurried)
    return bench


# --- flash -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "field", "problem"),
    [
        ({}, "sketch", "is missing"),
        ({"sketch": "a", "url": "https://x/y.bin"}, "sketch", "does not go with url"),
        ({"image": FILE, "url": "https://x/y.bin"}, "image", "does not go with url"),
        ({"url": "http://[x/y.bin"}, "url", "is not an address"),
        ({"url": "file:///etc/passwd"}, "url", "is not an address of a file"),
        ({"url": "http://example.org/y.bin"}, "url", "must begin with https"),
        ({"image": 7}, "image", "is not a file that was handed over"),
        ({"image": FILE, "override": "uno_r4_wifi"}, "override", "mkr_wifi_1010"),
        ({"image": FILE, "override": ""}, "override", "mkr_wifi_1010"),
        ({"image": FILE, "model": "esp32"}, "model", "is wrong"),
        ({"image": FILE, "network": HOME}, "network", "is not used by flash"),
        ({"image": FILE, "prepare_only": True}, "prepare_only", "is not used by flash"),
    ],
)
async def test_a_wrong_request_to_flash_names_its_field(mkr: Bench, given, field, problem):
    with pytest.raises(InputError, match=problem) as caught:
        await plan(mkr, kind="flash", **given)
    assert caught.value.facts["field"] == field


@pytest.mark.parametrize(
    ("given", "source", "shown"),
    [
        ({"sketch": "provisioning"}, Source(kind="provisioning-2.0"), "provisioning"),
        ({"sketch": "provisioning-1.0"}, Source(kind="provisioning-1.0"), "provisioning-1.0"),
        ({"sketch": "abcd"}, Source(stored="abcd"), "abcd"),
        ({"image": FILE}, Source(upload=FILE), "blink.bin"),
        (
            {"image": FILE, "override": "mkr_wifi_1010"},
            Source(upload=FILE, override=True),
            "blink.bin",
        ),
        (
            {"url": "https://example.org/a/y.bin?token=marker"},
            Source(url="https://example.org/a/y.bin?token=marker"),
            "https://example.org/a/y.bin",
        ),
    ],
)
async def test_what_is_to_be_written_is_known_and_shown_without_what_gives_access(
    mkr: Bench, given, source, shown
):
    made = await plan(mkr, kind="flash", **given)
    assert isinstance(made.machine, Flash)
    assert made.machine.source == source
    assert made.shown["sketch"] == shown
    assert "marker" not in repr(made.shown)


def test_an_address_is_shown_without_what_gives_access():
    assert plain_address("https://me:marker@x.org:8/y.bin?t=marker#m") == "https://x.org:8/y.bin"
    assert plain_address("") == ""
    assert plain_address("y.bin") == "y.bin"
    assert "\n" not in plain_address("https://x/a\nb")


async def test_only_a_start_asks_for_nothing_else(mkr: Bench):
    assert isinstance((await plan(mkr, kind="start")).machine, Start)
    with pytest.raises(InputError):
        await plan(mkr, kind="start", sketch="provisioning")


# --- migrate ---------------------------------------------------------------------------------


async def test_a_migration_is_for_the_one_cloud_that_has_it(mkr: Bench):
    made = await plan(mkr, kind="migrate", network=HOME)
    machine = made.machine
    assert isinstance(machine, Setup)
    assert machine.state is State.LOOKING
    assert machine.order.name == made.shown["name"] == "mkr-wifi-1010-f184"
    assert made.cloud is mkr.arduino
    assert "password" not in repr(made.shown)
    with pytest.raises(InputError, match="cloud"):
        await plan(mkr, kind="migrate", network=HOME, cloud="none")


async def test_a_migration_may_ask_for_its_network_only_if_somebody_is_there(mkr: Bench):
    assert (await plan(mkr, kind="migrate")).shown.get("network") is None
    only = await plan(mkr, kind="migrate", prepare_only=True, attended=False)
    assert isinstance(only.machine, Setup)
    with pytest.raises(InputError, match="network"):
        await plan(mkr, kind="migrate", attended=False)


async def test_without_an_account_only_the_sketch_can_be_prepared(mkr: Bench):
    await mkr.arduino.logout()
    with pytest.raises(NotSignedIn):
        await plan(mkr, kind="migrate")
    made = await plan(mkr, kind="migrate", prepare_only=True)
    assert made.shown == {
        "kind": "migrate",
        "board": mkr.board.id,
        "via": "usb",
        "cloud": "arduino",
        "prepare_only": True,
    }


@pytest.mark.parametrize("kind", ["migrate", "flash"])
async def test_a_board_of_an_unknown_kind_cannot_be_written(bench: Bench, kind):
    await bench.plug(model="esp32", sketch="other")
    await bench.start_agent(clock=bench.hurried)
    extra: dict[str, Any] = {"image": FILE} if kind == "flash" else {}
    with pytest.raises(InputError, match="model"):
        await plan(bench, kind=kind, **extra)
    if kind == "flash":
        assert (await plan(bench, kind=kind, model="esp32", **extra)).model
    else:
        with pytest.raises(NotSupported):
            await plan(bench, kind=kind, model="esp32")


# --- provision and forget --------------------------------------------------------------------


async def test_the_procedure_is_what_catalogue_and_cloud_say_unless_it_is_chosen(mkr: Bench):
    request: dict[str, Any] = {
        "kind": "provision",
        "cloud": "arduino",
        "name": "k",
        "network": HOME,
    }
    machine = (await plan(mkr, **request)).machine
    assert isinstance(machine, Setup)
    assert machine.state is State.READING
    chosen = await plan(mkr, procedure="provision-1.0", **request)
    assert isinstance(chosen.machine, ProvisionV1)
    assert chosen.shown["procedure"] == "provision-1.0"
    written = (await plan(mkr, procedure="flash-then-2.0", **request)).machine
    assert written.state is State.LOOKING
    with pytest.raises(InputError, match="procedure"):
        await plan(mkr, procedure="lora-1.0", **request)


async def test_a_board_in_its_bootloader_is_not_asked_what_it_cannot_answer(bench: Bench):
    device = await bench.plug(model="mkr_wifi_1010")
    await bench.start_agent(clock=bench.hurried)
    device.press_reset(times=2)
    await happens(bench, lambda: "bootloader" in told(bench))
    await happens(bench, lambda: bench.board.state.value == "bootloader")
    request: dict[str, Any] = {
        "kind": "provision",
        "cloud": "arduino",
        "name": "k",
        "network": HOME,
    }
    assert (await plan(bench, **request)).machine.state is State.LOOKING
    machine = (await plan(bench, kind="forget")).machine
    assert isinstance(machine, Forget)
    assert machine.state is State.CHOOSING
    with pytest.raises(MooringError):
        await plan(bench, kind="identify")
