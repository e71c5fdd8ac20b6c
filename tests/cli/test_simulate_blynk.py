"""Which options a simulated Blynk board takes."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from agent.cli.simulate import simulate


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (("blynk", "--ethernet", "ok"), "--ethernet"),
        (("blynk", "--drop-at", "list"), "--drop-at"),
        (("blynk", "--usb"), "--usb"),
        (("blynk", "--ble", "--generation", "1"), "--generation"),
        (("blynk", "--account", "x"), "--account"),
        (("uno_r4_wifi", "--generation", "2"), "--generation"),
    ],
)
def test_options_of_other_boards_are_refused(words, option):
    done = CliRunner().invoke(simulate, words)
    assert done.exit_code == 2
    assert option in done.output
