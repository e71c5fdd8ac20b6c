"""Which procedure a board needs: the table of protocol-v1, sections 1 and 9."""

from __future__ import annotations

import pytest

from agent.catalog import Catalog
from agent.errors import InputError
from agent.jobs.fates import fates_of
from agent.jobs.which import FLASHING, BoardSays, CloudSays, decide, heard
from agent.sessions.session import BoardFacts

CATALOG = Catalog.load()

V2 = CloudSays(v2=True, min_sketch="0.6.0", min_wifi_firmware="0.6.0")
NOT_V2 = CloudSays(v2=False)
NOT_ASKED = CloudSays()
GOOD = BoardSays(answer="2.0", sketch_version="0.6.2")
SILENT = BoardSays(answer="silence")


def says(answer, **facts):
    return BoardSays(answer=answer, **facts)


def model(model_id):
    found = CATALOG.get(model_id)
    assert found is not None
    return found


TABLE = [
    # Boards that have both.
    ("mkr_wifi_1010", V2, GOOD, "provision-2.0", "speaks provisioning 2.0"),
    ("mkr_wifi_1010", NOT_ASKED, GOOD, "provision-2.0", "speaks provisioning 2.0"),
    ("mkr_wifi_1010", V2, says("1.0"), "migrate", "1.0"),
    ("mkr_wifi_1010", V2, says("console"), "migrate", "1.0"),
    ("mkr_wifi_1010", V2, SILENT, "flash-then-2.0", "does not answer"),
    ("mkr_wifi_1010", V2, says("text"), "flash-then-2.0", "a sketch of its own"),
    ("mkr_wifi_1010", V2, says("lora"), "flash-then-2.0", "EUI"),
    ("mkr_wifi_1010", V2, says("application"), "flash-then-2.0", "takes settings"),
    ("mkr_wifi_1010", V2, says("bootloader"), "flash-then-2.0", "bootloader"),
    ("mkr_wifi_1010", V2, BoardSays(), "flash-then-2.0", "not known"),
    ("mkr_wifi_1010", NOT_V2, GOOD, "provision-1.0", "no provisioning 2.0"),
    ("mkr_wifi_1010", NOT_V2, says("1.0"), "provision-1.0", "no provisioning 2.0"),
    # What a 2.0 sketch answers that is not good enough.
    ("nano_33_iot", V2, says("2.0", sketch_version="0.5.9"), "flash-then-2.0", "needs 0.6.0"),
    ("nano_33_iot", V2, says("2.0", sketch_version=None), "flash-then-2.0", "tell its version"),
    ("nano_33_iot", V2, says("2.0", sketch_version="new"), "flash-then-2.0", "tell its version"),
    ("nano_33_iot", V2, says("2.0", status=-7), "flash-then-2.0", "too old"),
    (
        "nano_33_iot",
        V2,
        says("2.0", sketch_version="0.6.2", status=-150),
        "flash-then-2.0",
        "cannot go on (status -150)",
    ),
    (
        "nano_33_iot",
        V2,
        says("2.0", sketch_version="0.6.2", status=-6),
        "flash-then-2.0",
        "cannot go on (status -6)",
    ),
    (
        "nano_33_iot",
        V2,
        says("2.0", sketch_version="0.6.2", status=-101),
        "provision-2.0",
        "speaks",
    ),
    ("nano_33_iot", CloudSays(v2=True), says("2.0", sketch_version="0.0.1"), "provision-2.0", ""),
    # Boards with 2.0 only.
    ("uno_r4_wifi", V2, GOOD, "provision-2.0", "speaks"),
    ("uno_r4_wifi", V2, SILENT, "flash-then-2.0", "does not answer"),
    ("uno_r4_wifi", V2, says("1.0"), "migrate", "1.0"),
    ("uno_r4_wifi", NOT_V2, GOOD, "unsupported", "there is no 1.0"),
    ("portenta_c33", NOT_ASKED, SILENT, "flash-then-2.0", "does not answer"),
    # Boards with 1.0 only; the cloud's list decides, not ours.
    ("mkr_1000_wifi", NOT_ASKED, SILENT, "provision-1.0", "The catalogue has no"),
    ("mkr_gsm_1400", NOT_V2, says("1.0"), "provision-1.0", "Arduino Cloud has no"),
    ("mkr_nb_1500", NOT_V2, SILENT, "provision-1.0", "Arduino Cloud has no"),
    ("mkr_nb_1500", V2, says("1.0"), "migrate", "1.0"),
    # Families with one way.
    ("mkr_wan_1300", V2, GOOD, "lora-1.0", "EUI"),
    ("mkr_wan_1310", NOT_ASKED, says("lora"), "lora-1.0", "EUI"),
    ("esp32", V2, SILENT, "secret-key", "no secure element"),
    ("nano_esp32", NOT_ASKED, GOOD, "secret-key", "no secure element"),
    ("pico_w", NOT_V2, SILENT, "secret-key", "no secure element"),
    ("thingy91", NOT_ASKED, SILENT, "unsupported", "cannot write"),
    ("portenta_x8", NOT_ASKED, SILENT, "unsupported", "cannot write"),
]


