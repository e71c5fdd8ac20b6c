from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from agent.clouds.thingsboard.certificates import make_certificate
from agent.errors import InputError
from agent.gateway.expiry import ends_soon, offer_renewed
from agent.gateway.stored import GatewayStore, Kept
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


class Said:
    """A session that notes what is published."""

    def __init__(self) -> None:
        self.payloads: list[bytes] = []

    async def publish(self, topic: str, payload: bytes) -> None:
        assert topic == "v1/devices/me/attributes"
        self.payloads.append(payload)


async def test_the_same_certificate_is_offered_until_it_ends_soon_itself(tmp_path):
    store, link = GatewayStore(tmp_path / "gateway.json"), Said()
    kept = Kept(name="", credentials=make_certificate("gw", NOW))
    for days in (340, 360, 700):
        await offer_renewed(link, store, kept, after(days))
    first, again, other = link.payloads
    assert first == again
    assert b"newCertificate" in other
    assert other != first
    assert b"PRIVATE" not in b"".join(link.payloads)


async def test_a_name_that_no_certificate_can_have_is_told(tmp_path):
    store = GatewayStore(tmp_path / "gateway.json")
    kept = Kept(name="n" * 65, credentials=make_certificate("gw", NOW))
    with pytest.raises(InputError):
        await offer_renewed(Said(), store, kept, after(340))
    assert store.kept.renewed is None
