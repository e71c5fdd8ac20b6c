"""Where accounts of clouds can be kept: whether the system has a keyring, and it is open."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from agent.clouds.accounts import KeyringFailed, in_keyring
from agent.desktop.doctor.found import fine, found
from agent.errors import Level

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyring.backend import KeyringBackend

    from agent.desktop.doctor.found import Found

AREA: Final = "keyring"
LIMIT_S: Final = 10.0
"""A keyring that asks nobody answers within a second; it may have to be started first."""
NO_KEYRING: Final = "none"
LOCKED: Final = "locked"
_GET: Final = {
    "linux": "Install gnome-keyring or KWallet and log in to the desktop again, or leave it so.",
    "darwin": "Open “Keychain Access” and see that there is a login keychain, or leave it so.",
    "win32": "Start the service “Credential Manager”, or leave it so.",
}


class Keyring:
    """Looks at the keyring, and never makes it ask for its password."""

    area = AREA

    def __init__(self, *, used: bool, limit_s: float = LIMIT_S) -> None:
        """``used``: False where accounts rest in a file by choice (``MOORING_HOME``)."""
        self._used = used
        self._limit_s = limit_s

    async def look(self) -> Sequence[Found]:
        """None, locked, silent, or ready."""
        if not self._used:
            return [fine(AREA, "Accounts rest in the folder MOORING_HOME, not in the keyring.")]
        try:
            state = await in_keyring(_state, self._limit_s)
        except KeyringFailed as error:
            return [
                found(
                    AREA,
                    "keyring-failed",
                    Level.WARNING,
                    f"The keyring of this system does not work: {error}.",
                    "Accounts of clouds rest in a file that only you can read.",
                    "Log in to the desktop again; if it stays, restart the computer.",
                )
            ]
        if state == NO_KEYRING:
            return [
                found(
                    AREA,
                    "keyring-none",
                    Level.WARNING,
                    "There is no keyring that Mooring can use.",
                    "Accounts of clouds rest in a file that only you can read. A program that the "
                    "system starts without a desktop meets no keyring either.",
                    _GET.get(sys.platform, _GET["linux"]),
                )
            ]
        if state == LOCKED:
            return [
                found(
                    AREA,
                    "keyring-locked",
                    Level.WARNING,
                    "The keyring of this desktop is locked.",
                    "Until it is opened, accounts in it cannot be used: you seem to be signed out.",
                    "Open it: the desktop asks for its password when you sign in to a cloud, or "
                    "use its program for passwords and keys. It opens by itself at login if its "
                    "password is the one of the login.",
                )
            ]
        return [fine(AREA, f"Accounts rest in the keyring of this system: {state}.")]


def _state() -> str:
    """Name of the keyring that is used, or what is wrong with it. Blocks."""
    import keyring
    from keyring.backends import chainer, fail

    backend: KeyringBackend | None = keyring.get_keyring()
    if isinstance(backend, chainer.ChainerBackend):
        backend = next(iter(backend.backends), None)
    module = type(backend).__module__
    if backend is None or isinstance(backend, fail.Keyring) or module.endswith(".null"):
        return NO_KEYRING
    if module.endswith(".SecretService") and _is_locked():
        return LOCKED
    return str(backend.name)


def _is_locked() -> bool:
    """Whether the default collection of the Secret Service is locked; asks for no password."""
    if sys.platform != "linux":
        return False
    from contextlib import closing

    import secretstorage
    from secretstorage.exceptions import ItemNotFoundException

    with closing(secretstorage.dbus_init()) as bus:
        try:
            # Not get_default_collection, which makes one and asks for its password.
            collection = secretstorage.get_collection_by_alias(bus, "default")
        except ItemNotFoundException:
            return False
        locked: bool = collection.is_locked()
        return locked
