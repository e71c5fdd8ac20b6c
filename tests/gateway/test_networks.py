"""Networks by name: kept where accounts are, and never said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from agent.clouds.accounts import AccountStore
from agent.errors import InputError
from agent.gateway.networks import NETWORKS_MAX, NamedNetwork, StoredNetworks
from agent.settings.network import Ethernet, WiFi

if TYPE_CHECKING:
    from pathlib import Path

PASSWORD = "marker-password-1c7e"
WIFI = {"kind": "wifi", "ssid": "HomeNet", "password": PASSWORD}


def networks(folder: Path) -> StoredNetworks:
    accounts = AccountStore(folder / "accounts.json", use_keyring=False)
    return StoredNetworks(accounts, folder / "networks.json")


async def test_a_network_is_found_by_its_name(tmp_path):
    kept = networks(tmp_path)
    assert await kept.put("workshop", WIFI) == NamedNetwork(name="workshop", kind="wifi")
    await kept.put("cable", {"kind": "ethernet"})
    again = networks(tmp_path)
    found = await again.get("workshop")
    assert isinstance(found, WiFi)
    assert found.password.reveal() == PASSWORD
    assert isinstance(await again.get("cable"), Ethernet)
    assert [each.name for each in await again.all()] == ["cable", "workshop"]
    assert await again.get("other") is None


async def test_the_index_says_names_and_kinds_only(tmp_path):
    await networks(tmp_path).put("workshop", WIFI)
    index = (tmp_path / "networks.json").read_text()
    assert PASSWORD not in index
    assert "HomeNet" not in index


async def test_a_name_may_get_other_settings_and_be_removed(tmp_path):
    kept = networks(tmp_path)
    await kept.put("workshop", WIFI)
    await kept.put("workshop", WIFI | {"ssid": "Other"})
    found = await kept.get("workshop")
    assert isinstance(found, WiFi)
    assert found.ssid == "Other"
    assert len(await kept.all()) == 1
    assert await kept.remove("workshop")
    assert not await kept.remove("workshop")
    assert await kept.get("workshop") is None
    left = [path.read_text() for path in tmp_path.iterdir()]
    assert not any(PASSWORD in text for text in left)


@pytest.mark.parametrize("name", ["", " a", "a ", "a\n", "x" * 65])
async def test_a_name_is_one_that_people_can_write(tmp_path, name):
    with pytest.raises(InputError, match="name"):
        await networks(tmp_path).put(name, WIFI)


async def test_only_settings_that_a_board_can_take_are_kept(tmp_path):
    with pytest.raises(InputError):
        await networks(tmp_path).put("workshop", WIFI | {"ssid": ""})
    assert await networks(tmp_path).all() == []


async def test_there_are_only_so_many(tmp_path):
    kept = networks(tmp_path)
    names = [NamedNetwork(name=f"n{number}", kind="wifi") for number in range(NETWORKS_MAX)]
    (tmp_path / "networks.json").write_bytes(msgspec.json.encode(names))
    with pytest.raises(InputError, match="remove one"):
        await kept.put("one more", WIFI)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[1]"])
async def test_a_damaged_index_is_an_empty_one(tmp_path, content):
    (tmp_path / "networks.json").write_bytes(content)
    assert await networks(tmp_path).all() == []
