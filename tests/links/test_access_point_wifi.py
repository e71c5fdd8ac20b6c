"""Which adapter joins which access point, and what that means for the Internet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import ApNotHeard, ApSecured, WifiAbsent
from agent.links.access_point_wifi import AccessPoint, Adapter, Computer, choose, loses_internet
from tests.links.access_point_world import HOME, SSID

MAIN = Adapter("wlan0", HOME, internet=True)
SPARE = Adapter("wlan1")


def point(adapter: str, strength: int = 50, *, secured: bool = False, ssid: bytes = SSID):
    return AccessPoint(ssid, f"02:{strength:02x}", strength, secured, adapter)


def test_an_adapter_that_is_free_is_taken_before_the_one_with_the_internet():
    computer = Computer((MAIN, SPARE))
    choice = choose(computer, [point("wlan0", 90), point("wlan1", 10)], SSID)
    assert choice.adapter == SPARE
    assert not loses_internet(computer, SPARE)


def test_the_one_with_the_internet_is_taken_if_only_it_hears_the_board():
    computer = Computer((MAIN, SPARE))
    assert choose(computer, [point("wlan0")], SSID).adapter == MAIN
    assert loses_internet(computer, MAIN)


def test_with_a_cable_the_internet_stays():
    assert not loses_internet(Computer((Adapter("wlan0", HOME),), elsewhere=True), MAIN)


def test_a_connected_adapter_may_be_the_only_way_though_the_system_does_not_say_so():
    adapter = Adapter("wlan0", HOME)
    assert loses_internet(Computer((adapter,)), adapter)


def test_the_stronger_one_of_two_access_points_of_a_name_is_joined():
    points = [point("wlan0", 20), point("wlan0", 60)]
    assert choose(Computer((MAIN,)), points, SSID).point.strength == 60


def test_what_asks_for_a_password_is_left_alone_and_an_open_one_beside_it_is_joined():
    secured, free = point("wlan0", 90, secured=True), point("wlan0", 10)
    assert choose(Computer((MAIN,)), [secured, free], SSID).point == free
    with pytest.raises(ApSecured):
        choose(Computer((MAIN,)), [secured], SSID)


def test_a_name_that_differs_in_one_byte_is_another_network():
    with pytest.raises(ApNotHeard):
        choose(Computer((MAIN,)), [point("wlan0", ssid=SSID + b" ")], SSID)


def test_without_an_adapter_there_is_nothing_to_choose():
    with pytest.raises(WifiAbsent):
        choose(Computer(()), [point("wlan0")], SSID)


@given(
    st.lists(
        st.builds(
            Adapter,
            st.sampled_from(["wlan0", "wlan1", "wlan2"]),
            st.sampled_from([None, HOME]),
            st.booleans(),
        ),
        min_size=1,
        unique_by=lambda adapter: adapter.name,
    ),
    st.lists(
        st.builds(
            AccessPoint,
            st.sampled_from([SSID, b"other"]),
            st.just(""),
            st.integers(0, 100),
            st.booleans(),
            st.sampled_from(["wlan0", "wlan1", "wlan2", "eth0"]),
        )
    ),
)
def test_a_choice_is_open_heard_and_spares_the_internet_where_it_can(adapters, points):
    computer = Computer(tuple(adapters))
    try:
        choice = choose(computer, points, SSID)
    except (ApNotHeard, ApSecured):
        return
    assert choice.adapter in adapters
    assert choice.point in points
    assert (choice.point.ssid, choice.point.secured) == (SSID, False)
    hearing = {p.adapter for p in points if p.ssid == SSID and not p.secured}
    if choice.adapter.internet:
        assert all(a.internet for a in adapters if a.name in hearing)
