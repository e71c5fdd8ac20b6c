"""What of a change counts while the agent runs."""

from __future__ import annotations

import pytest

from agent.settings.config import Config
from agent.settings.keys import all_keys, build_config
from agent.settings.live import LiveConfig


def test_what_can_change_does_and_the_rest_waits():
    live, told = LiveConfig(Config()), []
    end = live.subscribe(lambda: told.append(live.current.log.level))
    live.take(build_config({"log.level": "debug", "bridge.first_port": 8995}))
    assert live.current.log.level == "debug"
    assert live.current.bridge.first_port == 8991
    live.take(build_config({"log.level": "debug", "bridge.first_port": 8996}))
    end()
    live.take(Config())
    assert told == ["debug"]
    assert live.current == Config()


@pytest.mark.parametrize(
    ("started", "wanted", "now"),
    [
        ("asked", "always", "always"),
        ("always", "asked", "asked"),
        ("asked", "never", "asked"),
        ("never", "always", "never"),
    ],
)
def test_bluetooth_that_was_never_or_shall_be_never_waits(started, wanted, now):
    live = LiveConfig(build_config({"bluetooth.scan": started}))
    live.take(build_config({"bluetooth.scan": wanted}))
    assert live.current.bluetooth.scan == now


def test_a_way_over_another_change_does_not_bring_never_back():
    live = LiveConfig(Config())
    for scan in ("always", "never", "asked"):
        live.take(build_config({"bluetooth.scan": scan}))
    assert live.current.bluetooth.scan == "asked"


def test_a_setting_counts_at_once_or_after_a_restart_and_the_table_says_which():
    at_once = {key.name for key in all_keys() if key.applies == "now"}
    assert {"log.level", "flash.urls", "network.proxy", "desktop.notifications"} <= at_once
    assert "bridge.first_port" not in at_once
