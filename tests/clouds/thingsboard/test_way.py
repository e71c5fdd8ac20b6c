"""Why there is no way to a server."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from typing import TYPE_CHECKING

import pytest

from agent.clouds.thingsboard.addresses import Server
from agent.clouds.thingsboard.way import explain, tls_context
from agent.errors import NameUnknown, Unreachable

if TYPE_CHECKING:
    from agent.clouds.route import Routes


def alert(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, reason)
    error.reason = reason
    return error


REFUSED = os.strerror(errno.ECONNREFUSED)
SERVER = Server("mqtts", "tb.example", 8883)


async def test_a_name_that_nobody_has_is_told_as_such() -> None:
    error = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    explained = await explain(error, "TB", SERVER, 10.0)
    assert isinstance(explained, NameUnknown)
    assert explained.facts["host"] == "tb.example"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (TimeoutError(), "within 10 s"),
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused."),
        (OSError("odd\x1b"), "OSError."),
        (alert("TLSV13_ALERT_CERTIFICATE_REQUIRED"), "tlsv13 alert certificate required"),
        (alert("WRONG_VERSION_NUMBER"), "does not speak TLS"),
        # What the event loop makes of one address, and of a name with two of them.
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed ('::1', 1)"), REFUSED),
        (
            OSError(f"Multiple exceptions: [Errno {errno.ECONNREFUSED}] a, [Errno 1] b"),
            os.strerror(1),
        ),
    ],
)
async def test_everything_else_is_told_in_words(error: OSError, said: str) -> None:
    explained = await explain(error, "TB", SERVER, 10.0)
    assert isinstance(explained, Unreachable)
    assert explained.facts["sent"] is False
    assert said in explained.report().meaning


def test_without_encryption_there_is_nothing_to_trust(routes: Routes) -> None:
    assert tls_context(Server("mqtt", "localhost", 1883), routes) is None
    assert tls_context(SERVER, routes) is not None
