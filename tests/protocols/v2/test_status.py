from __future__ import annotations

from agent.protocols.v2.status import STATUSES, StatusCode, status_info


def test_every_code_has_a_row_with_words():
    assert set(STATUSES) == set(StatusCode)
    for info in STATUSES.values():
        assert info.meaning.endswith(".")
        assert info.action.endswith(".") or info.code > 0


def test_failures_of_the_self_check_are_fatal_and_failures_to_join_are_not():
    fatal = {code for code, info in STATUSES.items() if info.fatal}
    assert fatal == {-150, -151, -152, -160, -200, -201}


def test_a_code_of_newer_firmware_still_gets_words():
    info = status_info(-77)
    assert (info.code, info.name, info.fatal) == (-77, "status -77", False)
    assert info.meaning
    assert info.action
