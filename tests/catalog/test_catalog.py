"""The catalogue: all boards load, look-ups find them, and a wrong file says what is wrong where."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from agent.catalog import Catalog, UsbId
from agent.catalog.catalog import BOARDS_FILE
from agent.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.load()


def ids(catalog: Catalog, vid: int, pid: int) -> list[tuple[str, str]]:
    return [(match.model.id, match.role) for match in catalog.by_usb(vid, pid)]


def test_all_29_models_load(catalog):
    assert len(catalog.models) == 29
    assert len({model.id for model in catalog.models}) == 29


def test_every_usb_id_of_the_file_finds_its_model(catalog):
    for board in json.loads(BOARDS_FILE.read_text())["boards"]:
        for role in ("sketch", "bootloader", "other"):
            for usb in board["usb"].get(role, []):
                # A vendor without a product matches whatever product comes.
                pid = int(usb["pid"] or "0x4242", 16)
                found = [name for name, _ in ids(catalog, int(usb["vid"], 16), pid)]
                assert board["id"] in found


def test_a_model_with_one_id_for_sketch_and_bootloader_matches_once_as_sketch(catalog):
    assert ids(catalog, 0x2341, 0x1002) == [("uno_r4_wifi", "sketch")]


def test_a_bootloader_id_is_told_from_a_sketch_id(catalog):
    assert ids(catalog, 0x2341, 0x0054) == [("mkr_wifi_1010", "bootloader")]
    assert ids(catalog, 0x2341, 0x8054) == [("mkr_wifi_1010", "sketch")]


def test_an_id_of_a_common_bridge_matches_every_model_that_uses_it(catalog):
    found = ids(catalog, 0x10C4, 0xEA60)
    assert [role for _, role in found] == ["sketch"] * 6
    assert {"esp32", "esp8266"} < {name for name, _ in found}


def test_sketches_come_before_bootloaders_and_other_faces(catalog):
    roles = [role for _, role in ids(catalog, 0x303A, 0x1001)]
    assert roles == sorted(roles, key=["sketch", "bootloader", "other"].index)
    assert roles[-1] == "other"


def test_a_vendor_alone_matches_after_exact_ids(catalog):
    assert {name for name, _ in ids(catalog, 0x1366, 0x1061)} == {"nrf9151_dk", "nrf9160_dk"}


def test_ids_that_nobody_uses_match_nothing(catalog):
    assert ids(catalog, 0x1234, 0x5678) == []


def test_an_fqbn_finds_its_model_with_and_without_board_options(catalog):
    assert catalog.by_fqbn("arduino:renesas_uno:unor4wifi").id == "uno_r4_wifi"
    assert catalog.by_fqbn("arduino:mbed_portenta:envie_m7:split=100_0").id == "portenta_h7"
    assert catalog.by_fqbn("arduino:avr:uno") is None


def test_an_id_finds_its_model(catalog):
    assert catalog.get("opta").name.startswith("Arduino Opta")
    assert catalog.get("teapot") is None


def test_the_network_kinds_are_those_of_the_firmware(catalog):
    kinds = {model.id: set(model.networks) for model in catalog.models if model.networks}
    wifi_only = {
        "uno_r4_wifi",
        "giga_r1_wifi",
        "nicla_vision",
        "nano_rp2040_connect",
        "nano_33_iot",
        "mkr_wifi_1010",
    }
    assert {name for name, found in kinds.items() if found == {"wifi"}} == wifi_only
    assert kinds["opta"] == {"wifi", "ethernet"}
    assert kinds["portenta_h7"] == {"wifi", "ethernet", "catm1", "cellular"}
    assert kinds["portenta_c33"] == {"wifi", "ethernet", "cellular"}
    assert set(kinds) == {m.id for m in catalog.models if "2.0" in m.provisioning}


def test_the_provisioning_versions_are_those_that_exist(catalog):
    versions = {model.id: model.provisioning for model in catalog.models}
    assert versions["uno_r4_wifi"] == ("2.0",)
    assert versions["portenta_c33"] == ("2.0",)
    assert versions["mkr_wifi_1010"] == ("1.0", "2.0")
    assert versions["mkr_1000_wifi"] == ("1.0",)
    assert versions["nano_esp32"] == ()


def test_models_of_provisioning_2_0_have_registration_ids(catalog):
    for model in catalog.models:
        assert (model.registration is not None) == ("2.0" in model.provisioning)
    assert catalog.get("nano_rp2040_connect").registration == UsbId(0x2341, 0x005E)


@pytest.mark.parametrize(
    ("model", "flash", "first"),
    [
        ("mkr_wifi_1010", 0x40000, 0x2000),
        ("mkr_1000_wifi", 0x40000, 0x2000),
        ("mkr_gsm_1400", 0x40000, 0x2000),
        ("mkr_nb_1500", 0x40000, 0x2000),
        ("mkr_wan_1300", 0x40000, 0x2000),
        ("mkr_wan_1310", 0x40000, 0x2000),
        ("nano_33_iot", 0x40000, 0x2000),
        ("wio_terminal", 0x80000, 0x4000),
        ("uno_r4_wifi", 0x40000, 0x4000),
        ("portenta_c33", 0x200000, 0x10000),
        ("portenta_h7", 0x200000, 0x40000),
        ("portenta_machine_control", 0x200000, 0x40000),
        ("giga_r1_wifi", 0x200000, 0x40000),
        ("opta", 0x200000, 0x40000),
        ("nicla_vision", 0x200000, 0x40000),
    ],
)
def test_the_room_for_a_sketch_is_the_flash_behind_the_loader(catalog, model, flash, first):
    assert catalog.get(model).upload.max_size == flash - first


def test_reconfiguration_tells_pin_time_led_and_words(catalog):
    reset = catalog.get("giga_r1_wifi").reconfiguration
    assert (reset.pin, reset.hold_seconds, reset.led) == ("7", 3, "green LED")
    assert "pin 7" in reset.procedure
    assert all(m.reconfiguration.procedure for m in catalog.models)
    assert all(m.reconfiguration.led for m in catalog.models if m.reconfiguration.available)


def edited(tmp_path: Path, edit: Callable[[dict[str, Any]], object]) -> Path:
    data = json.loads(BOARDS_FILE.read_text())
    edit(data)
    path = tmp_path / "boards.json"
    path.write_text(json.dumps(data))
    return path


def uno(data: dict[str, Any]) -> dict[str, Any]:
    return next(board for board in data["boards"] if board["id"] == "uno_r4_wifi")


@pytest.mark.parametrize(
    ("edit", "parts"),
    [
        (lambda d: uno(d).update(colour="teal"), ["board uno_r4_wifi", "colour"]),
        (lambda d: uno(d).pop("name"), ["board uno_r4_wifi", "name"]),
        (
            lambda d: uno(d)["usb"]["sketch"][0].update(vid="2341"),
            ["uno_r4_wifi", "usb.sketch", "vid"],
        ),
        (lambda d: uno(d)["usb"].update(sketch=[]), ["uno_r4_wifi", "usb.sketch"]),
        (lambda d: uno(d)["reconfiguration"].update(hold_seconds="3"), ["hold_seconds", "int"]),
        (lambda d: uno(d)["reconfiguration"].update(pin=None), ["reconfiguration", "pin"]),
        (lambda d: uno(d)["connectivity"].append("smoke"), ["connectivity", "smoke", "wifi"]),
        (lambda d: uno(d)["provisioning"].pop("networks_2_0"), ["networks_2_0"]),
        (lambda d: uno(d).update(drawing="cat"), ["drawing", "cat", "generic"]),
        (lambda d: uno(d).update(fqbn="arduino:unor4wifi"), ["uno_r4_wifi", "fqbn"]),
        (lambda d: d["boards"].append(uno(d)), ["uno_r4_wifi", "twice"]),
        (lambda d: uno(d).pop("id"), ["board 28", "id"]),
        (lambda d: d.update(format=2), ["format 2"]),
        (lambda d: d.pop("boards"), ["boards"]),
    ],
)
def test_a_wrong_file_is_refused_with_file_board_and_field(tmp_path, edit, parts):
    with pytest.raises(InputError) as caught:
        Catalog.load(edited(tmp_path, edit))
    title = caught.value.report().title
    for part in ["boards.json", *parts]:
        assert part in title


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff\xfe", b'{"format": 1, "boards": [17]}'])
def test_a_file_that_is_no_catalogue_is_refused(tmp_path, content):
    path = tmp_path / "mine.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"mine\.json"):
        Catalog.load(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        Catalog.load(tmp_path / "none.json")
