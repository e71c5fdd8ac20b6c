from __future__ import annotations

from datetime import UTC, datetime, timedelta

from agent.clouds.thingsboard.certificates import make_certificate
from agent.gateway.expiry import ends_soon
from agent.settings import Secret
from agent.settings.credentials import AccessToken

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def after(days: int) -> float:
    return (NOW + timedelta(days=days)).timestamp()


def test_a_certificate_is_told_of_a_month_before_its_end():
    own = make_certificate("gw", NOW)
    assert ends_soon(own, after(0)) is None
    assert ends_soon(own, after(333)) is None
    assert ends_soon(own, after(335)) == NOW + timedelta(days=364)
    assert ends_soon(own, after(400)) == NOW + timedelta(days=364)


def test_a_token_has_no_end():
    assert ends_soon(AccessToken(token=Secret("t")), after(10_000)) is None
