"""Tells the text console of 1.0 by its prompts; Mooring never talks to it, only flashes over it.

Source: protocol-v1, section 5, interactive variant.
"""

from __future__ import annotations

import re
from typing import Final

_PROMPTS: Final = re.compile(
    rb"""\(y/n\)\s*:                                    # lock? new key?
       | enter\s+the\s+device\s+id
       | enter\s+the\s+(?:issue\s+\w+|certificate)     # year to signature
       | enter\s+how\s+many\s+years
       | generated\s+csr
    """,
    re.IGNORECASE | re.VERBOSE,
)


def is_console_text(text: bytes) -> bool:
    """Whether what a board printed comes from the console sketch."""
    return bool(_PROMPTS.search(text))
