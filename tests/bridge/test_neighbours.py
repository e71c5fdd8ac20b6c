"""Whose the other end of a connection is: tables as the kernel writes them, and real sockets."""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING

import pytest

from agent.bridge.neighbours import find_owner, is_other_user
from tests.bridge.other_user import IS_OTHER, run_as_other

if TYPE_CHECKING:
    from tests.bridge.running import Bridge

LINES = [
    "   0: 0100007F:231F 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000  0 1 1 0 100",
    "   1: 0100007F:231F 0100007F:D431 01 00000000:00000000 00:00000000 00000000  1000  0 2 1 0 20",
    "   2: 0100007F:D431 0100007F:231F 01 00000000:00000000 00:00000000 00000000  1001  0 3 1 0 20",
    "   3: 0000000000000000FFFF00000100007F:D432 0000000000000000FFFF00000100007F:231F 01 "
    "00000000:00000000 00:00000000 00000000  1002  0 4 1 0 20",
    "   4: 00000000000000000000000001000000:D433 00000000000000000000000001000000:231F 01 "
    "00000000:00000000 00:00000000 00000000  1003  0 5 1 0 20",
    "   5: broken",
]
"""proc_pid_net(5), on a processor with the low byte first: listening, both ends, mapped, IPv6."""

linux = pytest.mark.system("linux")


@pytest.mark.skipif(sys.byteorder == "big", reason="the lines are of the other byte order")
@pytest.mark.parametrize(
    ("host", "port", "owner"),
    [
        ("127.0.0.1", 0xD431, 1001),
        ("127.0.0.1", 0xD432, 1002),
        ("::1", 0xD433, 1003),
        ("127.0.0.1", 0xD499, None),
        ("127.0.0.2", 0xD431, None),
    ],
)
def test_the_owner_of_the_other_end_is_found(host: str, port: int, owner: int | None) -> None:
    near = ("::1" if host == "::1" else "127.0.0.1", 0x231F)
    assert find_owner(LINES, (host, port), near) == owner


@linux
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_connections_of_this_user_are_of_no_other(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        server = socket.create_server((host, 0), family=family)
    except OSError:
        assert family is socket.AF_INET6, "a computer without IPv6"
        return
    with server, socket.create_connection(server.getsockname()[:2]) as client:
        near, far = server.getsockname()[:2], client.getsockname()[:2]
        assert not is_other_user(near, far)
        assert not is_other_user(near, (host, 1))


OTHER = """
import http.client, os, socket, sys
host, port = "127.0.0.1", int(sys.argv[1])
asking = http.client.HTTPConnection(host, port)
asking.request("GET", "/")
page = asking.getresponse()
print(page.status, page.read().decode())
for path in ("/rpc", "/ask"):
    wire = socket.create_connection((host, port))
    wire.sendall((
        f"GET {path} HTTP/1.1\\r\\nHost: {host}:{port}\\r\\nOrigin: http://{host}:{port}\\r\\n"
        "Upgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Version: 13\\r\\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n\\r\\n").encode())
    print(wire.recv(4096).decode())
"""


@linux
async def test_another_user_gets_neither_the_page_nor_a_websocket_whatever_origin_is_claimed(
    bridge: Bridge,
) -> None:
    out = await run_as_other(OTHER, str(bridge.server.port))
    page, *sockets = out.split("HTTP/1.1 ")
    if not IS_OTHER:
        assert [page[:3], *(each[:3] for each in sockets)] == ["200", "101", "101"]
        return
    for answer in (page, *sockets):
        assert answer[:3] == "403"
        assert "another user of this computer" in answer
    assert len(sockets) == 2
