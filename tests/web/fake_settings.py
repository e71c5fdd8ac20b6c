"""Settings for the agent of :mod:`tests.web.fake`: one of each kind of control."""

from __future__ import annotations

from typing import Any, Final

PATH: Final = "/home/anna/.config/mooring/config.toml"


def setting(key: str, title: str, schema: dict[str, Any], default: Any, **fields: Any) -> Any:
    """One setting, as ``settings.get`` has it."""
    usual = {"source": "default", "applies": "now", "pending": False, "value": default}
    named = {"key": key, "title": title, "meaning": f"What {title.lower()} means."}
    return named | {"schema": schema, "default": default} | usual | fields


def usual_settings() -> list[Any]:
    """One of each kind."""
    text = {"type": "string", "maxLength": 2000}
    port = {"type": "integer", "minimum": 1024, "maximum": 65535}
    rate = {"type": "number", "exclusiveMinimum": 0, "maximum": 10000}
    texts = {"type": "array", "items": text, "maxItems": 3, "examples": [["COM7"]]}
    table = {"type": "object", "additionalProperties": text}
    scan = {"enum": ["asked", "always", "never"]}
    return [
        setting("desktop.notifications", "Notifications", {"type": "boolean"}, True),
        setting("bluetooth.scan", "Listen for boards in the air", scan, "asked"),
        setting("ports.ignore", "Ports to leave alone", texts, []),
        setting("network.proxy", "Proxy", {"type": "string", "x-masked": True}, ""),
        setting("arduino.requests_per_s", "Requests per second", rate, 5.0),
        setting("flash.tools", "Flashing programs", table, {}),
        setting("bridge.first_port", "First port", port, 8991, applies="restart"),
        setting("log.level", "Log", {"enum": ["debug", "info"]}, "info"),
    ]


class FakeSettings:
    """A file of settings that takes everything."""

    def __init__(self) -> None:
        self.settings = usual_settings()
        self.problem: dict[str, Any] | None = None

    def find(self, key: str) -> Any:
        """The setting, to be changed."""
        return next(each for each in self.settings if each["key"] == key)

    def document(self) -> dict[str, Any]:
        """The result of ``settings.get``."""
        return {"path": PATH, "problem": self.problem, "settings": self.settings}

    def take(self, values: dict[str, Any]) -> dict[str, Any]:
        """The result of ``settings.set``."""
        for key, value in values.items():
            found = self.find(key)
            found["value"] = found["default"] if value is None else value
            found["source"] = "default" if value is None else "file"
            found["pending"] = found["applies"] == "restart" and value is not None
        return self.document()
