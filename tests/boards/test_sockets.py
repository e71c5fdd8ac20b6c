from hypothesis import given
from hypothesis import strategies as st

from agent.boards.sockets import Sockets

from .conftest import NANO, NANO_LOADER, sighted

SKETCH = sighted("/dev/ttyACM0", NANO, "6B1D4A1A50503233", "1-2:1.0")
LOADER = sighted("/dev/ttyACM1", NANO_LOADER, None, "1-2:1.0", node=2)
BESIDE = sighted("/dev/ttyACM2", NANO, "7C2E5B2B61614344", "1-3:1.0")


def test_of_two_devices_in_one_socket_the_later_one_is_there():
    sockets = Sockets()
    assert sockets.latest([SKETCH, BESIDE]) == [SKETCH, BESIDE]
    assert sockets.latest([SKETCH, BESIDE, LOADER]) == [BESIDE, LOADER]
    # Whoever still lists the sketch has not looked since.
    assert sockets.latest([SKETCH, BESIDE, LOADER]) == [BESIDE, LOADER]
    again = SKETCH._replace(node=3)
    assert sockets.latest([again, BESIDE, LOADER]) == [again, BESIDE]
    assert sockets.latest([again, BESIDE]) == [again, BESIDE]


def test_all_ports_of_one_device_are_there():
    first = sighted("/dev/ttyACM0", NANO, "6B1D4A1A50503233", "1-2:1.0")
    second = sighted("/dev/ttyACM1", NANO, "6B1D4A1A50503233", "1-2:1.2", node=2)
    sockets = Sockets()
    assert sockets.latest([first]) == [first]
    assert sockets.latest([first, second]) == [first, second]


def test_devices_that_were_found_by_the_first_look_are_all_shown():
    assert Sockets().latest([SKETCH, LOADER]) == [SKETCH, LOADER]


def test_where_the_socket_is_not_known_nothing_is_left_out():
    sockets = Sockets()
    one, two = sighted("COM3", NANO), sighted("COM4", NANO_LOADER)
    assert sockets.latest([one]) == [one]
    assert sockets.latest([one, two]) == [one, two]


@given(
    st.lists(
        st.lists(
            st.builds(
                sighted,
                st.sampled_from(["a", "b", "c"]),
                st.sampled_from([NANO, NANO_LOADER]),
                st.sampled_from([None, "6B1D4A1A50503233"]),
                st.sampled_from([None, "1-2", "1-3:1.0"]),
                st.integers(0, 2),
            ),
            max_size=5,
        ),
        max_size=5,
    )
)
def test_something_is_left_in_every_socket_and_nothing_is_made_up(lists):
    sockets = Sockets()
    for sightings in lists:
        left = sockets.latest(sightings)
        assert [each for each in sightings if each in left] == left
        assert {each.port.location for each in left if each.port.location is None} == {
            each.port.location for each in sightings if each.port.location is None
        }
        assert {(each.port.location or "")[:3] for each in left} == {
            (each.port.location or "")[:3] for each in sightings
        }