@pytest.mark.parametrize(("model_id", "cloud", "board", "procedure", "reason"), TABLE)
def test_the_procedure_follows_from_model_cloud_and_answer(
    model_id, cloud, board, procedure, reason
):
    decision = decide(model(model_id), cloud, board)
    assert decision.procedure == procedure
    assert reason in decision.reason
    assert decision.reason.endswith(".")
    assert not decision.overridden
    assert decision.flashes == (procedure in FLASHING)
    assert bool(decision.fates) == (procedure != "unsupported")
    assert procedure not in decision.possible


def test_a_board_outside_the_catalogue_is_taken_if_it_speaks_2_0():
    assert decide(None, NOT_ASKED, GOOD).procedure == "provision-2.0"
    assert decide(None, NOT_ASKED, SILENT).procedure == "unsupported"
    assert decide(None, NOT_ASKED, SILENT).possible == ()


def test_every_board_of_the_catalogue_gets_a_procedure_whatever_it_answers():
    for each in CATALOG.models:
        for cloud in (V2, NOT_V2, NOT_ASKED):
            for answer in ("not-asked", "1.0", "console", "lora", "text", "silence", "bootloader"):
                decision = decide(each, cloud, says(answer))
                assert decision.reason


def test_a_person_may_choose_another_procedure_that_is_possible():
    chosen = decide(model("mkr_wifi_1010"), V2, GOOD, wanted="provision-1.0")
    assert (chosen.procedure, chosen.overridden, chosen.flashes) == ("provision-1.0", True, True)
    assert chosen.reason.startswith("You chose it in place of provision-2.0. Its sketch speaks")
    assert chosen.possible == ("provision-2.0", "flash-then-2.0", "migrate")
    same = decide(model("mkr_wifi_1010"), V2, GOOD, wanted="provision-2.0")
    assert not same.overridden
    # The catalogue knows of 2.0 although the cloud does not list it.
    assert decide(model("uno_r4_wifi"), NOT_V2, GOOD, wanted="migrate").procedure == "migrate"


@pytest.mark.parametrize(
    ("model_id", "wanted"),
    [
        ("mkr_1000_wifi", "migrate"),
        ("uno_r4_wifi", "provision-1.0"),
        ("esp32", "provision-2.0"),
        ("mkr_wan_1300", "provision-1.0"),
        ("thingy91", "provision-2.0"),
    ],
)
def test_what_is_not_possible_is_refused_with_what_is(model_id, wanted):
    with pytest.raises(InputError) as caught:
        decide(model(model_id), NOT_ASKED, SILENT, wanted=wanted)
    assert caught.value.facts["field"] == "procedure"
    assert "only" in str(caught.value.facts["problem"])


