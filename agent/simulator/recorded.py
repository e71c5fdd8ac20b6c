"""Boards and surroundings of recorded conversations, which describe them in words.

The words are those of the vector files' ``board_setup`` and ``world``; what is not understood is
an error, so that a conversation is never replayed on the wrong board.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from agent.settings import Secret
from agent.simulator.board_cbor import NetworkKind
from agent.simulator.config import BoardConfig
from agent.simulator.timing import VECTOR_TIMING, Timing
from agent.simulator.world import Network, SecureElement, Uplink, World

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BOOT_MS: Final = 2_000
"""Board time before the first step of a conversation."""

DEFAULT_WIFI: Final = (
    "HomeNet/-45 (password 'correct horse'), Office/-67 ('s3cret'), "
    "NoInternet/-70 ('nopath', no internet)"
)
_IDENTITY: Final = {
    "uhwid": "00112233445566778899aabbccddeeff102132435465768798a9bacbdcedfe0f",
    "ble_address": "a1b2c3d4e5f6",
}
_IDENTITY_TAGS: Final = {
    "0x012010": "uhwid",
    "0x012013": "ble_address",
    "0x012014": "wifi_firmware",
    "0x012015": "sketch_version",
    "0x012016": "library_version",
}
_SKETCH_TEXT: Final = ("Starting Provisioning version", ">>>> ")
"""Text that a sketch prints itself, whatever the level of its log."""

_ONE = re.compile(
    r"(?P<ssid>.+?)/(?P<rssi>-?\d+)(?:\s*\((?:password )?'(?P<password>.*?)'(?P<rest>.*?)\)|"
    r"\s*\((?P<words>.*?)\))?"
)
_SERIES = re.compile(
    r"(?P<count>[\w-]+) networks?, (?:with )?names? of (?P<chars>\d+) (?:characters|bytes), "
    r"(?P<rssi>-?\d+)"
)
_NUMBERS: Final = (
    "no",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
)
_TENS: Final = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50}
_GOOD_AGAIN: Final = re.compile(r"again|back|recover|repair|restor|plugged in|returns?|works\b")
_UPLINKS: Final = {
    "ok": Uplink.OK,
    "connected": Uplink.OK,
    "init": Uplink.ABSENT,
    "no cable": Uplink.ABSENT,
    "connecting": Uplink.NO_INTERNET,
    "no internet": Uplink.NO_INTERNET,
    "disconnected": Uplink.REFUSED,
    "closed": Uplink.STOPPED,
    "error": Uplink.BROKEN,
}


def board_of(vector: Mapping[str, Any]) -> tuple[BoardConfig, Timing, World]:
    """The board that a conversation was recorded on.

    Its modem has a hardware error unless something else is said, and it has no LoRa.
    """
    setup: dict[str, str] = dict(vector.get("board_setup", {}))
    world = World(
        networks=parse_networks(setup.pop("wifi", DEFAULT_WIFI)),
        ethernet=_uplink(setup.pop("ethernet", "ok")),
        modem=_uplink(setup.pop("modem", setup.pop("gsm", "error"))),
    )
    timing = VECTOR_TIMING
    fault = setup.pop("fault", None)
    if fault is not None:
        duration = re.search(r"after (\d+) ms", fault)
        if duration:
            timing = msgspec.structs.replace(timing, failing_scan=float(duration[1]))
        change_world(world, fault)
    cloud = setup.pop("cloud", "works")
    change_world(world, f"cloud {cloud}")
    sketch = setup.pop("sketch", "provisioning")
    board = setup.pop("board", "")
    if setup:
        msg = f"unknown parts of a board setup: {sorted(setup)}"
        raise ValueError(msg)
    application = "no claiming" in sketch or "Demo" in sketch
    config = BoardConfig(
        model="vector",
        serial_number="vector",
        sketch="application" if application else "provisioning",
        networks=frozenset(NetworkKind) - {NetworkKind.LORA},
        zero_touch="ethernet" in board.lower() or "zero" in board.lower(),
        log=_has_log(vector),
        **_IDENTITY,  # type: ignore[arg-type]  # the checker takes them for any field
    )
    return msgspec.structs.replace(config, **_identity(vector)), timing, world


def boot_ms(vector: Mapping[str, Any]) -> float:
    """How long the board runs before the first step: only its setup if the host does not wait."""
    words = f"{vector['id']} {vector.get('description', '')}".lower()
    if "at once" not in words and "early" not in words:
        return BOOT_MS
    return VECTOR_TIMING.setup if board_of(vector)[0].sketch == "provisioning" else 0.0


def parse_networks(text: str) -> list[Network]:
    """Networks out of ``Name/-45 (password 'x', no internet), …`` or ``twelve networks, …``."""
    series = _SERIES.fullmatch(text)
    if series:
        count, chars = _number(series["count"]), int(series["chars"])
        names = [f"{number:02}".rjust(chars, "n") for number in range(count)]
        return [Network(ssid=name, rssi=int(series["rssi"])) for name in names]
    if text in {"", "none", "no networks"}:
        return []
    networks = []
    for part in re.split(r",\s*(?![^(]*\))", text):
        found = _ONE.fullmatch(part.strip())
        if not found:
            msg = f"unknown network: {part}"
            raise ValueError(msg)
        words = found["rest"] or found["words"] or ""
        networks.append(
            Network(
                ssid=found["ssid"],
                rssi=int(found["rssi"]),
                password=Secret(found["password"] or ""),
                internet="no internet" not in words,
                dhcp="no dhcp" not in words.lower(),
                hidden="hidden" in words,
            )
        )
    return networks


def change_world(world: World, text: str) -> None:
    """Do to the surroundings what a conversation says in words; ValueError if not understood."""
    words = text.lower()
    good = bool(_GOOD_AGAIN.search(words))
    if "secure element" in words:
        world.secure_element = SecureElement.OK if good else _element_fault(words)
    elif "cloud" in words or "certificate" in words:
        world.certificates = good
    elif "scan" in words:
        world.scans = good
    elif "partition" in words or "format" in words:
        world.partition = good
    elif "storage" in words or "store" in words:
        if "writ" in words or "full" in words or "keep" in words:
            world.storage_writes = good
        else:
            world.storage = good
    elif "unique" in words or "hardware id" in words or "uhwid" in words:
        world.unique_id = good
    elif "module" in words:
        world.wifi_module = good
    elif "cable" in words or "ethernet" in words:
        world.ethernet = Uplink.OK if good else Uplink.ABSENT
    elif "modem" in words:
        world.modem = Uplink.OK if good else Uplink.BROKEN
    elif "internet" in words:
        world.internet = good
    else:
        world.networks = _changed_networks(world, text)


def _changed_networks(world: World, text: str) -> list[Network]:
    words = text.lower()
    left = re.search(r"(?:only )?([\w-]+) networks? (?:is |are )?left", words)
    if left:
        return parse_networks(DEFAULT_WIFI)[: _number(left[1])]
    if re.search(r"(?:list|networks?) .*(?:again|back)", words):
        return parse_networks(DEFAULT_WIFI)
    gone = [n for n in world.networks if re.search(rf"\b{re.escape(n.ssid)}\b", text)]
    if gone and re.search(r"gone|disappear|vanish|away|off", words):
        return [n for n in world.networks if n not in gone]
    msg = f"unknown change of the surroundings: {text}"
    raise ValueError(msg)


def _element_fault(words: str) -> SecureElement:
    if "config" in words:
        return SecureElement.NO_CONFIGURATION
    if "lock" in words:
        return SecureElement.NO_LOCK
    if "key" in words or "sign" in words or "token" in words:
        return SecureElement.NO_KEY
    if "writ" in words or "slot" in words:
        return SecureElement.NO_WRITE
    return SecureElement.NO_ANSWER


def _uplink(word: str) -> Uplink:
    try:
        return _UPLINKS[word.lower()]
    except KeyError:
        msg = f"unknown state of a network: {word}"
        raise ValueError(msg) from None


def _number(word: str) -> int:
    if word.isdecimal():
        return int(word)
    tens, _, ones = word.lower().partition("-")
    base = _TENS[tens] if tens in _TENS else _NUMBERS.index(tens)
    return base + (_NUMBERS.index(ones) if ones else 0)


def _elements(vector: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from vector.get("at_boot", ())
    for step in vector["steps"]:
        yield from step.get("board", ())


def _has_log(vector: Mapping[str, Any]) -> bool:
    """Whether the log was on: there is text that no sketch prints by itself."""
    return any(
        not line.startswith(_SKETCH_TEXT)
        for element in _elements(vector)
        for line in element.get("text", "").splitlines()
    )


def _identity(vector: Mapping[str, Any]) -> dict[str, str]:
    """Identity and versions that the recorded board has: data of it, not behaviour."""
    found: dict[str, str] = {}
    for element in _elements(vector):
        data = element.get("data") or {}
        field = _IDENTITY_TAGS.get(data.get("tag", ""))
        if field is not None and data["value"]:
            value = data["value"][0]
            found[field] = value["hex"] if isinstance(value, dict) else value
    return found
