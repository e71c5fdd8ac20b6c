"""What a simulated cloud prints and keeps as a program; that it runs is tested with each cloud."""

from __future__ import annotations

import asyncio
import json
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.errors import InputError
from agent.simulator.cloud_process import running_cloud
from agent.simulator.cloud_servers import CloudServers
from agent.simulator.connection_server import ConnectionServer

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager


class Cloud(CloudServers):
    def __init__(self, port: int = 0) -> None:
        super().__init__(lambda: 0.0, tls=False)
        self.server = ConnectionServer(asyncio.Protocol, port=port)
        self._servers["mqtt"] = self.server


def run(
    cloud: Cloud, file: Path | None = None, *, as_json: bool = True
) -> AbstractAsyncContextManager[bytes]:
    return running_cloud(
        cloud, lambda: {"port": cloud.server.port}, name="x", file=file, as_json=as_json
    )


async def test_the_account_is_for_this_user_alone_and_gone_at_the_end(tmp_path):
    file, cloud = tmp_path / "account.json", Cloud()
    async with run(cloud, file) as said:
        where = json.loads(said)
        assert where["mqtt"] == f"mqtt://127.0.0.1:{cloud.server.port}"
        assert where["account"] == str(file)
        assert json.loads(file.read_text()) == {"port": cloud.server.port}
        if sys.platform != "win32":
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not file.exists()
    assert not Path(where["ca"]).exists()


async def test_without_json_there_is_a_line_for_each():
    async with run(Cloud(), as_json=False) as said:
        address, ca, account = said.decode().split("\n")
        assert address.startswith("mqtt://")
        assert Path(ca).name == "ca.pem"
        assert Path(account).exists()
    assert not Path(account).parent.exists()


async def test_a_port_that_is_taken_is_told():
    async with Cloud() as first:
        with pytest.raises(InputError) as told:
            await run(Cloud(first.server.port)).__aenter__()
    assert told.value.facts["field"] == "--port"


async def test_a_file_that_exists_is_told_and_kept_and_the_cloud_ended(tmp_path):
    file, cloud = tmp_path / "mine.json", Cloud()
    file.write_text("mine")
    with pytest.raises(InputError) as told:
        await run(cloud, file).__aenter__()
    assert told.value.facts["field"] == "--account"
    assert file.read_text() == "mine"
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", cloud.server.port)
