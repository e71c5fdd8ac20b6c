"""Secrets in foreign texts: whole, in part, of another board."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.clouds.http import detail_of
from agent.clouds.quoted import PART_CHARS, without_secrets
from agent.settings import Secret
from agent.simulator.nrf_identity import ModemIdentity

TOKEN = ModemIdentity("A").attest()
OTHER = ModemIdentity("B").attest()
BLYNK = "Q7rX_v2-PpLk9sWmZt4NcYbH1dGfJ6uE"


@pytest.mark.parametrize("part", [TOKEN, TOKEN[:60], TOKEN[-60:], TOKEN[50:130], TOKEN[:20]])
def test_a_part_of_the_token_that_was_sent_is_not_shown(part: str):
    told = detail_of(f'claimToken "{part}…" is malformed', [Secret(TOKEN)])
    assert told == 'claimToken "***…" is malformed'


@pytest.mark.parametrize(
    "part",
    [
        OTHER,
        OTHER.partition(".")[0],
        OTHER.partition(".")[2],
        OTHER[:24],
        OTHER[20:100],
        OTHER.partition(".")[2][:16],
    ],
)
def test_a_token_of_another_board_is_known_by_its_shape(part: str):
    assert detail_of(f"not {part}, but: no") == "not ***, but: no"


@pytest.mark.parametrize("part", [BLYNK, BLYNK[:20], BLYNK[9:]])
def test_a_token_of_blynk_that_was_sent_is_not_shown_in_part_either(part: str):
    assert detail_of(f"Invalid token {part}.", [Secret(BLYNK)]) == "Invalid token ***."


@pytest.mark.parametrize(
    "text",
    [
        "device 50503041-3633-4234-803d-1d2e3f405162 of team 7a7d5c1e-0000-4000-8000-00000000000a",
        "sha256 " + "0af1" * 16,
        "at https://api.provisioning.nrfcloud.com/v1/claimed-devices/350000000000000",
        "mfw_nrf91x1_2.0.2 wants nrf-cloud-onboarding, see ClaimDeviceOwnershipRequest",
        "org.thingsboard.server.common.data.exception.ThingsboardException2",
        "2dn3 0oRD",
    ],
)
def test_ids_sums_and_words_stay(text: str):
    assert without_secrets(text) == text


def test_short_secrets_are_looked_for_as_a_whole():
    assert detail_of("password, pass-word", [Secret("password")]) == "***, pass-word"
    assert detail_of("nothing", [Secret()]) == "nothing"


@given(st.text(max_size=40), st.text(max_size=40), st.integers(0, 31), st.integers(0, 31))
def test_no_part_of_a_secret_is_left(before: str, after: str, begin: int, end: int):
    told = without_secrets(f"{before}{BLYNK[begin:end]}{after}", [Secret(BLYNK)])
    parts = {BLYNK[at : at + PART_CHARS] for at in range(len(BLYNK) - PART_CHARS + 1)}
    assert not any(part in told for part in parts)
