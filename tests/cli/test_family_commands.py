"""Options of ``provision`` for nRF Cloud and Blynk: which go together."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from agent.cli.setup_commands import provision


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--cloud", "arduino", "b", "--tag", "a"], "--tag is used with --cloud nrf"),
        (["--cloud", "blynk", "b", "--tag", "a"], "--tag is used with --cloud nrf"),
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
