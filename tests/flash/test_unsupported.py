"""Boards that are known but not flashed here."""

from __future__ import annotations

import msgspec
import pytest

from agent.catalog import Catalog
from agent.errors import NotSupported
from agent.flash.method import FlashPlan, FlashTarget
from agent.flash.unsupported import ADVICE, UnsupportedFlasher
from tests.flash.images import Steps, image

MODELS = {model.id: model for model in Catalog.load().models}
FLASHED = {"sam-ba", "sam-ba-arduino-ext", "dfuse", "dfu", "uf2", "rp2040", "esptool"}


def test_every_method_of_the_catalogue_is_flashed_or_has_its_advice():
    assert {model.upload.method for model in MODELS.values()} == FLASHED | set(ADVICE)


@pytest.mark.parametrize(
    ("name", "word"), [("portenta_x8", "adb"), ("thingy91x", "nrfutil"), ("nrf9160_dk", "nrfutil")]
)
def test_such_a_board_is_refused_with_what_to_use_instead(name, word):
    model = MODELS[name]
    with pytest.raises(NotSupported) as refused:
        UnsupportedFlasher(model.upload.method).plan(image(b"x"), model)
    report = refused.value.report()
    assert model.name in report.title
    assert word in report.remedy


def test_a_method_that_is_not_known_yet_is_refused_too():
    model = MODELS["portenta_x8"]
    upload = msgspec.structs.replace(model.upload, method="telepathy")
    with pytest.raises(NotSupported) as refused:
        UnsupportedFlasher("telepathy").plan(
            image(b"x"), msgspec.structs.replace(model, upload=upload)
        )
    assert "telepathy" in refused.value.report().meaning


async def test_it_cannot_be_run():
    plan = FlashPlan(image=image(b"x"), model="portenta_x8", address=0, size=1)
    with pytest.raises(TypeError):
        await UnsupportedFlasher("adb").run(plan, FlashTarget(), Steps())
