"""Names of devices."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.thingsboard.names import name_from_hardware, name_problem


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "give the device a name"),
        ("   ", "give the device a name"),
        (" a", "blank"),
        ("a ", "blank"),
        ("a\tb", "cannot be shown"),
        ("a\ud800", "not valid text"),
        ("n" * 300, "300 characters"),
        ("\U0001f4a1" * 128, "256 characters"),
    ],
)
def test_a_name_that_the_server_would_not_take_is_told_before(name: str, said: str) -> None:
    assert said in (name_problem(name) or "")


def test_names_that_the_server_takes_are_taken() -> None:
    for name in ("a", "n" * 255, "Küche 7", "\U0001f4a1" * 127, "a/b,c"):
        assert name_problem(name) is None


def test_a_name_for_a_certificate_is_shorter() -> None:
    assert name_problem("n" * 64, certificate=True) is None
    assert "certificate" in (name_problem("n" * 65, certificate=True) or "")


def test_a_name_is_made_of_the_model_and_the_hardware_id() -> None:
    assert (
        name_from_hardware("ESP32-S3 DevKit", "A0:B1:C2:D3:E4:F5") == "esp32-s3-devkit-a0b1c2d3e4f5"
    )
    assert name_from_hardware("", "0A") == "0a"
    assert name_from_hardware("ü", "0a") == "0a"


@pytest.mark.parametrize("hardware_id", ["", "xyz", "-", "f" * 65])
def test_without_a_hardware_id_there_is_no_such_name(hardware_id: str) -> None:
    with pytest.raises(ValueError, match="hex digits"):
        name_from_hardware("esp32", hardware_id)


ids = st.text("0123456789abcdef", min_size=1, max_size=64)


@given(st.text(max_size=100), ids)
def test_a_made_name_can_always_be_used_and_ends_in_the_whole_id(model: str, digits: str) -> None:
    name = name_from_hardware(model, digits)
    assert name_problem(name, certificate=True) is None
    assert name.endswith(digits)
