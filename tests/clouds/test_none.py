"""The choice of no cloud."""

from __future__ import annotations

import pytest

from agent.clouds.none import NoCloud
from agent.errors import InputError
from tests.clouds.signing import UNO_R4_WIFI, SigningBoard


async def test_no_cloud_asks_nothing_and_takes_every_board() -> None:
    cloud = NoCloud()
    info = await cloud.info()
    assert (info.id, info.needs_account, info.signed_in) == ("none", False, True)
    assert info.account_schema["properties"] == {} == info.device_schema["properties"]
    needed = await cloud.requirements(UNO_R4_WIFI)
    assert (needed.min_sketch, needed.min_wifi_firmware) == (None, None)
    cloud.check_name("")
    await cloud.logout()
    await cloud.close()


async def test_no_cloud_has_no_claims() -> None:
    cloud = NoCloud()
    assert await cloud.find(SigningBoard().uhwid) == []
    await cloud.unclaim("anything")
    for call in (cloud.claim(SigningBoard().claim_request()), cloud.login({})):
        with pytest.raises(InputError):
            await call
