"""Comparison of the version texts that boards and clouds give."""

from __future__ import annotations

import re
from itertools import zip_longest

_NUMBER = re.compile(r"[0-9]{1,18}")


def is_older(found: str, minimum: str) -> bool:
    """Whether ``found`` is below ``minimum``.

    Parts are split at dots and compared as integers from left to right, the shorter one padded
    with zeros. From the first part that is not a number alone (``0-rc1``) only its leading digits
    count and the rest is a tie: a suffix never makes a version older.
    Source: board configuration protocol 2.0, claim procedure.
    """
    for mine, needed in zip_longest(_numbers(found), _numbers(minimum), fillvalue=0):
        if mine != needed:
            return mine < needed
    return False


def is_version(text: str) -> bool:
    """Whether ``text`` begins with a number, so that a comparison means something."""
    return bool(_NUMBER.match(text.strip().removeprefix("v")))


def _numbers(version: str) -> list[int]:
    numbers: list[int] = []
    for part in version.strip().removeprefix("v").split("."):
        digits = _NUMBER.match(part)
        if not digits:
            break
        numbers.append(int(digits.group()))
        if digits.group() != part:
            break
    return numbers
