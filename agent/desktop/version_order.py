"""Which of two versions of Mooring is the newer one.

Forms: those of Python packages (PEP 440), and of semantic versions those that mean the same
(``1.2.0-rc.1``). A local part (``+dfsg1``) says how it was packed, not how new it is.
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias

VERSION_CHARS: Final = 64

_FORM: Final = re.compile(
    r"""v?(?:(?P<epoch>[0-9]{1,9})!)?
    (?P<release>[0-9]{1,9}(?:\.[0-9]{1,9}){0,9})
    (?:[-_.]?(?P<pre>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?P<pre_number>[0-9]{0,9}))?
    (?:-(?P<post_alone>[0-9]{1,9})|(?P<post>[-_.]?(?:post|rev|r)[-_.]?(?P<post_number>[0-9]{0,9})))?
    (?:(?P<dev>[-_.]?dev[-_.]?(?P<dev_number>[0-9]{0,9})))?
    (?:\+[a-z0-9]+(?:[-_.][a-z0-9]+)*)?""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_PRE: Final = {"a": 0, "alpha": 0, "b": 1, "beta": 1, "c": 2, "rc": 2, "pre": 2, "preview": 2}
_BEFORE_ALL: Final = (-1, 0)
_AFTER_ALL: Final = (9, 0)

Order: TypeAlias = tuple[int, tuple[int, ...], tuple[int, int], int, float]


def version_order(text: str) -> Order | None:
    """What compares as the versions do; None if ``text`` is no version."""
    text = text.strip()
    form = _FORM.fullmatch(text) if len(text) <= VERSION_CHARS else None
    if form is None:
        return None
    release = [int(number) for number in form["release"].split(".")]
    while release and not release[-1]:
        release.pop()
    post = -1
    if form["post_alone"] or form["post"]:
        post = int(form["post_alone"] or form["post_number"] or 0)
    pre = _AFTER_ALL
    if form["pre"]:
        pre = (_PRE[form["pre"].lower()], int(form["pre_number"] or 0))
    elif form["dev"] and post < 0:
        pre = _BEFORE_ALL
    dev = float(form["dev_number"] or 0) if form["dev"] else float("inf")
    return int(form["epoch"] or 0), tuple(release), pre, post, dev


def is_newer(offered: str, own: str) -> bool:
    """Whether ``offered`` is newer than ``own``; what is no version is not."""
    theirs, ours = version_order(offered), version_order(own)
    return theirs is not None and ours is not None and theirs > ours
