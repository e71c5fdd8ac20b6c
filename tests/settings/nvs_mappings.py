"""Every table that ``nvs.keys`` may be."""

from __future__ import annotations

from hypothesis import strategies as st

from agent.settings.nvs_names import BOARD_KEYS, keys_problem

LETTERS = st.characters(min_codepoint=0x21, max_codepoint=0x7E)
OWN = st.text(LETTERS, min_size=1, max_size=15)


def mappings() -> st.SearchStrategy[dict[str, str]]:
    """Keys of a sketch's own, and some of ours in another place."""
    keys = st.one_of(OWN, st.sampled_from(BOARD_KEYS))
    lists = st.lists(keys, min_size=len(BOARD_KEYS), max_size=len(BOARD_KEYS), unique=True)
    whole = lists.map(lambda found: dict(zip(BOARD_KEYS, found, strict=True)))
    some = st.dictionaries(st.sampled_from(BOARD_KEYS), OWN, max_size=6)
    return st.one_of(whole, some.filter(lambda found: keys_problem(found) is None))
