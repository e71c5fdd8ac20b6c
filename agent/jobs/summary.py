"""One line about a board that was read, for the step “Read the board”."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.jobs.reach import OVER
from agent.settings import clean_text

if TYPE_CHECKING:
    from agent.boards.board import Via
    from agent.sessions.session import BoardFacts


def board_summary(facts: BoardFacts, via: Via = "usb") -> str:
    """``over Bluetooth · sketch 0.6.2 · Wi-Fi firmware 0.6.0 · id 4f1c…9a07``."""
    parts: list[str] = [OVER[via]] if via == "ble" else []
    if facts.application_sketch:
        parts.append("application sketch")
    elif facts.sketch_version:
        parts.append(f"sketch {clean_text(facts.sketch_version, 24)}")
    if facts.wifi_firmware:
        parts.append(f"Wi-Fi firmware {clean_text(facts.wifi_firmware, 24)}")
    if facts.uhwid:
        parts.append(f"id {facts.uhwid[:4]}…{facts.uhwid[-4:]}")
    if facts.device:
        firmware = " ".join(filter(None, (facts.device.firmware, facts.device.version)))
        parts += filter(None, (firmware, facts.device.hardware, facts.device.name))
    if facts.online:
        parts.append("in a network" if facts.protocol == "improv" else "may be online")
    return " · ".join(parts)
