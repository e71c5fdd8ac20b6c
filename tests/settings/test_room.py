"""How much room a disk has."""

from __future__ import annotations

import shutil

import pytest

from agent.settings.room import free_bytes, size_text


def test_the_room_of_a_folder_that_is_not_there_yet_is_that_of_the_one_above(tmp_path):
    usual = shutil.disk_usage(tmp_path).free
    found = free_bytes(tmp_path / "none" / "deeper")
    assert found is not None
    assert abs(found - usual) < 1 << 30


def test_a_path_that_can_have_no_room_is_not_guessed(tmp_path):
    file = tmp_path / "file"
    file.touch()
    assert free_bytes(file / "x") in {None, free_bytes(tmp_path)}


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0.0 MB"), (3_200_000, "3.2 MB"), (1_000_000_000, "1.0 GB")]
)
def test_sizes_are_told_as_people_read_them(count, text):
    assert size_text(count) == text
