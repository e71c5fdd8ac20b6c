"""Checks before anything is sent: the chosen network against the board's own scan, and versions.

All pure. Warnings are for the person, who may go on; what cannot work at all is an error.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from typing import TYPE_CHECKING

import msgspec

from agent.clouds.versions import is_older
from agent.errors import InputError, NotSupported, OldFirmware
from agent.settings import clean_text
from agent.settings.network import NetworkSetting, WiFi

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.clouds.cloud import Requirements
    from agent.sessions.session import BoardFacts, NetworkOption

WEAK_DBM = -80
"""Below this the usual radios lose packets so often that joining fails at times."""

SCAN_ENTRIES_MAX = 20
"""A board reports at most 20 networks, of the first 20 raw results (protocol-v2, 4.2)."""

NEAR_NAME = 0.8
"""Likeness (difflib ratio) from which another name is offered as the one that was meant."""

WIFI_FIRMWARE = "Wi-Fi firmware"
UPDATE_FIRMWARE = (
    "Update it over a cable with the firmware updater of the Arduino IDE, then try again."
)
CLOUD_REFUSES = "The cloud does not accept older versions."

KIND_NAMES = {
    "wifi": "Wi-Fi",
    "ethernet": "Ethernet",
    "gsm": "GSM",
    "nb": "NB-IoT",
    "catm1": "CAT-M1",
    "cellular": "cellular",
    "lora": "LoRa",
}

_BAND = re.compile(r"[-_ .]?(2[.,]?4|5|6)[-_ ]?g(hz)?$", re.IGNORECASE)
_ALIKE = str.maketrans({"0": "o", "1": "l", "i": "l", "’": "'", "‘": "'", "´": "'", "`": "'"})


class NetworkWarning(msgspec.Struct, frozen=True, kw_only=True):
    """Why a network will perhaps not work."""

    code: str
    """``not-seen``, ``look-alike``, ``hidden``, ``nothing-seen``, ``blank``, ``weak``."""
    text: str
    """What a person reads."""
    ssid: str | None = None
    """The network that was probably meant."""


def kind_of(network: NetworkSetting) -> str:
    """``wifi``, ``ethernet``, ``gsm``, ``nb``, ``catm1``, ``cellular``, ``lora``."""
    return str(network.__struct_config__.tag)


def check_kind(network: NetworkSetting, model: str, accepted: Sequence[str]) -> None:
    """Raise :class:`NotSupported` for a kind of network that the firmware of the model refuses.

    ``accepted`` comes from the catalogue (protocol-v2, 4.4); empty means that it is not known.
    """
    kind = kind_of(network)
    if accepted and kind not in accepted:
        usable = ", ".join(KIND_NAMES.get(name, name) for name in accepted)
        raise NotSupported(
            model=model,
            what=f"use a {KIND_NAMES[kind]} network",
            why="Its provisioning firmware has no adapter for this kind of network.",
            action=f"Choose one of: {usable}.",
        )


def check_network(
    network: NetworkSetting, options: Sequence[NetworkOption]
) -> list[NetworkWarning]:
    """What speaks against ``network``, given what the board itself sees; empty: nothing."""
    if not isinstance(network, WiFi):
        return []
    name = network.ssid_bytes
    seen = [option for option in options if bytes.fromhex(option.ssid_hex) == name]
    if seen:
        rssi = max(option.rssi_dbm for option in seen)
        if rssi < WEAK_DBM and not network.ssid_hex:
            text = f"The board sees “{_shown(name)}” only weakly ({_dbm(rssi)}). Joining may fail."
            return [NetworkWarning(code="weak", text=text)]
        return []
    return [_unseen(name, options), *_blanks(name)]


def _unseen(name: bytes, options: Sequence[NetworkOption]) -> NetworkWarning:
    shown = _shown(name)
    named = [option for option in options if option.ssid_hex]
    alike = look_alike(name, named)
    if alike is not None:
        other, how = alike
        text = f"The board does not see “{shown}”, but it sees “{clean_text(other.ssid)}”: {how}."
        return NetworkWarning(code="look-alike", text=text, ssid=other.ssid)
    if not options:
        return NetworkWarning(
            code="nothing-seen",
            text="The board sees no Wi-Fi network at all. Check its antenna and its place.",
        )
    if len(named) < len(options):
        text = (
            f"The board does not see “{shown}”. It sees a hidden network, which may be this one; "
            "then name and password must be exactly right."
        )
        return NetworkWarning(code="hidden", text=text)
    text = f"The board does not see “{shown}”. "
    if len(options) >= SCAN_ENTRIES_MAX:
        text += f"It lists {SCAN_ENTRIES_MAX} networks at most, so this one may be missing."
    else:
        text += "It may be hidden, out of reach, or use 5 GHz, which most boards cannot use."
    return NetworkWarning(code="not-seen", text=text)


def _blanks(name: bytes) -> list[NetworkWarning]:
    text = name.decode("utf-8", errors="replace")
    if text == text.strip():
        return []
    where = "begins" if text != text.lstrip() else "ends"
    return [
        NetworkWarning(
            code="blank",
            text=f"The name you gave {where} with a blank. That is allowed, but rarely meant.",
            ssid=text.strip(),
        )
    ]


def look_alike(name: bytes, options: Sequence[NetworkOption]) -> tuple[NetworkOption, str] | None:
    """The seen network that ``name`` was probably meant to be, and how the two differ."""
    wanted = name.decode("utf-8", errors="replace")
    ways = (
        (str.strip, "one of the two has a blank at its begin or end"),
        (str.casefold, "upper and lower case differ"),
        (_spaces, "they differ in blanks or invisible characters"),
        (_skeleton, "they differ in characters that look alike"),
        (_without_band, "they differ in the band that the name tells; most boards use 2.4 GHz"),
    )
    texts = [
        (option, bytes.fromhex(option.ssid_hex).decode(errors="replace")) for option in options
    ]
    for fold, how in ways:
        for option, text in texts:
            if fold(text) == fold(wanted):
                return option, how
    near = difflib.get_close_matches(wanted, [text for _, text in texts], n=1, cutoff=NEAR_NAME)
    for option, text in texts:
        if text in near:
            return option, "the names are almost the same"
    return None


def _spaces(text: str) -> str:
    return "".join(
        c
        for c in unicodedata.normalize("NFC", text)
        if not c.isspace() and unicodedata.category(c) not in {"Cf", "Zs", "Cc"}
    )


def _skeleton(text: str) -> str:
    folded = unicodedata.normalize("NFKC", _spaces(text)).casefold().translate(_ALIKE)
    return re.sub(r"[-_.‐‑–—]", "-", folded)


def _without_band(text: str) -> str:
    return _skeleton(_BAND.sub("", text.strip()))


def explain_unseen(network: NetworkSetting, options: Sequence[NetworkOption]) -> str | None:
    """What to know about a network that the board does not see; None if it sees it."""
    if not isinstance(network, WiFi):
        return None
    name = network.ssid_bytes
    if any(bytes.fromhex(option.ssid_hex) == name for option in options):
        return None
    return _unseen(name, options).text


def check_versions(facts: BoardFacts, needed: Requirements) -> None:
    """Raise :class:`OldFirmware` if the board is below what its cloud asks.

    A version that could not be read (a board in RUN must not be asked) is not held against it.
    """
    part = "provisioning sketch"
    action = f"Update the {part} of the board over a cable, then try again."
    _check_version(part, facts.sketch_version, needed.min_sketch, CLOUD_REFUSES, action)
    check_wifi_firmware(facts.wifi_firmware, needed)


def check_wifi_firmware(found: str | None, needed: Requirements) -> None:
    """Raise :class:`OldFirmware` if the Wi-Fi module's is too old; None: it is not known."""
    _check_version(WIFI_FIRMWARE, found, needed.min_wifi_firmware, CLOUD_REFUSES, UPDATE_FIRMWARE)


