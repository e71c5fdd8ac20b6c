"""What a procedure keeps, loses and makes new on a board: told before it starts.

Source: protocol-v1, section 9, “What is kept, what is lost”; section 5 for 1.0.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec


class Fate(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one thing."""

    what: str
    fate: Literal["kept", "lost", "new"]
    detail: str = ""
    """A sentence, where there is more to know."""


_SKETCH: Final = Fate(
    what="the sketch on the board",
    fate="lost",
    detail="It is overwritten; upload it again afterwards.",
)
_COMPILED_IN: Final = Fate(
    what="a network name and password that were built into that sketch",
    fate="lost",
    detail="They go with it.",
)
_KEY: Final = Fate(
    what="the private key of an earlier setup",
    fate="lost",
    detail="It stays until the new certificate is made, which comes with a new key.",
)
_CERTIFICATE: Final = Fate(
    what="certificate and device id of an earlier setup",
    fate="lost",
    detail="They are erased before the new settings are sent.",
)
_STORAGE: Final = Fate(
    what="other data in the settings memory",
    fate="lost",
    detail="The provisioning sketch formats that partition where it has to.",
)
_IDENTITY: Final = Fate(
    what="the hardware identity for 2.0",
    fate="kept",
    detail="It is made when it is first asked for and stays from then on.",
)
_OLD_DEVICE: Final = Fate(
    what="an older device of this board in the cloud",
    fate="kept",
    detail="It stays in the account until somebody deletes it, but the board no longer uses it.",
)
_THINGS: Final = Fate(
    what="things and dashboards of that device",
    fate="kept",
    detail="They stay with the old device; attach them to the new one by hand.",
)
_NEW_DEVICE: Final = Fate(what="the device in the cloud", fate="new")

_STORED: Final = Fate(
    what="network settings and cloud identity that the board has stored",
    fate="lost",
    detail="They are erased before the new settings are sent.",
)
_CERTIFICATE_1: Final = Fate(
    what="key, certificate and device id of an earlier setup",
    fate="lost",
    detail="New ones take their place.",
)
_UNTOUCHED: Final = Fate(
    what="the sketch on the board",
    fate="kept",
    detail="Mooring writes nothing; you build a sketch with the new key and upload it.",
)
_KEY_ONCE: Final = Fate(
    what="device and secret key",
    fate="new",
    detail="The key is shown once; the cloud does not tell it again.",
)

_TO_2: Final = (
    _SKETCH,
    _COMPILED_IN,
    _KEY,
    _CERTIFICATE,
    _STORAGE,
    _IDENTITY,
    _OLD_DEVICE,
    _THINGS,
    _NEW_DEVICE,
)

_FIRMWARE: Final = Fate(
    what="the firmware of the device and all that is set up in it",
    fate="kept",
    detail="Nothing is written but the name and the password of the network.",
)
_ITS_NETWORK: Final = Fate(
    what="the network that the device has stored, if it has one",
    fate="lost",
    detail="The new one takes its place.",
)
_NO_CLOUD: Final = Fate(
    what="a device in a cloud",
    fate="kept",
    detail="None is made, and none is touched: the device works in your network, without a cloud.",
)
_PAGE: Final = Fate(
    what="the address of the page of the device",
    fate="new",
    detail="It is shown at the end, if the device tells it; go on there.",
)

_ERASED: Final = Fate(
    what="network settings and cloud identity that the board has stored",
    fate="lost",
    detail="The board leaves its cloud and must be set up again.",
)
_ITS_DEVICE: Final = Fate(
    what="the device of this board in the cloud",
    fate="kept",
    detail="It stays in the account; delete it by hand if it is of no more use.",
)

_FATES: Final[dict[str, tuple[Fate, ...]]] = {
    "provision-2.0": (_STORED, _IDENTITY, _OLD_DEVICE, _THINGS, _NEW_DEVICE),
    "flash-then-2.0": _TO_2,
    "migrate": _TO_2,
    "provision-1.0": (_SKETCH, _COMPILED_IN, _CERTIFICATE_1, _OLD_DEVICE, _THINGS, _NEW_DEVICE),
    "lora-1.0": (_SKETCH, _OLD_DEVICE, _THINGS, _NEW_DEVICE),
    "secret-key": (_UNTOUCHED, _OLD_DEVICE, _KEY_ONCE),
    "improv": (_FIRMWARE, _ITS_NETWORK, _NO_CLOUD, _PAGE),
    "erase": (_SKETCH, _COMPILED_IN, _ERASED, _STORAGE, _IDENTITY, _ITS_DEVICE),
}


def fates_of(procedure: str) -> tuple[Fate, ...]:
    """Of a procedure, or of ``erase``, which overwrites a sketch to erase what the board stored.

    Everything that changes or is worth saying that it does not; empty where nothing is done.
    """
    return _FATES.get(procedure, ())
