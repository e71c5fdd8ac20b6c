"""The simulated board behaves over the air as the reference firmware did, ATT by ATT."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from agent.simulator.ble_radio import INDICATE, OK, Radio, Request
from agent.simulator.firmware import Firmware
from agent.simulator.recorded import board_of, boot_ms
from tests.simulator.replay import TAG_PUBLIC_KEY, TAG_TOKEN, compare, elements, vectors_of

REQUESTS = {"MTU": Request.MTU, "SUBSCRIBE": Request.CONFIGURE, "UNSUBSCRIBE": Request.CONFIGURE}


class Radiotelephone:
    """A computer's end of the link, under simulated time."""

    def __init__(self, vector: dict[str, Any]) -> None:
        config, timing, world = board_of(vector)
        config = msgspec.structs.replace(config, ble_name="Arduino-2341-1002")
        self.radio = Radio()
        self.board = Firmware(config, timing, world, radio=self.radio)
        self.board.run(boot_ms(vector), finish_turn=True)

    def do(self, step: dict[str, Any]) -> tuple[list[str], list[bytes]]:
        """One step of a conversation: its results, and the indications."""
        words = (step["action"] or "").split(" ")
        codes: list[int] = []
        results = []
        match words[0]:
            case "ADV":
                results.append(self._advertisement())
            case "CONNECT":
                assert self.radio.link()
                results.append("OK")
            case "DISCONNECT":
                self.radio.lose()
                results.append("DISCONNECTED")
            case "WRITE":
                self.radio.ask(Request.WRITE, codes.append, data=bytes.fromhex(words[1]))
            case "MTU" | "SUBSCRIBE" | "UNSUBSCRIBE" as name:
                number = {"MTU": int(words[-1]) if name == "MTU" else 0, "SUBSCRIBE": INDICATE}
                self.radio.ask(REQUESTS[name], codes.append, number=number.get(name, 0))
        self.board.changed()
        self.board.run(self.board.now + step["wait_ms"], finish_turn=True)
        if codes:
            assert codes == [OK]
            results.append(f"OK {self.radio.mtu}" if words[0] == "MTU" else "OK")
        if self.radio.dropped:
            self.radio.dropped = False
            results.append("DISCONNECTED")
        heard = list(self.radio.outbox)
        self.radio.outbox.clear()
        return results, heard

    def _advertisement(self) -> str:
        said = self.radio.heard
        assert said is not None
        [(company, data)] = said.manufacturer.items()
        manufacturer = company.to_bytes(2, "little") + data
        return f"ADV {said.name} {said.services[0]} {manufacturer.hex()}"


@pytest.mark.parametrize("vector", vectors_of("ble"))
def test_vectors_of_conversations_over_the_air_replay_exactly(vector: dict[str, Any]) -> None:
    phone = Radiotelephone(vector)
    public_key = None
    for step in vector["steps"]:
        results, heard = phone.do(step)
        assert results == step["result"]
        assert [len(each) for each in heard] == [len(each) // 2 for each in step["indications"]]
        frames = step.get("frames", [])
        came = elements([b"".join(heard)])
        assert len(came) == len(frames)
        for want, have in zip(frames, came, strict=True):
            if want["data"]["tag"] == TAG_PUBLIC_KEY:
                public_key = have["data"]["value"][0]
            assert compare(want, have, vector, public_key) == ""
        if {TAG_PUBLIC_KEY, TAG_TOKEN}.isdisjoint(frame["data"]["tag"] for frame in frames):
            assert [each.hex() for each in heard] == step["indications"]


def test_the_board_hears_only_the_last_of_two_writes_between_turns() -> None:
    [vector] = [each.values[0] for each in vectors_of("ble") if "subscribe-starts" in str(each.id)]
    phone = Radiotelephone(vector)
    for step in vector["steps"][:2]:
        phone.do(step)
    version = bytes.fromhex("55aa02000ada000120038118c85699aa55")
    phone.radio.ask(Request.WRITE, lambda _: None, data=version[:10])
    _, heard = phone.do({"action": f"WRITE {version.hex()}", "wait_ms": 300})
    assert len(elements([b"".join(heard)])) == 1
    phone.radio.ask(Request.WRITE, lambda _: None, data=version)
    _, heard = phone.do({"action": f"WRITE {version[10:].hex()}", "wait_ms": 300})
    assert "data" not in str(elements([b"".join(heard)]))
