"""Tokens and template ids: what they look like, and what people paste in their place.

Sources: cloud-blynk, sections 5.1 and 5.3; the three lines that the console offers to be copied.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from agent.errors import InputError
from agent.settings import Secret

TOKEN_CHARS: Final = 32
"""Exactly; boards refuse any other length."""
PASTED_CHARS: Final = 2000
"""The three lines of the console have 150; a whole sketch is not what is asked for."""
DYNAMIC: Final = "DYNAMIC"
"""In the place of a template id: whoever provisions the board chooses its template."""
ORG_MAX: Final = 2**31 - 1
_TOKEN: Final = re.compile(r"[-_a-zA-Z0-9]{32}")
_STATIC: Final = re.compile(r"(sqr_[-_a-zA-Z0-9]{32})(?:\+([0-9]{1,10}))?")
_TEMPLATE: Final = re.compile(r"TMPL[-_a-zA-Z0-9]{4,28}")
_DEFINE: Final = re.compile(
    r'(?:^|(?<="))[ \t]*#[ \t]*define[ \t]+BLYNK_(TEMPLATE_ID|TEMPLATE_NAME|AUTH_TOKEN)[ \t]+"([^"\n]*)"',
    re.MULTILINE,
)
"""One behind the other too: a field of one line on a page takes the ends of lines away."""


@dataclass(frozen=True, slots=True)
class Pasted:
    """What a person copied from the console."""

    token: Secret
    template_id: str = ""
    """Empty: only the token was copied."""
    template_name: str = ""


@dataclass(frozen=True, slots=True)
class StaticToken:
    """The text of a QR code: it names a device that waits for its owner."""

    token: Secret
    org_id: int | None = None
    """Which organisation printed it; None: the code does not say."""

    @property
    def code(self) -> Secret:
        """As in the QR code."""
        tail = "" if self.org_id is None else f"+{self.org_id}"
        return Secret(self.token.reveal() + tail)


def parse_token(text: str, field: str = "token") -> Secret:
    """A token, with or without the quotes and blanks around it; :class:`InputError` else."""
    bare = text.strip().strip("\"'").strip()
    if _STATIC.fullmatch(bare):
        problem = "is the code of a prepared device; claim that first, which gives its token"
        raise InputError(field=field, problem=problem)
    if bare.startswith("TMPL"):
        problem = "is a template id; the token is the line below it (BLYNK_AUTH_TOKEN)"
        raise InputError(field=field, problem=problem)
    if len(bare) != TOKEN_CHARS:
        problem = f"must have {TOKEN_CHARS} characters, and has {len(bare)}"
        raise InputError(field=field, problem=problem)
    if not _TOKEN.fullmatch(bare):
        raise InputError(field=field, problem="may have letters, digits, - and _ alone")
    return Secret(bare)


def parse_pasted(text: str, field: str = "token") -> Pasted:
    """A token alone, or the lines with ``#define`` that the console shows."""
    if len(text) > PASTED_CHARS:
        raise InputError(field=field, problem="is too long; copy the token alone")
    found = dict(_DEFINE.findall(text))
    if not found:
        return Pasted(parse_token(text, field))
    if "AUTH_TOKEN" not in found:
        raise InputError(field=field, problem="has no line with BLYNK_AUTH_TOKEN")
    template = found.get("TEMPLATE_ID", "")
    return Pasted(
        parse_token(found["AUTH_TOKEN"], field),
        check_template(template, field) if template else "",
        found.get("TEMPLATE_NAME", ""),
    )


def parse_static(text: str, field: str = "static_token") -> StaticToken:
    """The text of a QR code: ``sqr_…`` or ``sqr_…+ORG``."""
    found = _STATIC.fullmatch(text.strip())
    if found is None:
        problem = "must be the text of the QR code: sqr_ and 32 characters, maybe + and a number"
        raise InputError(field=field, problem=problem)
    org = int(found[2]) if found[2] else None
    if org is not None and not 0 < org <= ORG_MAX:
        raise InputError(field=field, problem="ends with a number that is no organisation's")
    return StaticToken(Secret(found[1]), org)


def check_template(text: str, field: str = "template_id") -> str:
    """A template id; :class:`InputError` for anything else."""
    bare = text.strip().strip("\"'")
    if not _TEMPLATE.fullmatch(bare):
        problem = "must be a template id as the console shows it, as in TMPLdemo00000"
        raise InputError(field=field, problem=problem)
    return bare


def template_fits(board: str, wanted: str) -> bool:
    """Whether a board whose firmware is of the template ``board`` can become one of ``wanted``.

    Either may be empty (nobody knows), and a board may leave the choice to others.
    """
    return not board or not wanted or board in {DYNAMIC, wanted}
