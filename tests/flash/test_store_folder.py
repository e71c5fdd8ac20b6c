"""A folder that is a store: who writes, and what is told when it cannot be used."""

from __future__ import annotations

import errno

import pytest
from filelock import FileLock

from agent.errors import StoreFailed, ToolStoreFailed
from agent.flash.store_folder import StoreFolder


@pytest.mark.parametrize("failed", [StoreFailed, ToolStoreFailed])
def test_what_the_system_refuses_is_the_error_of_the_store(tmp_path, failed):
    folder = StoreFolder(tmp_path, failed, 1.0)
    with pytest.raises(failed) as caught, folder.failing():
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.facts == {"path": str(tmp_path), "detail": "No space left on device"}


def test_a_turn_makes_the_folder_and_ends(tmp_path):
    folder = StoreFolder(tmp_path / "a" / "b", StoreFailed, 1.0)
    for _ in range(2):
        with folder.turn():
            assert folder.path.is_dir()


def test_who_waits_too_long_for_its_turn_is_told_why(tmp_path):
    folder = StoreFolder(tmp_path, ToolStoreFailed, 0.0)
    with (
        FileLock(tmp_path / ".lock"),
        pytest.raises(ToolStoreFailed, match="another process has been writing"),
        folder.failing(),
        folder.turn(),
    ):
        pass
