"""The chosen network against the board's own scan, and versions against the minimum."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.clouds.cloud import Requirements
from agent.errors import NotSupported, OldFirmware
from agent.jobs.check import check_kind, check_network, check_versions, explain_unseen
from agent.sessions.session import NetworkOption
from agent.settings.network import Cellular, Ethernet, WiFi
from tests.jobs.samples import board_facts, option, wifi

SEEN = [option("HomeNet"), option("Office", -67), option("Far", -88)]


def warned(ssid: str, options: list[NetworkOption] | None = None) -> dict[str, str | None]:
    found = check_network(wifi(ssid), SEEN if options is None else options)
    return {warning.code: warning.ssid for warning in found}


def test_a_network_that_is_seen_well_has_no_warning():
    assert warned("HomeNet") == {}


@pytest.mark.parametrize(
    ("typed", "seen"),
    [
        ("homenet", "HomeNet"),
        ("HomeNet ", "HomeNet"),
        (" HomeNet", "HomeNet"),
        ("Home Net", "Home\u00a0Net"),
        ("Home\u200bNet", "HomeNet"),
        ("H0meNet", "HomeNet"),
        ("HomeNet_5G", "HomeNet"),
        ("HomeNet", "HomeNet-5GHz"),
        ("HomeNet", "HomeNet_2.4G"),
        ("Home-Net", "Home_Net"),
        ("Cafe\u0301", "Café"),
        ("Anna’s iPhone", "Anna's iPhone"),
        ("HomeNett", "HomeNet"),
    ],
)
def test_a_look_alike_is_named(typed: str, seen: str):
    assert warned(typed, [option("Other"), option(seen)])["look-alike"] == seen


def test_a_name_of_which_only_case_differs_goes_before_one_that_is_merely_similar():
    assert warned("office", [option("Officer"), option("Office")])["look-alike"] == "Office"


def test_an_exact_name_is_taken_although_a_look_alike_is_there():
    assert warned("homenet", [option("homenet"), option("HomeNet")]) == {}


def test_a_blank_at_the_end_is_pointed_out_unless_the_network_is_really_called_so():
    assert warned("Garden ") == {"not-seen": None, "blank": "Garden"}
    assert warned("Garden ", [option("Garden ")]) == {}


def test_a_hidden_network_may_be_the_one():
    assert warned("Secret", [*SEEN, option("", -50)]) == {"hidden": None}


def test_nothing_seen_at_all_is_said_so():
    assert warned("HomeNet", []) == {"nothing-seen": None}


def test_a_full_list_may_have_left_the_network_out():
    full = [option(f"network {i} of many others") for i in range(20)]
    (warning,) = check_network(wifi("Mine"), full)
    assert warning.code == "not-seen"
    assert "20 networks at most" in warning.text


def test_a_weak_network_is_warned_about_if_it_was_typed_and_not_if_it_was_chosen():
    assert warned("Far") == {"weak": None}
    chosen = WiFi(ssid="Far", ssid_hex=b"Far".hex())
    assert check_network(chosen, SEEN) == []


def test_the_strongest_of_several_with_one_name_counts():
    assert warned("Far", [*SEEN, option("Far", -50)]) == {}


def test_names_that_are_no_text_are_compared_as_bytes():
    raw = NetworkOption(ssid="�", ssid_hex="ff", rssi_dbm=-50)
    assert check_network(WiFi(ssid_hex="ff"), [raw]) == []
    assert [w.code for w in check_network(WiFi(ssid_hex="fe"), [raw])] != []


def test_other_kinds_of_network_are_not_looked_for():
    assert check_network(Ethernet(), SEEN) == []
    assert explain_unseen(Ethernet(), SEEN) is None


def test_what_is_unseen_is_explained_and_what_is_seen_is_not():
    assert explain_unseen(wifi("HomeNet"), SEEN) is None
    assert "“HomeNet”" in (explain_unseen(wifi("homenet"), SEEN) or "")


@given(st.text(max_size=32), st.lists(st.binary(max_size=32), max_size=20))
def test_any_name_against_any_scan_gives_an_answer_fit_to_be_shown(typed, names):
    try:
        network = wifi(typed)
        network.check()
    except Exception:
        return
    options = [
        NetworkOption(ssid=name.decode(errors="replace"), ssid_hex=name.hex(), rssi_dbm=-50)
        for name in names
    ]
    for warning in check_network(network, options):
        assert warning.text
        assert "\n" not in warning.text


def test_a_kind_that_the_firmware_lacks_is_refused_with_those_that_it_has():
    check_kind(wifi(), "Opta", ("wifi", "ethernet"))
    with pytest.raises(NotSupported) as caught:
        check_kind(Cellular(), "UNO R4 WiFi", ("wifi",))
    assert "Wi-Fi" in caught.value.report().remedy


@pytest.mark.parametrize(
    ("found", "minimum", "too_old"),
    [
        ("0.6.2", "0.6.0", False),
        ("0.6", "0.6.0", False),
        ("0.5.9", "0.6.0", True),
        ("0.10.0", "0.9.0", False),
        ("0.6.0-rc1", "0.6.0", False),
        (None, "0.6.0", False),
        ("0.6.0", None, False),
    ],
)
def test_versions_are_compared_part_by_part(found: str | None, minimum: str | None, too_old: bool):
    facts = board_facts(sketch_version=found)
    if too_old:
        with pytest.raises(OldFirmware, match="provisioning sketch"):
            check_versions(facts, Requirements(min_sketch=minimum))
    else:
        check_versions(facts, Requirements(min_sketch=minimum))


def test_the_wifi_firmware_is_checked_and_one_that_could_not_be_asked_for_is_not():
    needed = Requirements(min_wifi_firmware="0.5.0")
    with pytest.raises(OldFirmware, match="Wi-Fi firmware"):
        check_versions(board_facts(wifi_firmware="0.4.1"), needed)
    check_versions(board_facts(wifi_firmware=None), needed)
