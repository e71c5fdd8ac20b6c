"""What systemd is told, through a real socket."""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING

import pytest

from agent.desktop.sd_notify import READY, notify_systemd

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.system("linux")


@pytest.mark.parametrize("kind", ["path", "abstract"])
def test_the_word_arrives(tmp_path: Path, kind: str) -> None:
    if sys.platform == "win32":
        raise NotImplementedError
    address = str(tmp_path / "notify") if kind == "path" else f"@mooring-test-{tmp_path}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address.replace("@", "\0", 1) if kind == "abstract" else address)
        systemd.settimeout(30)
        notify_systemd(READY, "STATUS=é", environ={"NOTIFY_SOCKET": address})
        assert systemd.recv(100) == "READY=1\nSTATUS=é".encode()


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": "vsock:2:1"}, {"NOTIFY_SOCKET": "/no"}])
def test_where_nobody_waits_nothing_happens(environ: dict[str, str]) -> None:
    notify_systemd(READY, environ=environ)
