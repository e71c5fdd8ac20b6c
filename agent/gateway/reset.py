"""The call that takes the gateway's credentials away: they are replaced, and kept until then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agent.errors import GatewayFileFailed
from agent.protocols.thingsboard.gateway import Call, parse_message, refusal

if TYPE_CHECKING:
    from agent.gateway.setup import GatewaySetup
    from agent.gateway.stored import GatewayStore

METHOD: Final = "gateway_remove_provisioned_credentials"
NOTHING: Final[tuple[object, ...]] = (None, {}, [], "", "{}", "null")
"""What is said where nothing is meant; the vendor's gateway fails on the second."""
TAKEN: Final = "Provisioned credentials are set aside; the gateway registers itself anew."
ABSENT: Final = "There are no provisioned credentials."
FINAL: Final = (
    "The credentials were kept: the gateway was started without the key and secret of a device "
    "profile (TB_GW_PROVISIONING_DEVICE_KEY, …_SECRET), so it could not get others."
)


def reset_call(topic: str, payload: bytes) -> Call | None:
    """The call, if this message is one."""
    heard = parse_message(topic, payload)
    is_call = isinstance(heard, Call) and not heard.device and heard.method == METHOD
    return heard if isinstance(heard, Call) and is_call else None


async def set_aside(call: Call, setup: GatewaySetup, store: GatewayStore) -> dict[str, Any]:
    """What is answered; code 200: from now on the gateway wants other credentials.

    The old ones stay in use until others have worked, so that nothing is lost where the server
    refuses them. A second call before that finds none.
    """
    if call.params not in NOTHING:
        return refusal(400, "This method takes no parameters.")
    if setup.fixed is not None or not store.kept.candidates or store.kept.reset:
        return {"code": 404, "message": ABSENT}
    if setup.provisioning is None:
        return refusal(500, FINAL)
    try:
        await store.change(reset=True, draft=None)
    except GatewayFileFailed as error:
        return refusal(500, f"It cannot be written: {error.facts['detail']}.")
    return {"code": 200, "resp": TAKEN}
