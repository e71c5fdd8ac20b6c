"""What ends with a connection."""

from __future__ import annotations

import pytest

from agent.bridge.peer import OWN, Peer
from agent.bridge.scopes import ALL, Scope
from agent.errors import ScopeRefused


def test_the_own_page_and_programs_are_one_party_and_each_page_its_own() -> None:
    assert Peer(origin="http://127.0.0.1:8991", own=True).party == OWN
    assert Peer(origin=None, own=True).party == OWN
    page = Peer(origin="https://app.example.com", own=False)
    assert page.party == page.label == "https://app.example.com"


async def test_everything_is_given_up_newest_first_even_if_one_fails(
    caplog: pytest.LogCaptureFixture,
) -> None:
    peer = Peer(origin=None, own=True)
    order: list[str] = []

    async def later() -> None:
        order.append("awaited")

    def fail() -> None:
        raise RuntimeError

    peer.hold("first", lambda: order.append("first"))
    peer.hold("broken", fail)
    peer.hold("awaited", later)
    peer.hold("dropped", lambda: order.append("never"))
    peer.drop("dropped")
    assert peer.holds("first")
    assert not peer.holds("dropped")
    peer.outbox.post(b"{}")
    await peer.gone()
    assert order == ["awaited", "first"]
    assert "giving up broken" in caplog.text
    assert peer.outbox.pop() is None


async def test_something_can_be_given_up_before_the_connection_ends() -> None:
    peer = Peer(origin=None, own=True)
    order: list[str] = []
    peer.hold("air", lambda: order.append("left"))
    peer.end("air")
    peer.end("air")
    assert not peer.holds("air")
    await peer.gone()
    assert order == ["left"]


def test_a_page_may_do_what_it_was_allowed_at_that_moment() -> None:
    allowed = frozenset({Scope.BOARDS})
    page = Peer(origin="https://app.example.com", own=False, may=lambda: allowed)
    page.require(frozenset({Scope.BOARDS}))
    with pytest.raises(ScopeRefused) as caught:
        page.require(frozenset({Scope.PROVISION, Scope.FLASH}))
    assert caught.value.facts == {"scopes": "flash, provision", "may": "boards"}
    allowed = ALL
    page.require(ALL)
    Peer(origin=None, own=True).require(ALL)
    with pytest.raises(ScopeRefused, match="boards"):
        Peer(origin="https://app.example.com", own=False).require(frozenset({Scope.BOARDS}))


def test_a_long_name_is_shown_with_its_end() -> None:
    page = Peer(origin=f"https://bank.example.{'a' * 60}.{'b' * 60}.{'c' * 60}.evil.net", own=False)
    assert page.label.endswith(".evil.net")
    assert len(page.label) <= 200
