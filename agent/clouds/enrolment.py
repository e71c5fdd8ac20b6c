"""The interface of a cloud that makes a device and gives it credentials to put on a board.

Beside :class:`agent.clouds.cloud.Cloud`, whose boards prove themselves with a chip of their own.
Errors are :class:`agent.errors.CloudError`; their fact ``maybe_done`` says whether the device may
exist although no credentials came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import msgspec

from agent.clouds.cloud import AnyCloud
from agent.settings.credentials import CloudSettings, Credentials

if TYPE_CHECKING:
    from collections.abc import Callable

CredentialsKind: TypeAlias = Literal["access_token", "mqtt_basic", "certificate"]
ProfileStrategy: TypeAlias = Literal["create", "prepared", "chain", "off", "unknown"]
"""How a profile makes devices: under new names, of those that were prepared, by a chain of
certificates, not at all."""


class EnrolRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A board that shall become a device."""

    name: str
    own: Credentials | None = None
    """What the board brings; None: the server makes a token, which is lost if the answer is."""
    made_here: bool = False
    """``own`` was made by :meth:`EnrolCloud.make_credentials` for this device and no other.

    Then :meth:`EnrolCloud.enrol` may be repeated: whoever the server knows by them is this device.
    """
    gateway: bool = False
    """The device may speak for others."""


class DeviceLook(msgspec.Struct, frozen=True, kw_only=True):
    """A device as an administrator sees it; nothing of it is secret."""

    id: str
    name: str
    profile: str
    strategy: ProfileStrategy
    """Of the device's profile."""
    ours: bool
    """Whether that is the profile of the account's key."""
    used_up: bool
    """Provisioned already; a prepared device gets no credentials until that mark is cleared."""
    kind: CredentialsKind | Literal["other"]
    seen_at: float
    """Unix seconds by the server's clock when it last heard of it; 0: never."""
    link: str
    """Where a person looks at it."""


class ProfileLook(msgspec.Struct, frozen=True, kw_only=True):
    """The profile of the account's key as an administrator sees it."""

    name: str
    strategy: ProfileStrategy


class EnrolCloud(AnyCloud, Protocol):
    """One cloud that makes devices."""

    def check_name(self, name: str, kind: CredentialsKind = "access_token") -> None:
        """Raise :class:`InputError` for a name that the server cannot take."""

    def make_name(self, model: str, hardware_id: str) -> str:
        """The default name of a board: the same each time; ``hardware_id`` is hex digits."""

    def make_credentials(self, kind: CredentialsKind, name: str) -> Credentials:
        """New credentials that nobody else has, to be kept before :meth:`enrol` is called."""

    async def draft(self, name: str, own: Credentials) -> CloudSettings:
        """What the board gets if the cloud takes these credentials: what is kept before it is asked."""

    async def enrol(
        self, request: EnrolRequest, *, say: Callable[[str], None] | None = None
    ) -> CloudSettings:
        """Make the device; what comes back counts, not what was sent.

        ``say`` gets a sentence for each wait before another attempt. With ``made_here`` a call
        whose answer was lost can be repeated, also after a restart.
        """

    async def prove(self, settings: CloudSettings) -> bool | None:
        """Whether the server takes these credentials, by connecting as the board will.

        None: that cannot be tried from here. Before the delivery only: it looks like the board.
        """

    async def seen(self, name: str, since: float) -> bool | None:
        """Whether the server has heard of the device after ``since`` (Unix seconds).

        None: nobody here may see that (no administrator).
        """

    async def look(self, name: str) -> DeviceLook | None:
        """The device of this name; None: the name is free. Needs an administrator, as do all below."""

    async def link(self, name: str) -> str:
        """Where a person looks at the device of this name; empty: there is none. One request."""

    async def profile(self) -> ProfileLook | None:
        """The profile in which devices are made; None: the administrator does not see it."""

    async def free(self, name: str) -> None:
        """Let a prepared device be enrolled again; its history and credentials stay."""

    async def stored(self, name: str, own: Credentials | None = None) -> CloudSettings:
        """The credentials that the server keeps; ``own`` holds the key of a certificate."""

    async def replace(self, name: str, new: Credentials) -> CloudSettings:
        """Give the device other credentials; the old ones stop at once, the history stays."""

    async def delete(self, name: str) -> None:
        """Remove the device and its history; none of this name is not an error."""
