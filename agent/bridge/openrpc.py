"""The interface as an OpenRPC document, made from the registered methods and their types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from agent import __version__
from agent.boards.board import BoardChanges
from agent.bridge import rpc
from agent.bridge.agent_feed import AgentInfo
from agent.bridge.ask import WANTS
from agent.bridge.board_feed import BluetoothState
from agent.bridge.consent_service import AskAllowed, AskOpen, AskRefused, OriginsDocument
from agent.bridge.fields import schema_field
from agent.bridge.outbox import Dropped
from agent.bridge.relay import Closed, Refused
from agent.bridge.scopes import JOB_SCOPES, Scope, ordered
from agent.errors import ErrorReport, Looked
from agent.jobs.job import JobChange
from agent.settings.network import NetworkSetting

if TYPE_CHECKING:
    from agent.bridge.rpc import Dispatcher, Method

OPENRPC_VERSION = "1.3.2"
"""Of the specification (spec.open-rpc.org)."""

NOTIFICATIONS: dict[str, tuple[type[msgspec.Struct], str]] = {
    "agent.changed": (AgentInfo, "Something about the agent itself changed."),
    "boards.changed": (BoardChanges, "Boards appeared, changed or vanished."),
    "bluetooth.changed": (BluetoothState, "Bluetooth can be used, or no longer and why."),
    "job.changed": (JobChange, "A job went on; carries the whole job."),
    "doctor.progress": (Looked, "How far doctor.run is; goes to who called it."),
    "origins.changed": (
        OriginsDocument,
        "A page asks, was answered, allowed, revoked or not let in.",
    ),
    "serial.dropped": (Dropped, "Data of the board was lost here: this connection is too slow."),
    "serial.refused": (Refused, "Data for the board did not fit: the board reads too slowly."),
    "serial.closed": (Closed, "A channel ended by itself."),
}

ASK_MESSAGES: tuple[type[msgspec.Struct], ...] = (AskOpen, AskAllowed, AskRefused)
"""What comes over ``/ask``."""

_ERRORS = {
    rpc.NOT_JSON: "not JSON",
    rpc.NOT_A_REQUEST: "not a request",
    rpc.METHOD_UNKNOWN: "unknown method",
    rpc.WRONG_PARAMS: "wrong parameters; facts.field names the field",
    rpc.FAILED: "everything else; code says what",
}


def describe(dispatcher: Dispatcher) -> dict[str, Any]:
    """The document for ``/openrpc.json``."""
    methods = dispatcher.methods
    kinds = [
        *(method.params for method in methods),
        *(method.result for method in methods),
        *(payload for payload, _ in NOTIFICATIONS.values()),
        *ASK_MESSAGES,
        ErrorReport,
        NetworkSetting,
    ]
    schemas, components = msgspec.json.schema_components(
        kinds, schema_hook=schema_field, ref_template="#/components/schemas/{name}"
    )
    components["NetworkSetting"] = schemas[-1]
    count = len(methods)
    return {
        "openrpc": OPENRPC_VERSION,
        "info": {
            "title": "Mooring",
            "version": __version__,
            "description": "JSON-RPC 2.0 over a WebSocket at /rpc; see docs/bridge.md.",
        },
        "methods": [
            _method(method, params, result, components)
            for method, params, result in zip(
                methods, schemas[:count], schemas[count : 2 * count], strict=True
            )
        ],
        # OpenRPC knows no messages from the server; a name that starts with x- is an extension.
        "x-notifications": [
            {"name": name, "summary": summary, "params": {"$ref": _ref(payload)}}
            for name, (payload, summary) in NOTIFICATIONS.items()
        ],
        "x-job-scopes": {kind.value: ordered(scopes) for kind, scopes in JOB_SCOPES.items()},
        "x-ask": {
            "path": "/ask",
            "summary": "A WebSocket on which a page asks the person to be allowed.",
            "query": {WANTS: f"{Scope.BOARDS} unless told; several with commas: {','.join(Scope)}"},
            "messages": [{"$ref": _ref(message)} for message in ASK_MESSAGES],
        },
        "components": {
            "schemas": components,
            "errors": {
                str(code).lstrip("-"): {
                    "code": code,
                    "message": meaning,
                    "data": {"$ref": _ref(ErrorReport)},
                }
                for code, meaning in _ERRORS.items()
            },
        },
    }


def _method(
    method: Method[Any, Any],
    params: dict[str, Any],
    result: dict[str, Any],
    components: dict[str, Any],
) -> dict[str, Any]:
    fields = components[params["$ref"].rpartition("/")[2]]
    return {
        "name": method.name,
        "summary": method.summary,
        "paramStructure": "by-name",
        "params": [
            {"name": name, "required": name in fields.get("required", []), "schema": schema}
            for name, schema in fields["properties"].items()
        ],
        "result": {"name": "result", "schema": result},
        "errors": [{"$ref": f"#/components/errors/{str(code).lstrip('-')}"} for code in _ERRORS],
        "x-own": method.own,
        "x-scope": method.scope,
    }


def _ref(kind: type) -> str:
    return f"#/components/schemas/{kind.__name__}"
