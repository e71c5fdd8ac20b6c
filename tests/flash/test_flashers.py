"""The way to write to each model, and the programs that some of them need."""

from __future__ import annotations

import pytest

from agent.catalog import Catalog
from agent.errors import NotSupported, ToolMissing
from agent.flash.content import read_image
from agent.flash.flashers import Flashers
from agent.flash.unsupported import UnsupportedFlasher
from agent.links import open_link

CATALOG = Catalog.load()
OWN = {"sam-ba", "sam-ba-arduino-ext", "uf2", "rp2040"}


def model(name):
    found = CATALOG.get(name)
    assert found is not None
    return found


async def test_each_model_has_the_flasher_of_its_method():
    flashers = Flashers()
    for each in CATALOG.models:
        if each.upload.method in OWN:
            flasher = await flashers.of(each, open_link)
            assert flasher.method == each.upload.method, each.id


@pytest.mark.parametrize(("name", "tool"), [("portenta_h7", "dfu-util"), ("esp32", "esptool")])
async def test_a_program_that_is_not_there_is_named_with_the_mend(name, tool, tmp_path):
    flashers = Flashers({tool: str(tmp_path / "nothing")})
    with pytest.raises(ToolMissing, match=tool) as caught:
        await flashers.of(model(name), open_link)
    assert caught.value.report().remedy
    # It may be installed meanwhile: what was not found is looked for again.
    with pytest.raises(ToolMissing):
        await flashers.of(model(name), open_link)


async def test_a_model_that_others_write_to_says_so_when_it_is_asked_for_a_plan():
    left = [m for m in CATALOG.models if m.upload.method in {"adb", "jlink", "mcuboot-serial"}]
    assert left
    image = read_image("sketch.bin", b"\0" * 4096)
    for each in left:
        flasher = await Flashers().of(each, open_link)
        assert isinstance(flasher, UnsupportedFlasher)
        with pytest.raises(NotSupported):
            flasher.plan(image, each)
