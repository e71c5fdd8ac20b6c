"""Texts of ``message``, the one event that pages hear.

The client reads every text as JSON. A ``null``, or an ``Error`` that is no string, ends its device
list, its uploads and its serial data until the page is loaded again; so neither can be built here.
Source: agent-api-compat.md, 5.3, 6 and 7.2.
"""

from __future__ import annotations

import html
import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NOT_UNDERSTOOD: Final = "Could not understand command."
"""The words of the original agent."""
_COMPACT: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def compact(**fields: object) -> str:
    """One object without blanks, its fields in the order given.

    Raises TypeError for an ``Error`` that is no string, and ValueError without any field.
    """
    if not fields:
        msg = "a message says something"
        raise ValueError(msg)
    if not isinstance(fields.get("Error", ""), str):
        msg = "Error is a string, or pages break"
        raise TypeError(msg)
    return _COMPACT.encode(fields)


def error(text: str) -> str:
    """What went wrong with a command."""
    return compact(Error=text)


def port_list(ports: Iterable[Mapping[str, str | bool | int]]) -> str:
    """The list of ports: indented, with a blank after each colon, and ``[]`` for none."""
    found = {"Ports": [dict(each) for each in ports]}
    return json.dumps(found, ensure_ascii=False, indent="\t")


def spaced(name: str, value: str) -> str:
    """``{"Version" : "1.7.1"} ``: with the blanks of the original agent."""
    return f"{{{json.dumps(name)} : {json.dumps(value, ensure_ascii=False)}}} "


def help_text(commands: Iterable[str]) -> str:
    """The commands, for somebody who reads along; escaped, so that it is no JSON."""
    return html.escape(json.dumps({"Commands": list(commands)}))


def is_poison(text: str) -> bool:
    """Whether pages would break on a text: it is JSON's ``null``."""
    return len(text) < 64 and text.strip() == "null"
