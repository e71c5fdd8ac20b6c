"""Files that pages and programs send: whole and bounded, theirs alone, gone with the connection."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from agent.bridge import limits
from agent.bridge.peer import Peer
from agent.bridge.uploads import Uploads
from agent.errors import RateExceeded
from agent.flash.sketch import Sketch, SketchKind
from agent.jobs.flash_effects import Upload
from tests.bridge.running import FOREIGN, OTHER, Bridge, Client

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.system("linux", "darwin")

CONTENT = bytes(range(256)) * 400


async def offer(client: Client, size: int = len(CONTENT), name: str = "Blink.ino.bin") -> int:
    number: int = (await client.call("flash.offer", name=name, size=size))["image"]
    return number


async def send(client: Client, number: int, *parts: bytes) -> None:
    for part in parts:
        await client.socket.send(bytes([number]) + part)


async def problem(client: Client, board: str, image: int) -> str:
    """Why a job with this file is refused."""
    error = await client.fail("flash.start", board=board, image=image)
    assert error["data"]["code"] == "input"
    assert error["data"]["facts"]["field"] == "image"
    text: str = error["data"]["facts"]["problem"]
    return text


def parts_of(data: bytes, size: int = 30_000) -> Sequence[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


async def test_a_file_in_parts_reaches_the_job_whole(bridge: Bridge) -> None:
    client = await bridge.open(FOREIGN)
    _, board = await bridge.board()
    image = await offer(client)
    await send(client, image, *parts_of(CONTENT))
    await client.call("flash.start", board=board, image=image, confirmed=True)
    assert bridge.jobs.requests == [
        {
            "kind": "flash",
            "board": board,
            "confirmed": True,
            "image": Upload(name="Blink.ino.bin", data=CONTENT),
            "attended": True,
            "owner": FOREIGN,
            "foreign": True,
        }
    ]
    assert "nothing was offered" in await problem(client, board, image), "it is used up"
    assert bridge.server.uploads.bytes_offered == 0


async def test_two_files_side_by_side_do_not_mix_with_each_other_or_with_a_port(
    bridge: Bridge,
) -> None:
    client = await bridge.open()
    pty, board = await bridge.board()
    one, two = await offer(client, 6, "one.bin"), await offer(client, 6, "two.bin")
    channel = (await client.call("serial.open", board=board))["channel"]
    assert len({one, two, channel}) == 3
    await send(client, one, b"abc")
    await send(client, two, b"123")
    await send(client, channel, b"hello")
    await send(client, two, b"456")
    await send(client, one, b"def")
    assert await pty.read(5) == b"hello"
    for image in (one, two):
        await client.call("jobs.start", kind="provision", board=board, image=image)
    sent = [request["image"].data for request in bridge.jobs.requests]
    assert sent == [b"abcdef", b"123456"]


async def test_a_file_that_is_not_whole_yet_starts_nothing_and_may_go_on(bridge: Bridge) -> None:
    client = await bridge.open()
    _, board = await bridge.board()
    image = await offer(client, 10)
    assert await problem(client, board, image) == "has 0 of 10 bytes"
    await send(client, image, b"1234567")
    assert await problem(client, board, image) == "has 7 of 10 bytes"
    await send(client, image, b"890")
    await client.call("flash.start", board=board, image=image)
    assert bridge.jobs.requests[0]["image"].data == b"1234567890"


async def test_more_than_was_offered_spoils_the_file_and_is_not_kept(bridge: Bridge) -> None:
    client = await bridge.open()
    _, board = await bridge.board()
    image = await offer(client, 10)
    await send(client, image, *[bytes(limits.MESSAGE_BYTES - 1)] * 20)
    assert "more than the 10 bytes" in await problem(client, board, image)
    await client.call("flash.drop", image=image)
    assert bridge.jobs.requests == []


async def test_bytes_before_an_offer_and_after_its_end_are_ignored(bridge: Bridge) -> None:
    client = await bridge.open()
    _, board = await bridge.board()
    await send(client, 1, b"too early")
    image = await offer(client, 4)
    assert image == 1
    await send(client, image, b"good")
    await client.call("flash.start", board=board, image=image)
    await send(client, image, b"too late")
    again = await offer(client, 4)
    assert again != image, "late bytes must not meet a new file"
    assert await problem(client, board, again) == "has 0 of 4 bytes"


async def test_a_start_that_fails_leaves_the_file_for_another_try(bridge: Bridge) -> None:
    client = await bridge.open()
    _, board = await bridge.board()
    image = await offer(client, 3)
    await send(client, image, b"abc")
    await client.fail("flash.start", board="no such board", image=image)
    await client.call("flash.start", board=board, image=image)
    assert len(bridge.jobs.requests) == 1


async def test_a_file_of_another_connection_cannot_be_used_or_dropped(bridge: Bridge) -> None:
    one, two = await bridge.open(FOREIGN), await bridge.open(OTHER)
    _, board = await bridge.board()
    image = await offer(one, 3)
    await send(one, image, b"abc")
    assert "nothing was offered" in await problem(two, board, image)
    assert (await two.fail("flash.drop", image=image))["data"]["code"] == "input"
    await send(two, image, b"d")
    await one.call("flash.start", board=board, image=image)
    assert bridge.jobs.requests[0]["image"].data == b"abc"


@pytest.mark.parametrize("params", [{"size": 20_000_000}, {"size": 0}, {"size": -1}])
async def test_a_size_that_cannot_be_is_refused_at_the_offer(
    bridge: Bridge, params: dict[str, Any]
) -> None:
    client = await bridge.open()
    error = await client.fail("flash.offer", name="big.bin", **params)
    assert (error["data"]["code"], error["data"]["facts"]["field"]) == ("input", "size")
    assert bridge.server.uploads.bytes_offered == 0


async def test_the_largest_file_that_is_taken_comes_whole(bridge: Bridge) -> None:
    client = await bridge.open()
    _, board = await bridge.board()
    image = await offer(client, limits.IMAGE_BYTES)
    await send(client, image, *parts_of(bytes(limits.IMAGE_BYTES), limits.MESSAGE_BYTES - 1))
    await client.call("flash.start", board=board, image=image)
    assert len(bridge.jobs.requests[0]["image"].data) == limits.IMAGE_BYTES


async def test_a_third_file_waits_until_one_is_dropped(bridge: Bridge) -> None:
    client = await bridge.open()
    first, _ = await offer(client, 1), await offer(client, 1)
    error = await client.fail("flash.offer", name="c.bin", size=1)
    assert error["data"]["code"] == "rate-exceeded"
    await client.call("flash.drop", image=first)
    await offer(client, 1)


async def test_a_connection_that_ends_in_the_middle_takes_its_files_along(bridge: Bridge) -> None:
    client = await bridge.open(FOREIGN)
    image = await offer(client, limits.IMAGE_BYTES)
    await send(client, image, CONTENT)
    assert bridge.server.uploads.bytes_offered == limits.IMAGE_BYTES
    await client.close()
    while bridge.server.connections:
        await asyncio.sleep(0)
    assert bridge.server.uploads.bytes_offered == 0


def test_a_foreign_page_cannot_fill_the_memory_or_the_room_of_others() -> None:
    uploads = Uploads()

    def fill(origin: str | None) -> int:
        """Offer from new connections until one is refused; how many bytes were taken."""
        before = uploads.bytes_offered
        while True:
            peer = Peer(origin=origin, own=origin is None)
            try:
                uploads.offer(peer, "a.bin", limits.IMAGE_BYTES)
            except RateExceeded:
                return uploads.bytes_offered - before

    assert fill(FOREIGN) == limits.OFFERED_BYTES_PER_PARTY
    assert fill(OTHER) == limits.OFFERED_BYTES_PER_PARTY
    assert fill(None) == limits.OFFERED_BYTES - 2 * limits.OFFERED_BYTES_PER_PARTY


async def test_an_address_is_fetched_only_where_the_settings_allow_it(bridge: Bridge) -> None:
    client = await bridge.open(FOREIGN)
    _, board = await bridge.board()
    for url in ("https://files.example.com.evil.net/a.bin", "http://127.0.0.1:8991/", "a.bin"):
        error = await client.fail("flash.start", board=board, url=url)
        assert error["data"]["facts"]["field"] == "url"
        assert "https://files.example.com/" in error["data"]["title"]
    url = "https://files.example.com/a.bin"
    await client.call("flash.start", board=board, url=url)
    assert [request["url"] for request in bridge.jobs.requests] == [url]


async def test_a_foreign_page_sees_published_sketches_and_no_files_of_the_person(
    bridge: Bridge,
) -> None:
    kinds: list[SketchKind] = ["provisioning-1.0", "local"]
    for kind in kinds:
        data = kind.encode()
        sketch = Sketch(
            sha256=hashlib.sha256(data).hexdigest(),
            name=f"{kind}.bin",
            size=len(data),
            kind=kind,
            fqbn="arduino:samd:mkrwifi1010",
        )
        bridge.sketches.put(sketch, data)
    program, page = await bridge.open(), await bridge.open(FOREIGN)
    own = {sketch["kind"] for sketch in (await program.call("sketches.list"))["sketches"]}
    assert own == {"provisioning-1.0", "local"}
    (seen,) = (await page.call("sketches.list"))["sketches"]
    assert (seen["kind"], seen["size"], len(seen["id"])) == ("provisioning-1.0", 16, 64)
