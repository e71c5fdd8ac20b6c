"""Options of ``provision`` for nRF Cloud and Blynk: which go together."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from agent.cli.family_commands import read_address
from agent.cli.setup_commands import provision
from agent.errors import InputError


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--cloud", "arduino", "b", "--tag", "a"], "--tag is used with --cloud nrf"),
        (["--cloud", "blynk", "b", "--tag", "a"], "--tag is used with --cloud nrf"),
        (["--cloud", "nrf", "b", "--address", "x"], "--address is used with --cloud blynk"),
        (["--cloud", "nrf", "b", "--template", "T"], "--template is used with --cloud blynk"),
        (["--cloud", "nrf", "--access-point", "Blynk"], "--access-point is used with"),
        (["--cloud", "none", "b", "--token-stdin"], "is used with --cloud blynk or nrf"),
        (["--cloud", "nrf", "b", "--nvs", "x"], "--nvs is used with --cloud thingsboard"),
        (["--cloud", "nrf", "--token-stdin"], "standard input is empty"),
        (["--cloud", "nrf"], "--token-stdin"),
    ],
)
def test_an_option_of_another_cloud_is_refused(words: list[str], said: str) -> None:
    assert said in CliRunner().invoke(provision, words).output.replace(": is", " is")


def test_blynk_needs_a_board_or_its_own_network() -> None:
    ended = CliRunner().invoke(provision, ["--cloud", "blynk"], standalone_mode=True)
    assert ended.exit_code == 2
    assert "Missing argument 'BOARD'" in ended.output


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "192.168.1.50/24,192.168.1.1",
            {"ip": "192.168.1.50", "netmask": "255.255.255.0", "gateway": "192.168.1.1"},
        ),
        (
            "10.0.0.5/255.0.0.0, 10.0.0.1, 9.9.9.9, 1.1.1.1",
            {
                "ip": "10.0.0.5",
                "netmask": "255.0.0.0",
                "gateway": "10.0.0.1",
                "dns": "9.9.9.9",
                "dns2": "1.1.1.1",
            },
        ),
        ("192.168.1.50,192.168.1.1", None),
        ("192.168.1.50/24", None),
        ("router/24,192.168.1.1", None),
        ("192.168.1.50/24,192.168.1.1,1.1.1.1,2.2.2.2,3.3.3.3", None),
    ],
)
def test_a_fixed_address_is_read_from_one_word(text: str, told: dict[str, str] | None) -> None:
    if told is not None:
        assert read_address(text) == told
        return
    with pytest.raises(InputError) as raised:
        read_address(text)
    assert raised.value.facts["field"] == "--address"
