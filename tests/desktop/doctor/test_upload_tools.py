"""Upload tools in a real store: damaged ones, a list that was refused, a key that cannot be read."""

from __future__ import annotations

import pytest

from agent.compat.signature import CommandKey
from agent.desktop.doctor.doctor import Doctor
from agent.desktop.doctor.upload_tools import UploadTools
from agent.errors import CloudError, ToolIndexRefused
from agent.simulator.tool_index import SimulatedToolIndex
from tests.desktop.doctor.patient import as_nobody, codes, look
from tests.flash.toolstore.rig import Time, publish, toolbox


@pytest.fixture
async def server():
    async with SimulatedToolIndex() as running:
        publish(running, "1.7.0")
        yield running


@pytest.fixture
def box(server, tmp_path):
    return toolbox(server, tmp_path, Time())


async def test_where_no_page_had_a_tool_there_is_nothing_to_say(box, server):
    assert await look(UploadTools(box)) == []
    assert server.requests == []


async def test_tools_that_are_whole_are_fine(box):
    await box.install("arduino", "bossac")
    (one,) = await look(UploadTools(box, CommandKey.of_vendor))
    assert one.finding.code == "tools-fine"
    assert one.finding.title.startswith("1 upload tool of")


async def test_a_damaged_tool_is_told_and_removed_when_asked(box):
    got = await box.install("arduino", "bossac")
    (got.tool.folder / "bossac").write_bytes(b"another")
    (one,) = await look(UploadTools(box))
    assert one.finding.code == "upload-tool-damaged"
    assert "arduino:bossac@1.7.0" in one.finding.title
    mended = await Doctor([UploadTools(box)]).run(fix=True)
    assert [each.code for each in mended.fixed] == ["upload-tool-damaged"]
    assert await box.installed() == []


async def test_a_list_that_was_refused_is_told_until_a_good_one_came(box, server):
    server.fault = "wrong-signature"
    with pytest.raises(ToolIndexRefused):
        await box.available()
    (one,) = await look(UploadTools(box))
    assert one.finding.code == "tool-index"
    assert one.finding.level.value == "warning"


async def test_a_server_that_is_down_is_a_matter_of_the_internet(box, server):
    server.down = True
    with pytest.raises(CloudError):
        await box.available()
    assert await look(UploadTools(box)) == []


@pytest.mark.system("linux")
async def test_a_store_that_cannot_be_read_is_told(box, tmp_path):
    (tmp_path / "tools").mkdir(mode=0)
    with as_nobody():
        assert await codes(UploadTools(box)) == ["tool-store"]


async def test_a_key_that_cannot_be_read_is_told(box, tmp_path):
    def key():
        return CommandKey.of_file(str(tmp_path / "none.pem"))

    (one,) = await look(UploadTools(box, key))
    assert one.finding.code == "upload-key"
    assert "none.pem" in one.finding.title
