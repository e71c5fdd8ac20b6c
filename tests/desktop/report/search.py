"""Looks for a text in bytes, in every way in which it may be written; knows nothing of the masks."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus


def ways(value: str) -> dict[str, bytes]:
    """Name of each way, and what is looked for in lowered bytes."""
    data = value.encode()
    found = {
        "plain": data,
        "json": json.dumps(value)[1:-1].encode(),
        "escaped": ascii(value)[1:-1].encode(),
        "bytes": repr(data)[2:-1].encode(),
        "html": html.escape(value).encode(),
        "hex": data.hex().encode(),
        "hex with colons": data.hex(":").encode(),
        "hex with spaces": data.hex(" ").encode(),
        "percent": quote(data, safe="").encode(),
        "form": quote_plus(data).encode(),
        "percent, all": "".join(f"%{byte:02x}" for byte in data).encode(),
        "utf-16 le": value.encode("utf-16-le"),
        "utf-16 be": value.encode("utf-16-be"),
        "utf-16 hex": value.encode("utf-16-le").hex().encode(),
    }
    for skipped in range(3):
        text = base64.b64encode(bytes(skipped) + data).rstrip(b"=")
        core = text[-(-skipped * 8 // 6) : (skipped + len(data)) * 8 // 6]
        found[f"base64 at {skipped}"] = core
        found[f"base64 for addresses at {skipped}"] = core.translate(bytes.maketrans(b"+/", b"-_"))
    return {name: way.lower() for name, way in found.items()}


def found_in(value: str, data: bytes) -> list[str]:
    """In which ways ``value`` is in ``data``."""
    lowered = data.lower()
    return [name for name, way in ways(value).items() if len(way) > 3 and way in lowered]