def check_air_firmware(found: str | None, minimum: str | None) -> None:
    """The same for what Bluetooth LE needs of it, as the catalogue says."""
    why = (
        "Provisioning over Bluetooth does not work reliably with an older one; nothing was changed."
    )
    _check_version(WIFI_FIRMWARE, found, minimum, why, UPDATE_FIRMWARE)


def unknown_firmware(minimum: str) -> OldFirmware:
    """The error for a Wi-Fi module that does not tell its version although it was asked."""
    return OldFirmware(
        part=WIFI_FIRMWARE,
        found="unknown",
        needed=minimum,
        why=CLOUD_REFUSES,
        action=UPDATE_FIRMWARE,
    )


def _check_version(
    part: str, found: str | None, minimum: str | None, why: str, action: str
) -> None:
    if found and minimum and is_older(found, minimum):
        shown, needed = clean_text(found, 24), clean_text(minimum, 24)
        raise OldFirmware(part=part, found=shown, needed=needed, why=why, action=action)


def check_text(field: str, text: str) -> None:
    """Raise :class:`InputError` for a text that cannot be sent or stored."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError(field=field, problem="is not valid text (UTF-8)") from None


def _shown(name: bytes) -> str:
    return clean_text(name.decode("utf-8", errors="replace"), 64)


def _dbm(rssi: int) -> str:
    return f"{rssi} dBm".replace("-", "−")
