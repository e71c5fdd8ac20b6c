"""``mooring renew``: what goes together, and that nothing of a key is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from click.testing import CliRunner

from agent.cli.renew_commands import renew

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "s3cret-in-a-file"


def output(*words: str) -> str:
    return CliRunner().invoke(renew, list(words)).output


def test_commands_of_a_renewal_are_a_list_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "commands.json"
    for text, said in (
        (f'[{{"psk": "{SECRET}"', "is not valid JSON"),
        (f'{{"psk": "{SECRET}"}}', "is not a list of commands"),
    ):
        file.write_text(text)
        told = output("b", "--cloud", "nrf", "--commands", str(file))
        assert said in told
        assert SECRET not in told
    both = ("--commands", str(file), "--command", "finished")
    assert "leave --command out" in output("b", "--cloud", "nrf", *both)


def test_what_belongs_to_the_other_cloud_is_refused() -> None:
    assert "not one of blynk, nrf" in output("b", "--cloud", "x")
    assert "is used with --cloud nrf" in output("b", "--cloud", "blynk", "--command", "finished")
    assert "is used with --cloud blynk" in output("--cloud", "nrf", "--access-point", "x")
    assert "Missing argument" in output("--cloud", "nrf")
