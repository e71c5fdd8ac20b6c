"""Names with the hardware id of a board in them, which the job reads from the board."""

from __future__ import annotations

from tests.jobs.enrol_world import World, begin


def result_of(world: World, **changes: object) -> str:
    drive = begin(world, attended=False, **changes)
    assert drive.finish
    assert drive.finish.result, drive.finish
    return str(drive.finish.result["device"])


def test_a_pattern_becomes_the_name_of_the_board():
    assert result_of(World(), name="line3-{hardware_id}") == "line3-24a1"


def test_colons_and_case_of_the_id_do_not_matter():
    world = World()
    world.hardware = type(world.hardware)(hardware_id="24:A1:0F", family="esp32", networks=True)
    assert result_of(world, name="{hardware_id}.x") == "24a10f.x"


def test_a_board_without_an_id_is_told_before_anything_is_made():
    world = World()
    world.hardware = type(world.hardware)(hardware_id="", family="esp32", networks=True)
    drive = begin(world, attended=False, name="line3-{hardware_id}")
    assert drive.finish
    assert drive.finish.error
    assert drive.finish.error.code == "input"
    assert world.devices == {}
    asked = begin(world, name="line3-{hardware_id}")
    assert asked.question
    assert "name" in [action.id for action in asked.question.actions]
