"""Lists of devices that an administrator imports (CSV with a mapping of its columns).

Source: cloud-thingsboard, section 9; the server's BulkImportRequest and BulkImportColumnType.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any, Final

from agent.simulator.thingsboard_credentials import (
    BasicLogin,
    StoredCredentials,
    basic_credentials,
    certificate_credentials,
    token_credentials,
)
from agent.simulator.thingsboard_devices import TooManyDevicesError

if TYPE_CHECKING:
    from agent.simulator.thingsboard_devices import Scope
    from agent.simulator.thingsboard_state import ThingsBoardState

COLUMNS: Final = frozenset(
    {"NAME", "TYPE", "LABEL", "IS_GATEWAY", "ACCESS_TOKEN", "X509", "DESCRIPTION"}
    | {"MQTT_CLIENT_ID", "MQTT_USER_NAME", "MQTT_PASSWORD", "SHARED_ATTRIBUTE", "SERVER_ATTRIBUTE"}
)
"""Kinds of column that are simulated."""


def import_devices(state: ThingsBoardState, said: dict[str, Any]) -> dict[str, Any]:
    """Make or change a device for each row; how many of each, and what was wrong with the rest.

    ``ValueError`` if the mapping is wrong; one wrong row leaves the others alone.
    """
    mapping = said.get("mapping")
    columns = mapping.get("columns") if isinstance(mapping, dict) else None
    if not isinstance(mapping, dict) or not isinstance(columns, list):
        mapping, columns = {}, []
    kinds = [(str(c.get("type")), str(c.get("key") or "")) for c in columns if isinstance(c, dict)]
    if not {"NAME"} <= {kind for kind, _ in kinds} <= COLUMNS:
        raise ValueError("the mapping of the columns is missing or names an unknown type")
    text = io.StringIO(str(said.get("file") or ""))
    rows = list(csv.reader(text, delimiter=str(mapping.get("delimiter") or ",")))
    result: dict[str, Any] = {"created": 0, "updated": 0, "errors": 0, "errorsList": []}
    for number, row in enumerate(rows[1:] if mapping.get("header") else rows, 1):
        try:
            done = _import_row(state, kinds, row, update=mapping.get("update") is True)
            result[done] += 1
        except (ValueError, TooManyDevicesError) as error:
            result["errors"] += 1
            result["errorsList"].append(f"Line {number}: {error}")
    return result


def _import_row(
    state: ThingsBoardState, kinds: list[tuple[str, str]], row: list[str], *, update: bool
) -> str:
    said = {kind: cell for (kind, _), cell in zip(kinds, row, strict=False) if cell}
    name, credentials = said.get("NAME", ""), _credentials(said)
    device = state.devices.get(name)
    done = "created" if device is None else "updated"
    if device is None:
        profile = state.profile_named(said.get("TYPE", "default"))
        device = state.add_device(name, profile, credentials)
    elif not update:
        raise ValueError("Device with such name already exists!")
    elif credentials is not None:
        state.replace_credentials(device, credentials)
    device.gateway = said.get("IS_GATEWAY", "").lower() == "true"
    device.label = said.get("LABEL", "")
    scopes: dict[str, Scope] = {
        "SHARED_ATTRIBUTE": "SHARED_SCOPE",
        "SERVER_ATTRIBUTE": "SERVER_SCOPE",
    }
    for (kind, key), cell in zip(kinds, row, strict=False):
        if kind in scopes and key:
            device.attributes[scopes[kind]][key] = cell
    return done


def _credentials(said: dict[str, str]) -> StoredCredentials | None:
    if "ACCESS_TOKEN" in said:
        return token_credentials(said["ACCESS_TOKEN"])
    names = ("MQTT_CLIENT_ID", "MQTT_USER_NAME", "MQTT_PASSWORD")
    if any(name in said for name in names):
        return basic_credentials(BasicLogin(*(said.get(name, "") for name in names)))
    return certificate_credentials(said["X509"]) if "X509" in said else None
