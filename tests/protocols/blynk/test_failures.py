"""Why a board did not come online."""

from __future__ import annotations

import pytest

from agent.protocols.blynk.failures import FAILURES, from_code, from_message

CODES = [700, 701, 702, 703, 704, 705, 710, 711, 712, 720, 721, 722, 723, 730, 731, 732]
NET = [
    ("timeout", 701),
    ("not_found", 720),
    ("no_cable", 721),
    ("invalid_credentials", 722),
    ("no_ip_assigned", 723),
    ("generic", 704),
    ("sim_missing", 730),
    ("sim_locked", 731),
    ("sim_wrong_pin", 732),
]
CLOUD = [
    ("timeout", 702),
    ("auth_failed", 703),
    ("dns_failed", 710),
    ("invalid_certificate", 711),
    ("captive_portal", 712),
    ("generic", 705),
]


def test_every_code_of_the_firmware_is_known_once():
    assert [failure.code for failure in FAILURES] == CODES


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: str(failure.code))
def test_each_says_what_happened_what_it_means_and_what_to_do(failure):
    for sentence in (failure.title, failure.meaning, failure.remedy):
        assert sentence.endswith(".")
    assert from_code(failure.code) is failure


@pytest.mark.parametrize(
    ("kind", "reason", "code"),
    [("net_fail", *each) for each in NET] + [("cloud_fail", *each) for each in CLOUD],
)
def test_every_reason_over_bluetooth_has_its_code(kind, reason, code):
    assert from_message(kind, reason).code == code


def test_what_is_new_is_told_as_well_as_it_can_be():
    assert from_message("net_fail", "sunspots").code == 704
    assert from_message("cloud_fail", "").code == 705
    assert from_message("connect_fail", "").code == 700
    unknown = from_code(799)
    assert unknown is not None
    assert "799" in unknown.title
    assert from_code(0) is None
