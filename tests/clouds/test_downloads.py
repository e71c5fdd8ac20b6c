"""Downloads of public files: whole or not at all, from safe addresses, within a limit."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from agent.clouds.downloads import HOPS_LIMIT, Downloads, follow
from agent.errors import CloudAnswer, Unreachable
from agent.simulator.loopback_server import LoopbackServer

HOPS = {
    "/again": "/again",
    "/hop": "/file?x=1",
    "/out": "http://example.com/file",
    "/half": "https://[x/file",
    "/odd": "https://xn--/file",
}


async def answer(request):
    path = request.url.path
    if path in HOPS:
        return Response(status_code=307, headers={"Location": HOPS[path]})
    if path == "/file":
        return Response(b"x" * 100 + request.url.query.encode(), headers={"ETag": '"one"'})
    if path == "/teapot":
        return Response(status_code=418)
    return Response(status_code=404)


@pytest.fixture
async def server():
    running = LoopbackServer(Starlette(routes=[Route("/{path:path}", answer)]))
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
def get(server, clock):
    downloads = Downloads(clock=clock)

    async def download(path, limit=1000):
        return await downloads.get(f"http://127.0.0.1:{server.port}{path}", limit=limit)

    return download


async def test_a_file_arrives_whole_with_its_etag(get):
    file = await get("/file")
    assert (file.data, file.etag) == (b"x" * 100, '"one"')
    assert "xxx" not in repr(file)


async def test_a_redirect_is_followed(get):
    assert (await get("/hop")).data == b"x" * 100 + b"x=1"


async def test_a_file_longer_than_the_limit_is_refused(get):
    assert len((await get("/file", limit=100)).data) == 100
    with pytest.raises(CloudAnswer, match="unexpected") as caught:
        await get("/file", limit=99)
    assert "longer than 99 bytes" in caught.value.report().meaning


@pytest.mark.parametrize(
    ("path", "error", "detail"),
    [
        ("/none", CloudAnswer, "does not have this file"),
        ("/teapot", Unreachable, "status 418"),
        ("/again", CloudAnswer, f"more than {HOPS_LIMIT} times"),
        ("/out", CloudAnswer, "not safe"),
        ("/half", CloudAnswer, "no address"),
    ],
)
async def test_what_is_no_file_is_told(get, path, error, detail):
    with pytest.raises(error) as caught:
        await get(path)
    assert detail in caught.value.report().meaning
    assert (
        "127.0.0.1" in caught.value.report().title or "example.com" in caught.value.report().title
    )


async def test_a_redirect_to_a_name_that_no_host_can_have_is_told(get):
    with pytest.raises(Unreachable) as caught:
        await get("/odd")
    assert "can be asked" in caught.value.report().meaning


@pytest.mark.parametrize(
    "url", ["http://example.com/x", "file:///etc/passwd", "ftp://127.0.0.1/x", ""]
)
async def test_nothing_is_asked_of_an_address_that_is_not_safe(url):
    with pytest.raises(CloudAnswer):
        await Downloads().get(url, limit=10)


async def test_a_server_that_is_gone_is_unreachable(get, server):
    server.down = True
    with pytest.raises(Unreachable):
        await get("/file")


def test_a_redirect_never_leaves_https():
    assert follow("https://a.example/x", "/y") == "https://a.example/y"
    assert follow("http://127.0.0.1:1/x", "http://127.0.0.1:2/y") == "http://127.0.0.1:2/y"
    for location in ("http://127.0.0.1:1/y", "http://a.example/y", "file:///y"):
        with pytest.raises(CloudAnswer, match="unexpected"):
            follow("https://a.example/x", location)
