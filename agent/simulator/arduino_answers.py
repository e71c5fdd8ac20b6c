"""Bodies of the simulated Arduino Cloud: what a request holds, what an error looks like.

Each family of calls has errors of its own shape (cloud-arduino, section 7).
"""

from __future__ import annotations

import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import msgspec
from starlette.responses import JSONResponse, PlainTextResponse, Response

from agent.simulator.cloud_http import read_limited

if TYPE_CHECKING:
    from starlette.requests import Request

    from agent.simulator.arduino_faults import Fault, Operation

BODY_LIMIT: Final = 64 * 1024
"""Bytes of a request; the largest real one, a certificate request, has about 1 KiB."""
IOT_FAMILY: Final = frozenset(
    {
        "supported",
        "binary",
        "device_create",
        "device_list",
        "device_show",
        "device_delete",
        "device_certify",
        "pass_suggest",
        "pass_set",
        "lora_create",
        "lora_plans",
    }
)


class WrongBody(Exception):
    """A body that is too long or not what the call takes."""


async def read_body(request: Request) -> bytes:
    """The whole body; :class:`WrongBody` above the limit."""
    body = await read_limited(request, BODY_LIMIT)
    if body is None:
        raise WrongBody
    return body


async def read_object(request: Request) -> dict[str, Any]:
    """The body as a JSON object; :class:`WrongBody` if it is none."""
    try:
        return msgspec.json.decode(await read_body(request), type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise WrongBody from None


def read_bearer(request: Request) -> str:
    """The bearer token; empty if there is none."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token if kind == "Bearer" else ""


def error_answer(operation: Operation, status: int, code: str, text: str) -> Response:
    """An error in the shape of the call's family, without a number of its own."""
    if operation == "token":
        return JSONResponse({"error": code, "error_description": text}, status_code=status)
    if operation in IOT_FAMILY:
        body = {
            "id": secrets.token_urlsafe(6),
            "code": code,
            "status": status,
            "detail": text,
            "meta": {},
        }
        return JSONResponse(body, status, media_type="application/vnd.goa.error+json")
    return JSONResponse({"err": text}, status_code=status)


def refusal(status: int, err: str, err_code: int) -> Response:
    """A refusal of the provisioning family."""
    return JSONResponse({"err": err, "err_code": err_code}, status_code=status)


def answer_of(operation: Operation, fault: Fault) -> Response:
    """What a fault that answers says."""
    if fault.err_code is not None:
        return refusal(HTTPStatus.BAD_REQUEST, fault.err, fault.err_code)
    status = HTTPStatus(fault.status or HTTPStatus.INTERNAL_SERVER_ERROR)
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.BAD_GATEWAY:
        # These come from the gateway in front of all families.
        limited = status == HTTPStatus.TOO_MANY_REQUESTS
        headers = {"Retry-After": fault.retry_after} if fault.retry_after is not None else None
        return PlainTextResponse(
            "request limit reached" if limited else status.phrase, status, headers=headers
        )
    return error_answer(operation, status, status.phrase.lower().replace(" ", "_"), status.phrase)
