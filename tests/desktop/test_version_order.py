"""Which version is newer: as the library of Python packages has it, without that library."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from agent.desktop.version_order import is_newer, version_order

ORDERED = [
    "0.9",
    "1.0.dev1",
    "1.0a1.dev2",
    "1.0a1",
    "1.0.0-alpha.2",
    "1.0b1",
    "1.0.0-beta.2",
    "1.0rc1",
    "1.0.0-rc.2",
    "v1.0",
    "1.0.post1.dev1",
    "1.0.post1",
    "1.0.1",
    "1.0.10",
    "1.1",
    "2024.1",
    "1!0.1",
]


@pytest.mark.parametrize(("older", "newer"), list(pairwise(ORDERED)))
def test_versions_stand_in_their_order(older, newer):
    assert is_newer(newer, older)
    assert not is_newer(older, newer)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.0", "1"),
        ("1.0", "v1.0.0"),
        ("1.0+dfsg1", "1.0"),
        ("1.0-rc1", "1.0RC1"),
        (" 1.0 ", "1.0"),
    ],
)
def test_the_same_version_is_not_newer(one, other):
    assert version_order(one) == version_order(other)
    assert not is_newer(one, other)
    assert not is_newer(other, one)


@pytest.mark.parametrize(
    "text",
    ["", "latest", "1.0-nightly.5", "1..0", "1.0 beta", "1.٣", "1." * 40, "9" * 70, "1.0\n2"],
)
def test_what_is_no_version_is_never_newer(text):
    assert version_order(text) is None
    assert not is_newer(text, "0.1")
    assert not is_newer("99", text)


_NUMBER = st.integers(0, 30).map(str)
_SPELLED = st.builds(
    lambda epoch, release, pre, post, dev: epoch + ".".join(release) + pre + post + dev,
    st.sampled_from(["", "", "1!"]),
    st.lists(_NUMBER, min_size=1, max_size=4),
    st.sampled_from(["", "a1", ".b2", "-rc.3", "alpha", "_beta_4", "preview1"]),
    st.sampled_from(["", ".post1", "-2", "rev3"]),
    st.sampled_from(["", ".dev0", "dev3"]),
)


@given(_SPELLED, _SPELLED)
def test_the_order_is_that_of_python_packages(one, other):
    assert is_newer(one, other) == (Version(one) > Version(other))
    assert (version_order(one) == version_order(other)) == (Version(one) == Version(other))


@given(st.text(max_size=80))
def test_no_text_does_harm(text):
    version_order(text)
