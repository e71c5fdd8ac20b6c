"""The names of our settings in a settings area (NVS)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols import board_keys
from agent.protocols.nvs.merge import require_name
from agent.settings.nvs_names import BOARD_KEYS, OUR_NAMES, NvsNames, keys_problem
from tests.settings.nvs_mappings import mappings


def test_our_keys_are_those_of_the_table_of_boards() -> None:
    assert tuple(board_keys.BY_NAME) == BOARD_KEYS
    assert all(len(name) <= board_keys.KEY_CHARS for name in BOARD_KEYS)


def test_without_names_of_its_own_a_sketch_has_ours() -> None:
    assert OUR_NAMES.namespace == "mooring"
    values = {name: name.encode() for name in BOARD_KEYS}
    assert OUR_NAMES.placed(values) == values == OUR_NAMES.ours(values)


@given(mappings(), st.dictionaries(st.sampled_from(BOARD_KEYS), st.binary(max_size=8)))
def test_what_is_placed_under_legal_names_is_found_again(
    keys: dict[str, str], values: dict[str, bytes]
) -> None:
    names = NvsNames("app", keys)
    placed = names.placed(values)
    assert len(placed) == len(values)
    for key in placed:
        require_name(key)
    assert names.ours(placed) == values


def test_numbers_and_keys_of_others_are_not_ours() -> None:
    names = NvsNames("app", {"tb_token": "token"})
    found = {"token": b"t", "tb_token": b"earlier", "tb_port": 1883, "count": b"7", "tb_host": b"h"}
    assert names.ours(found) == {"tb_token": b"t", "tb_host": b"h"}
    assert names.name_of("tb_token") is None


@pytest.mark.parametrize(
    "keys",
    [
        {"tb_token": "tb_token"},
        {"tb_user": "tb_pass", "tb_pass": "tb_user"},
        {"tb_host": "server", "tb_name": "tb_host"},
        {"tb_token": "x" * 15, "wifi_ssid": "~"},
    ],
)
def test_names_may_be_swapped_and_those_that_are_free_taken(keys: dict[str, str]) -> None:
    assert keys_problem(keys) is None


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"tb_tokn": "token"}, "names tb_tokn (did you mean tb_token?)"),
        ({"qqqq": "token"}, "names qqqq (known: net_kind, wifi_ssid, "),
        ({"token": "tb_token"}, "names token (the other way round: tb_token has the key token)"),
        ({"": "token"}, "names  (known: "),
        ({"tb_token": ""}, "must have 1 to 15 printable ASCII characters, without blanks, for"),
        ({"tb_token": "x" * 16}, "must have 1 to 15 printable ASCII characters"),
        ({"tb_token": "my token"}, "without blanks, for tb_token"),
        ({"tb_token": "jetón"}, "printable ASCII characters"),
        ({"tb_token": "token\n"}, "printable ASCII characters"),
        ({"tb_token": "t", "tb_user": "t"}, "gives tb_token and tb_user the same key, t"),
        ({"tb_token": "tb_host"}, "gives tb_host and tb_token the same key, tb_host"),
    ],
)
def test_what_is_no_name_is_refused_with_the_reason(keys: dict[str, str], said: str) -> None:
    assert said in (keys_problem(keys) or "")
    with pytest.raises(ValueError, match=re.escape(said)):
        NvsNames("app", keys)


@pytest.mark.parametrize("namespace", ["", "x" * 16, "a b", "ä", "app\n"])
def test_a_namespace_is_a_name_too(namespace: str) -> None:
    with pytest.raises(ValueError, match="namespace"):
        NvsNames(namespace)
