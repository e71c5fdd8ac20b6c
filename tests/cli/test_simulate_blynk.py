"""Which options a simulated Blynk board takes."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from agent.cli.simulate import simulate
from agent.cli.simulate_blynk import chip_of
from agent.simulator.blynk_device import EdgentDevice
from agent.simulator.blynk_settings import EdgentConfig
from agent.simulator.world import World


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


def test_boards_of_other_seeds_are_other_boards():
    names = {EdgentDevice(EdgentConfig(chip=chip_of(seed)), World()).name for seed in range(1, 9)}
    assert len(names) == 8
