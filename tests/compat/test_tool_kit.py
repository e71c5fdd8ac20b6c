"""Only the uploads of the interface ask for the kit: no request that a page may write does."""

from __future__ import annotations

from agent.boards.board import Board, Port
from agent.compat.tool_kit import ToolKit
from agent.compat.tool_steps import ToolFlash
from agent.jobs.flash_effects import Upload
from agent.jobs.kit import RecoveringKit
from agent.jobs.request import parse_request
from tests.compat.test_tool_steps import upload

BOARD = Board(
    id="b",
    name="b",
    model=None,
    fqbn=None,
    ports=[Port(kind="serial", address="/dev/a")],
    first_seen=0.0,
)


async def test_an_upload_with_a_tool_is_its_work_and_a_plain_file_is_not():
    kit = ToolKit()
    assert isinstance(kit, RecoveringKit)
    plain = Upload(name="s.bin", data=b"abc")
    for image, takes in ((upload(), True), (plain, False)):
        request = parse_request({"kind": "flash", "board": "b", "image": image})
        assert kit.takes(request, BOARD, None) is takes
    request = parse_request({"kind": "flash", "board": "b", "image": upload()})
    way = await kit.plan(request, BOARD, None, "usb", attended=False)
    assert isinstance(way.machine, ToolFlash)
    assert way.shown == {"sketch": "s.bin", "tool": "bossac.exe"}
