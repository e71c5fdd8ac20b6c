"""``nrf.credentials`` and what changes them: the store of an nRF91's modem, for own programs alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from agent.bridge.methods.nrf import ModemOf
from agent.bridge.modem import open_modem
from agent.bridge.rpc import Call, Method
from agent.protocols.nrf.cmng import CLOUD_TAG, HIGHEST_TAG, CredentialType
from agent.sessions.nrf_store import NrfStore
from agent.settings import Secret

if TYPE_CHECKING:
    from agent.bridge.services import Services
    from agent.protocols.nrf.cmng import StoredCredential

LOOKING = "reading its credentials"
CHANGING = "changing its credentials"

KINDS = {
    "root-ca": CredentialType.ROOT_CA,
    "client-certificate": CredentialType.CLIENT_CERTIFICATE,
    "client-key": CredentialType.CLIENT_KEY,
    "psk": CredentialType.PSK,
    "psk-identity": CredentialType.PSK_IDENTITY,
    "public-key": CredentialType.PUBLIC_KEY,
}
Kind = Literal["root-ca", "client-certificate", "client-key", "psk", "psk-identity", "public-key"]
"""What a person may write or delete."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A place of the store that is taken."""

    tag: int
    kind: str
    """A :data:`Kind`, or one that belongs to the modem."""
    sha256: str
    """Of the content, 64 hex digits."""
    own: bool
    """It belongs to the modem and stays."""


class HeldList(msgspec.Struct, frozen=True, kw_only=True):
    """All that are taken."""

    board: str
    credentials: list[Held]


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What is written to a place."""

    kind: Kind
    content: Secret


class WriteThem(ModemOf, frozen=True, kw_only=True):
    """Credentials for one security tag, in their order."""

    credentials: list[Content]
    tag: int = CLOUD_TAG
    overwrite: bool = False
    """Take the place of another content."""


class WrittenList(msgspec.Struct, frozen=True, kw_only=True):
    """What was done for each, in their order."""

    written: list[bool]
    """False: the same content was there already."""


class OnePlace(ModemOf, frozen=True, kw_only=True):
    """A place in the store."""

    kind: Kind
    tag: int = CLOUD_TAG


class Deleted(msgspec.Struct, frozen=True, kw_only=True):
    """What was done."""

    deleted: bool
    """False: the place was empty."""


class NewKey(ModemOf, frozen=True, kw_only=True):
    """A key that the modem is to make."""

    tag: int = CLOUD_TAG
    attributes: str = ""
    """Names in the request, as ``CN=name,O=company``."""
    overwrite: bool = False
    """Delete the key that is there."""


class KeyMade(msgspec.Struct, frozen=True, kw_only=True):
    """The public half; the private one never leaves the modem."""

    board: str
    device_id: str
    imei: str
    tag: int
    request: str
    """A certificate signing request in PEM."""


def methods(services: Services) -> list[Method[Any, Any]]:
    """List, write, delete, make a key."""

    async def credentials(_call: Call, params: ModemOf) -> HeldList:
        async with open_modem(services.boards, params.board, LOOKING) as modem:
            held = await NrfStore(modem.session).held()
            return HeldList(board=modem.board.id, credentials=[_shown(each) for each in held])

    async def write(_call: Call, params: WriteThem) -> WrittenList:
        async with open_modem(services.boards, params.board, CHANGING) as modem:
            store = NrfStore(modem.session)
            wanted = [(KINDS[each.kind], each.content) for each in params.credentials]
            written = await store.write_all(params.tag, wanted, overwrite=params.overwrite)
            return WrittenList(written=written)

    async def delete(_call: Call, params: OnePlace) -> Deleted:
        async with open_modem(services.boards, params.board, CHANGING) as modem:
            gone = await NrfStore(modem.session).delete(params.tag, KINDS[params.kind])
            return Deleted(deleted=gone)

    async def make_key(_call: Call, params: NewKey) -> KeyMade:
        async with open_modem(services.boards, params.board, CHANGING) as modem:
            about = await modem.session.identify()
            made = await NrfStore(modem.session).make_key(
                params.tag, params.attributes, overwrite=params.overwrite
            )
            return KeyMade(
                board=modem.board.id,
                device_id=made.device_id,
                imei=about.imei,
                tag=params.tag,
                request=made.pem,
            )

    return [
        Method(
            "nrf.credentials",
            "What is in the store of a board's modem; never the content.",
            ModemOf,
            HeldList,
            credentials,
            own=True,
        ),
        Method(
            "nrf.write",
            "Write credentials to a board's modem, and prove it by their digests.",
            WriteThem,
            WrittenList,
            write,
            own=True,
        ),
        Method(
            "nrf.delete",
            "Empty one place of the store of a board's modem.",
            OnePlace,
            Deleted,
            delete,
            own=True,
        ),
        Method(
            "nrf.make_key",
            "Have a board's modem make a key, and a signing request for it.",
            NewKey,
            KeyMade,
            make_key,
            own=True,
        ),
    ]


def _shown(held: StoredCredential) -> Held:
    try:
        kind = CredentialType(held.kind)
    except ValueError:
        name = f"type {held.kind}"
    else:
        name = kind.name.lower().replace("_", "-")
    return Held(tag=held.tag, kind=name, sha256=held.sha256, own=held.tag > HIGHEST_TAG)
