"""The link against what the reference firmware was recorded to do over Bluetooth LE."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

import pytest

from agent.links.ble import PROVISIONING, open_ble
from agent.links.ble_radio import BleRadio
from agent.protocols.v2.frames import Frame, FrameDecoder, encode_frame
from tests.links.air import ADDRESS, ScriptedBoard, air
from tests.protocols.conftest import OWN_VECTORS, read_vectors

pytestmark = [pytest.mark.system("linux"), pytest.mark.needs("dbus")]


class Recorded(NamedTuple):
    """One link of a vector, from its subscription to its end."""

    name: str
    mtu: int
    opening: list[bytes]
    """Indications that the subscription brings."""
    writes: list[tuple[bytes, list[bytes]]]
    """What the host wrote, in one write each, and the indications that came then."""
    frames: list[bytes]


def recorded() -> list[Recorded]:
    """All links on which the host subscribed before it wrote; ours knows no other order."""
    found: list[Recorded] = []
    for vector in read_vectors("ble", OWN_VECTORS):
        mtu, link = 23, None
        early = False
        for step in vector["steps"]:
            action, _, rest = (step["action"] or "").partition(" ")
            said = [bytes.fromhex(each) for each in step["indications"]]
            if action in {"CONNECT", "DISCONNECT"}:
                link, early = None, False
                mtu = 23
            elif action == "MTU":
                mtu = int(rest)
            elif action == "SUBSCRIBE" and not early:
                link = Recorded(f"{vector['id']}-{len(found)}", mtu, said, [], [])
                found.append(link)
            elif action == "WRITE":
                early = link is None
                if link is not None:
                    link.writes.append((bytes.fromhex(rest), said))
            elif link is not None and link.writes:
                link.writes[-1][1].extend(said)
            if link is not None:
                link.frames.extend(bytes.fromhex(f["frame"]) for f in step.get("frames") or ())
    return found


LINKS = recorded()


def test_all_vectors_with_a_session_are_replayed():
    names = {link.name.rpartition("-")[0] for link in LINKS}
    assert names == {each["id"] for each in read_vectors("ble", OWN_VECTORS)} - {"advertise"}


@pytest.mark.parametrize("link", LINKS, ids=lambda link: link.name)
async def test_recorded_indications_give_the_recorded_frames_and_writes_are_cut_alike(link):
    board = ScriptedBoard()
    board.mtu = link.mtu
    answers = iter(link.writes)

    def answer(_: bytes) -> None:
        for indication in next(answers)[1]:
            board.say(indication)

    board.on_write = answer
    async with air(board):
        radio = BleRadio([PROVISIONING.service])
        pipe = await open_ble(radio, ADDRESS)
        received: list[bytes] = []
        decoder = FrameDecoder()

        async def read_all() -> None:
            while True:
                pieces = decoder.feed(await pipe.receive())
                assert all(isinstance(piece, Frame) for piece in pieces)
                received.extend(frame_bytes(pieces))

        reading = asyncio.create_task(read_all())
        for indication in link.opening:
            board.say(indication)
        for frame in frame_bytes(FrameDecoder().feed(b"".join(data for data, _ in link.writes))):
            await pipe.write(frame)
        while len(received) < len(link.frames):
            assert not reading.done()
            await asyncio.sleep(0.01)
        reading.cancel()
        await pipe.close()
        await radio.close()
    assert received == link.frames
    assert board.written == [data for data, _ in link.writes]


def frame_bytes(pieces: list[Any]) -> list[bytes]:
    return [encode_frame(piece.type, piece.payload) for piece in pieces]
