"""The settings themselves: their defaults, and that each is said once and documented."""

from __future__ import annotations

import re
from pathlib import Path

from agent.settings.config import Config
from agent.settings.keys import all_keys
from agent.settings.load import parse_settings
from agent.settings.toml_text import toml_literal

DOCUMENT = Path(__file__).parents[2] / "docs" / "configuration.md"
APPLIES = {"now": "at once", "restart": "after a restart"}


def table() -> str:
    rows = ["| key | default | meaning | a change counts |", "|---|---|---|---|"]
    for key in all_keys():
        default = toml_literal(key.plain(key.default))
        meaning = key.meaning
        if "enum" in key.schema or key.schema["type"] in {"integer", "number"}:
            meaning += f" {key.wanted[0].upper()}{key.wanted[1:]}."
        rows.append(f"| `{key.name}` | `{default}` | {meaning} | {APPLIES[key.applies]} |")
    return "\n".join(rows) + "\n"


def test_the_table_of_the_document_is_the_one_of_the_code():
    assert table() in DOCUMENT.read_text("utf-8"), f"docs/configuration.md should have:\n{table()}"


def test_every_example_of_the_document_can_be_used():
    examples = re.findall(r"```toml\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    assert examples
    for example in examples:
        assert parse_settings(example.encode()).problems == []


def test_every_setting_has_its_words():
    for key in all_keys():
        assert key.title
        assert key.meaning.endswith(".")
        assert key.applies in APPLIES


def test_every_default_is_a_value_that_can_be_used():
    assert {key.name: key.read(key.default) for key in all_keys()} == {
        f"{section}.{field}": getattr(getattr(Config(), section), field)
        for section in Config.__struct_fields__
        for field in getattr(Config(), section).__struct_fields__
    }