def test_wi_fi_firmware_that_is_too_old_is_told_before_anything_starts():
    old = says("2.0", sketch_version="0.6.2", wifi_firmware="0.4.1")
    decision = decide(model("uno_r4_wifi"), V2, old)
    assert decision.procedure == "provision-2.0"
    assert "0.4.1" in (decision.warning or "")
    assert "0.6.0" in (decision.warning or "")
    assert decide(model("uno_r4_wifi"), CloudSays(v2=True), old).warning is None
    new = says("2.0", sketch_version="0.6.2", wifi_firmware="0.6.0")
    assert decide(model("uno_r4_wifi"), V2, new).warning is None
    assert decide(model("mkr_wifi_1010"), V2, old, wanted="provision-1.0").warning is None


def test_what_a_session_read_is_what_the_board_says():
    facts = BoardFacts(sketch_version="0.6.2", wifi_firmware="0.6.0", initial_status=2)
    assert heard(facts) == says("2.0", sketch_version="0.6.2", wifi_firmware="0.6.0", status=2)
    assert heard(BoardFacts(application_sketch=True)).answer == "application"


def test_what_is_lost_is_told_for_everything_that_overwrites_the_sketch():
    for procedure in FLASHING:
        lost = {fate.what for fate in fates_of(procedure) if fate.fate == "lost"}
        assert "the sketch on the board" in lost
    kept = {fate.what for fate in fates_of("secret-key") if fate.fate == "kept"}
    assert "the sketch on the board" in kept
    assert fates_of("unsupported") == ()


# --- Improv Wi-Fi ----------------------------------------------------------------------------

IMPROV = says("improv")
ONLY_NETWORK = CloudSays(only_network=True)
IN_CLOUD = CloudSays(only_network=False)


@pytest.mark.parametrize("model_id", [None, "esp32", "nano_esp32", "nano_33_iot"])
@pytest.mark.parametrize("cloud", [None, ONLY_NETWORK])
def test_a_device_that_speaks_improv_keeps_its_firmware(model_id, cloud):
    decision = decide(model(model_id) if model_id else None, cloud, IMPROV)
    assert decision.procedure == "improv"
    assert "ESPHome" in decision.reason
    assert not decision.flashes
    assert [fate.fate for fate in decision.fates] == ["kept", "lost", "kept", "new"]


@pytest.mark.parametrize(
    ("model_id", "procedure"),
    [(None, "unsupported"), ("esp32", "secret-key"), ("nano_33_iot", "flash-then-2.0")],
)
def test_with_a_cloud_it_takes_the_way_of_its_family(model_id, procedure):
    decision = decide(model(model_id) if model_id else None, IN_CLOUD, IMPROV)
    assert decision.procedure == procedure
    assert "improv" not in decision.possible
    if procedure != "secret-key":
        assert "Improv Wi-Fi" in decision.reason


@pytest.mark.parametrize("model_id", [None, "esp32", "esp8266"])
def test_without_a_cloud_a_board_of_which_nothing_else_is_known_is_asked(model_id):
    found = model(model_id) if model_id else None
    decision = decide(found, ONLY_NETWORK)
    assert decision.procedure == "improv"
    assert "found out when it is asked" in decision.reason
    assert decide(found, ONLY_NETWORK, SILENT).procedure != "improv"
    assert "improv" in decide(found).possible
    with pytest.raises(InputError, match="improv is not possible"):
        decide(found, IN_CLOUD, wanted="improv")


def test_a_board_that_is_known_for_something_better_is_not_offered_improv():
    assert decide(model("uno_r4_wifi"), ONLY_NETWORK).procedure == "flash-then-2.0"
    assert "improv" not in decide(model("uno_r4_wifi")).possible
    assert decide(None, ONLY_NETWORK, GOOD).procedure == "provision-2.0"
    assert decide(model("esp32"), ONLY_NETWORK, says("bootloader")).procedure == "secret-key"


def test_what_a_session_of_improv_learned_is_that():
    assert heard(BoardFacts(protocol="improv")).answer == "improv"
