"""The steps of a trial: each is told, and what is not so stops it with its sentence."""

from __future__ import annotations

import pytest

from installers.tree import PackagingError
from installers.trial import require, same, until


def test_what_is_so_is_told(capsys):
    require(["something"], "there is something")
    same(1, 1, "one is one")
    until(lambda: True, "it came")
    told = capsys.readouterr().err
    assert [line.strip() for line in told.splitlines()] == [
        "packages:   there is something",
        "packages:   one is one",
        "packages:   it came",
    ]


def test_what_is_not_so_stops_the_trial():
    with pytest.raises(PackagingError, match="not so: there is something"):
        require([], "there is something")
    with pytest.raises(PackagingError, match="found 'a', not 'b'"):
        same("a", "b", "the value")


def test_what_comes_later_is_waited_for():
    answers = iter([False, False, True])
    until(lambda: next(answers), "it came")
    assert list(answers) == []


def test_what_never_comes_is_told_with_the_last_reason():
    def ask() -> bool:
        msg = "no such unit"
        raise PackagingError(msg)

    with pytest.raises(PackagingError, match=r"not so within 0 s: it runs \(no such unit\)"):
        until(ask, "it runs", limit_s=0)
