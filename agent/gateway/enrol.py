"""The gateway registers itself: the request is kept before it is made, and can be made again."""

from __future__ import annotations

import secrets
import string
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

from agent.clouds.enrolment import EnrolRequest
from agent.clouds.thingsboard.account import Account
from agent.clouds.thingsboard.certificates import check_certificate, make_certificate
from agent.clouds.thingsboard.enrolling import enrol
from agent.clouds.thingsboard.opened import Opened
from agent.errors import CloudError, EnrolRefused, GatewayRefused, InputError
from agent.gateway.stored import Draft, Kept
from agent.settings import Secret
from agent.settings.credentials import AccessToken, Certificate, MqttBasic

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.clouds.clock import Clock
    from agent.clouds.route import Routes
    from agent.clouds.thingsboard.addresses import Server
    from agent.gateway.environment import Provisioning
    from agent.gateway.setup import GatewaySetup
    from agent.gateway.stored import GatewayStore
    from agent.settings.credentials import Credentials

CLOUD: Final = "thingsboard"
TITLE: Final = "ThingsBoard"
TEXT_CHARS: Final = 20
"""As long as the tokens that the server makes; 119 bits."""
NAME_LETTERS: Final = 5
"""Of a name that nobody gave; the same form as the vendor's gateway."""
ALPHABET: Final = string.ascii_letters + string.digits


async def register(
    setup: GatewaySetup,
    provisioning: Provisioning,
    store: GatewayStore,
    *,
    routes: Routes,
    clock: Clock,
    say: Callable[[str], None] | None = None,
) -> None:
    """Have the server make the gateway's device; what it gave is ``store.kept.fresh`` then.

    Raises :class:`GatewayRefused` and other :class:`MooringError`; it can be called again then,
    also after a restart: what the server may know by now is in the file.
    """
    now = datetime.fromtimestamp(clock.wall(), UTC)
    before = store.kept.draft
    draft = before
    if draft is None or not _fits(draft, setup.server, provisioning, now):
        draft = make_draft(setup.server, provisioning, now)
    await store.change(draft=msgspec.structs.replace(draft, asked=True))
    request = EnrolRequest(
        name=draft.name,
        own=draft.credentials,
        # What came from outside may be another's; unless this one was sent already.
        made_here=draft.invented or draft.asked,
        gateway=True,
    )
    opened = _open(setup, provisioning, routes, clock)
    try:
        given = await enrol(opened, request, say=say)
    except EnrolRefused as error:
        await store.change(draft=msgspec.structs.replace(draft, asked=False))
        raise GatewayRefused(cloud=TITLE, name=draft.name) from error
    except (CloudError, InputError) as error:
        if not error.facts.get("maybe_done"):
            await store.change(draft=draft)
        raise
    finally:
        await opened.close()
    fresh = Kept(name=draft.name, credentials=given.credentials, server=setup.server.url)
    await store.change(fresh=fresh, draft=None)


def make_draft(server: Server, provisioning: Provisioning, now: datetime) -> Draft:
    """What will be asked for; all that nobody gave is invented."""
    name = provisioning.name or f"Gateway {_invented(NAME_LETTERS, string.ascii_lowercase)}"
    proof = provisioning.proof
    own: Credentials
    match proof.kind:
        case "access_token":
            own, invented = AccessToken(token=proof.token or Secret(_invented())), not proof.token
        case "mqtt_basic":
            own = MqttBasic(
                client_id=proof.client_id or _invented(),
                username=proof.username or _invented(),
                password=proof.password or Secret(_invented()),
            )
            # The server tells devices apart by the two, not by the password.
            invented = not (proof.client_id and proof.username)
        case "certificate":
            own, invented = make_certificate(name, now), True
    return Draft(name=name, credentials=own, server=server.url, invented=invented)


def _fits(draft: Draft, server: Server, provisioning: Provisioning, now: datetime) -> bool:
    """Whether this is what is still wanted."""
    if draft.server != server.url or (provisioning.name and draft.name != provisioning.name):
        return False
    own, proof = draft.credentials, provisioning.proof
    match own:
        case AccessToken(token=token):
            return proof.kind == "access_token" and proof.token in (Secret(), token)
        case MqttBasic(client_id=client_id, username=username, password=password):
            return (
                proof.kind == "mqtt_basic"
                and proof.client_id in {"", client_id}
                and proof.username in {"", username}
                and proof.password in (Secret(), password)
            )
        case Certificate():
            return proof.kind == "certificate" and _is_valid(own, now)


def _is_valid(own: Certificate, now: datetime) -> bool:
    try:
        check_certificate(own, now)
    except InputError:
        return False
    return True


def _open(setup: GatewaySetup, provisioning: Provisioning, routes: Routes, clock: Clock) -> Opened:
    account = Account(
        server=setup.server,
        board_server=setup.server,
        provision_key=provisioning.key,
        provision_secret=provisioning.secret,
        ca=setup.ca,
        insecure_host=setup.server.host,
    )
    return Opened(account, cloud=CLOUD, title=TITLE, routes=routes, clock=clock)


def _invented(length: int = TEXT_CHARS, alphabet: str = ALPHABET) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))
