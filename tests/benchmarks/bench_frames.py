"""How fast a byte stream of a board becomes frames, and those become messages."""

from __future__ import annotations

import time

from agent.protocols.v2.frames import Frame, FrameDecoder, PacketType, encode_frame
from agent.protocols.v2.messages import (
    HardwareId,
    Network,
    NetworkList,
    PublicKey,
    SketchVersion,
    Status,
    Token,
    decode_from_board,
    encode_from_board,
)
from agent.settings import Secret

STREAM_BYTES = 4_000_000
CHUNK_BYTES = 4096
BEST_OF = 3
"""The fastest of a few runs: what disturbs a measurement only makes it slower."""


def run() -> list[tuple[str, float, str, str | None]]:
    """Megabytes (10^6) per second; the issue asks for 10 with frames and messages together."""
    networks = NetworkList(tuple(Network(b"network-%02d" % n, -40 - n) for n in range(20)))
    status = _frame(encode_from_board(Status(2)))
    visit = status + b"".join(
        _frame(encode_from_board(message))
        for message in (
            networks,
            SketchVersion("0.6.2"),
            PublicKey("p" * 178),
            HardwareId(bytes(32)),
            Token(Secret("t" * 246)),
        )
    )
    log = b"WiFi.status(): 0\r\nCurrent WiFi Firmware: 0.6.0\r\n"
    false_starts = b"\x55\xaa\x02\x03\x00" * 8
    noisy = visit + log * 8 + false_starts + visit[:100]
    return [
        ("frames + messages, one visit to a board", _rate(visit, messages=True), "MB/s", ">= 10"),
        ("frames + messages, log text and noise", _rate(noisy, messages=True), "MB/s", ">= 10"),
        ("frames + messages, smallest only (16 B)", _rate(status, messages=True), "MB/s", None),
        ("frames alone, one visit to a board", _rate(visit, messages=False), "MB/s", None),
        (
            "frames alone, nothing but false starts",
            _rate(false_starts, messages=False),
            "MB/s",
            None,
        ),
    ]


def _frame(payload: bytes) -> bytes:
    return encode_frame(PacketType.DATA, payload)


def _rate(pattern: bytes, *, messages: bool) -> float:
    stream = pattern * (STREAM_BYTES // len(pattern))
    fastest = min(_seconds(stream, messages) for _ in range(BEST_OF))
    return len(stream) / fastest / 1e6


def _seconds(stream: bytes, messages: bool) -> float:
    decoder = FrameDecoder()
    begin = time.perf_counter()
    for at in range(0, len(stream), CHUNK_BYTES):
        for piece in decoder.feed(stream[at : at + CHUNK_BYTES]):
            if messages and isinstance(piece, Frame):
                decode_from_board(piece.payload)
    return time.perf_counter() - begin
