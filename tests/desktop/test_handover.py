"""A wish that travels to the agent that runs; strangers on its port, and agents that are stuck."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest
from websockets.sync.server import Server, ServerConnection, serve

from agent.desktop.handover import hand_over
from agent.desktop.instance import InstanceLock, new_token
from agent.settings.paths import Paths, find_paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return find_paths({"MOORING_HOME": str(tmp_path)})


@contextlib.contextmanager
def published(paths: Paths, port: int) -> Iterator[str]:
    """The file of an agent on this port; the token."""
    token = new_token()
    with InstanceLock(paths) as lock:
        assert lock.acquire()
        lock.publish(port=port, token=token, version="1.2")
        yield token.reveal()


@contextlib.contextmanager
def agent(paths: Paths, answer: Callable[[Any], str | None]) -> Iterator[list[Any]]:
    """A server that answers one request as ``answer`` says; what it was asked."""
    asked: list[Any] = []

    def talk(connection: ServerConnection) -> None:
        assert connection.request is not None
        assert connection.request.headers["Authorization"] == f"Bearer {token}"
        request = json.loads(connection.recv())
        asked.append((request["method"], request["params"]))
        said = answer(request)
        if said is not None:
            connection.send(said)

    server: Server = serve(talk, "127.0.0.1", 0, compression=None)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with published(paths, server.socket.getsockname()[1]) as token:
            yield asked
    finally:
        server.shutdown()
        thread.join()


def result(value: Any) -> Callable[[Any], str]:
    return lambda request: json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": value})


def test_the_wish_arrives_and_the_agent_says_whether_it_showed_the_page(paths: Paths) -> None:
    with agent(paths, result({"shown": True})) as asked:
        handed = hand_over(paths, "job/3")
        assert handed is not None
        assert (handed.shown, handed.instance.version) == (True, "1.2")
    assert asked == [("agent.show", {"page": "job/3"})]


def test_without_a_wish_it_is_only_asked_whether_it_runs(paths: Paths) -> None:
    with agent(paths, result({"name": "mooring"})) as asked:
        handed = hand_over(paths, None)
        assert handed is not None
        assert not handed.shown
    assert asked == [("agent.info", {})]


def test_an_older_agent_that_does_not_know_the_method_runs_all_the_same(paths: Paths) -> None:
    refused = '{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}'
    with agent(paths, lambda _: refused):
        handed = hand_over(paths, "")
        assert handed is not None
        assert not handed.shown


@pytest.mark.parametrize("said", ["not JSON", "[]", None])
def test_an_answer_that_is_none_is_no_agent(paths: Paths, said: str | None) -> None:
    with agent(paths, lambda _: said):
        assert hand_over(paths, "") is None


def test_without_an_agent_there_is_nobody_to_hand_over_to(paths: Paths) -> None:
    assert hand_over(paths, "") is None
    with published(paths, 1):
        # Nobody listens on that port: it ends just now, or was killed.
        assert hand_over(paths, "") is None
    assert hand_over(paths, "") is None


@pytest.mark.parametrize("said", [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b""])
def test_another_program_on_the_port_is_no_agent(paths: Paths, said: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def talk() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(said)

        thread = threading.Thread(target=talk)
        thread.start()
        with published(paths, server.getsockname()[1]):
            assert hand_over(paths, "") is None
        thread.join()


def test_an_agent_that_is_stuck_is_not_waited_for_without_end(paths: Paths) -> None:
    server = socket.create_server(("127.0.0.1", 0))
    # The system takes the connection; nobody ever reads it.
    with server, published(paths, server.getsockname()[1]):
        assert hand_over(paths, "") is None
