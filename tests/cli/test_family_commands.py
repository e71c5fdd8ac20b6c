"""Options of ``provision`` and ``renew`` for nRF Cloud and Blynk: which go together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from agent.cli.family_commands import renew
from agent.cli.setup_commands import provision

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "s3cret-in-a-file"


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


def test_commands_of_a_renewal_are_a_list_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "commands.json"
    for text, said in (
        (f'[{{"psk": "{SECRET}"', "is not valid JSON"),
        (f'{{"psk": "{SECRET}"}}', "is not a list of commands"),
    ):
        file.write_text(text)
        ended = CliRunner().invoke(renew, ["b", "--cloud", "nrf", "--commands", str(file)])
        assert said in ended.output
        assert SECRET not in ended.output
    words = ["b", "--cloud", "nrf", "--commands", str(file), "--command", "finished"]
    assert "leave --command out" in CliRunner().invoke(renew, words).output
    assert "not one of blynk, nrf" in CliRunner().invoke(renew, ["b", "--cloud", "x"]).output
