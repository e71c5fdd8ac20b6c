"""What boards of nRF Cloud and Blynk say of themselves, as ``mooring identify`` shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent.sessions.session import BoardFacts


def family_rows(facts: BoardFacts, result: dict[str, Any]) -> dict[str, Any]:
    """Labels and values; empty for any other board."""
    said = result.get("blynk")
    return _blynk_rows(said) if isinstance(said, dict) else _modem_rows(facts)


def _modem_rows(facts: BoardFacts) -> dict[str, Any]:
    """Of a board with a modem."""
    modem = facts.modem
    if modem is None:
        return {}
    whose = {True: "your team", False: "nobody in your team", None: None}[modem.claimed]
    return {
        "modem": " ".join(filter(None, [modem.model or modem.chip, modem.firmware])),
        "IMEI": modem.imei,
        "SIM card": modem.sim,
        "device id": modem.device_id,
        "claimed by": whose,
        "in nRF Cloud": {True: "yes", False: "not yet", None: None}[modem.onboarded],
        "tags": ", ".join(modem.tags),
        "understands": f"{modem.dialect}, on {modem.port}",
    }


def _blynk_rows(said: dict[str, Any]) -> dict[str, Any]:
    template = " ".join(filter(None, (said.get("template_name"), said.get("template"))))
    return {
        "device name": said.get("name"),
        "vendor": said.get("vendor"),
        "template": template,
        "firmware": f"{said.get('firmware', '')} {said.get('version', '')}".strip(),
        "generation": said.get("generation"),
        "chip id": said.get("uid"),
        "answers on": said.get("way"),
        "networks by": ", ".join(said.get("interfaces", ())),
        "last error": said.get("last_error_means"),
    }
