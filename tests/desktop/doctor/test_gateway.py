"""The doctor on the agent as a gateway."""

from __future__ import annotations

import pytest

from agent.desktop.doctor.gateway import AsGateway
from agent.errors import Level
from agent.settings.notices import GatewayInfo


def info(phase: str) -> GatewayInfo:
    return GatewayInfo(
        phase=phase, server="mqtts://tb.example", name="hall-2", again_s=0.0, error=None
    )


async def test_a_gateway_that_is_connected_is_fine_and_nothing_personal_is_said():
    (one,) = await AsGateway(lambda: info("connected")).look()
    assert one.finding.level is Level.FINE
    assert "hall-2" not in one.finding.title + one.finding.meaning
    assert "tb.example" not in one.finding.title + one.finding.meaning


@pytest.mark.parametrize("state", [None, info("waiting"), info("connecting")])
async def test_what_is_none_or_has_its_notice_is_left_to_that(state):
    assert await AsGateway(lambda: state).look() == []
