"""The settings of a board as a C header file: the names of ``board_keys``, in capitals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.clouds.secrets_header import c_string
from agent.protocols import board_keys
from agent.settings import Secret

if TYPE_CHECKING:
    from agent.settings.credentials import BoardSettings

_HEAD: Final = (
    "// Made by Mooring. Holds secrets: keep it out of version control.\n#pragma once\n\n"
)


def settings_header(settings: BoardSettings) -> Secret:
    """``#define MOORING_TB_HOST "tb.example.com"`` for each key that has a value."""
    lines = [
        f"#define MOORING_{name.upper()} {c_string(value)}"
        for name, value in board_keys.flatten(settings).items()
    ]
    return Secret(_HEAD + "\n".join(lines) + "\n")
