"""The models that Mooring knows, and how one is recognised."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final, Literal, TypeAlias

import msgspec

from agent.catalog.records import (
    BleProvisioning,
    BoardRecord,
    BootloaderEntry,
    Crypto,
    FileRecord,
    Reconfiguration,
    Upload,
    UsbIdRecord,
)
from agent.errors import InputError

BOARDS_FILE: Final = Path(__file__).with_name("boards.json")
FORMAT: Final = 1
CONNECTIVITY: Final = frozenset(
    {"wifi", "ethernet", "gsm", "nb", "catm1", "cellular", "lora", "ble"}
)
NETWORK_KINDS: Final = CONNECTIVITY - {"ble"}
DRAWINGS: Final = frozenset({"uno", "mkr", "nano", "portenta", "opta", "nicla", "giga", "generic"})

UsbRole: TypeAlias = Literal["sketch", "bootloader", "other"]
"""What runs when a model shows certain USB ids."""
_ROLES: Final[tuple[UsbRole, ...]] = ("sketch", "bootloader", "other")


class UsbId(msgspec.Struct, frozen=True):
    """A pair of USB ids as numbers; ``pid`` None: every product of the vendor."""

    vid: int
    pid: int | None = None


class UsbIds(msgspec.Struct, frozen=True, kw_only=True):
    """All USB ids of a model by role."""

    sketch: tuple[UsbId, ...]
    bootloader: tuple[UsbId, ...] = ()
    other: tuple[UsbId, ...] = ()


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of board: facts that never change at run time."""

    id: str
    name: str
    fqbn: str | None
    connectivity: tuple[str, ...]
    """What the hardware has: ``wifi``, ``ethernet``, ``gsm`` …, ``ble``."""
    provisioning: tuple[str, ...]
    """Versions of provisioning that exist for it: ``1.0``, ``2.0``, both or none; ``nrf``: nRF Cloud."""
    networks: tuple[str, ...]
    """Kinds of network setting that its provisioning 2.0 firmware accepts."""
    reconfiguration: Reconfiguration
    min_wifi_firmware: str | None
    usb: UsbIds
    registration: UsbId | None
    """USB ids under which the board is registered with Arduino Cloud."""
    crypto: Crypto
    ble_provisioning: BleProvisioning
    upload: Upload
    bootloader_entry: BootloaderEntry
    drawing: str
    """Family of the drawing on the page."""


class UsbMatch(msgspec.Struct, frozen=True):
    """A model that shows certain USB ids, and what runs then."""

    model: Model
    role: UsbRole


class Catalog:
    """All models, with look-ups. Immutable; made with :meth:`load`."""

    def __init__(self, models: tuple[Model, ...]) -> None:
        self.models = models
        self._by_id = {model.id: model for model in models}
        self._by_fqbn: dict[str, Model] = {}
        self._by_usb: dict[tuple[int, int | None], list[UsbMatch]] = {}
        for model in models:
            if model.fqbn is not None:
                # Two models share one FQBN where a carrier board holds another board:
                # the first is the one that can be told apart.
                self._by_fqbn.setdefault(model.fqbn, model)
        for role in _ROLES:
            for model in models:
                for ids in getattr(model.usb, role):
                    matches = self._by_usb.setdefault((ids.vid, ids.pid), [])
                    if all(match.model is not model for match in matches):
                        matches.append(UsbMatch(model, role))

    @classmethod
    def load(cls, path: Path = BOARDS_FILE) -> Catalog:
        """Read and check the file; :class:`InputError` names file, board and field."""
        try:
            data = path.read_bytes()
            file = msgspec.json.decode(data, type=FileRecord)
        except OSError as error:
            raise _wrong(path, f"cannot be read: {error.strerror}") from None
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise _wrong(path, _plain(error)) from None
        if file.format != FORMAT:
            raise _wrong(path, f"has format {file.format}; this version reads {FORMAT}")
        models: list[Model] = []
        seen: set[str] = set()
        for index, raw in enumerate(file.boards):
            where = _name_of(raw, index)
            try:
                record = msgspec.json.decode(raw, type=BoardRecord)
                models.append(_model(record))
            except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
                raise _wrong(path, _plain(error), where) from None
            if record.id in seen:
                raise _wrong(path, "the id appears twice", where)
            seen.add(record.id)
        return cls(tuple(models))

    def get(self, model_id: str) -> Model | None:
        """The model with this id."""
        return self._by_id.get(model_id)

    def by_usb(self, vid: int, pid: int) -> list[UsbMatch]:
        """Models that show these USB ids: with a sketch first, each model once.

        Common USB-UART bridges belong to many models; a debugger's vendor alone is the weakest
        sign and comes last. An empty list: not in the catalogue.
        """
        return [*self._by_usb.get((vid, pid), ()), *self._by_usb.get((vid, None), ())]

    def by_fqbn(self, fqbn: str) -> Model | None:
        """The model of this FQBN; board options after the third part are ignored."""
        return self._by_fqbn.get(":".join(fqbn.split(":")[:3]))


def _model(record: BoardRecord) -> Model:
    """Check what types cannot say; ``ValueError`` carries ``field: problem``."""
    _known("connectivity", record.connectivity, CONNECTIVITY)
    _known("provisioning.networks_2_0", record.provisioning.networks_2_0, NETWORK_KINDS)
    _known("drawing", (record.drawing,), DRAWINGS)
    supported = record.provisioning
    if supported.library_2_0 != bool(supported.networks_2_0):
        msg = "provisioning.networks_2_0: given exactly where library_2_0 is true"
        raise ValueError(msg)
    reset = record.reconfiguration
    if reset.available != (reset.pin is not None and reset.hold_seconds is not None):
        msg = "reconfiguration: pin and hold_seconds are given exactly where it is available"
        raise ValueError(msg)
    return Model(
        id=record.id,
        name=record.name,
        fqbn=record.fqbn,
        connectivity=record.connectivity,
        provisioning=tuple(
            version
            for version, there in (
                ("1.0", supported.v1_binary_in_public_index),
                ("2.0", supported.library_2_0),
                ("nrf", supported.nrf_cloud),
            )
            if there
        ),
        networks=supported.networks_2_0,
        reconfiguration=reset,
        min_wifi_firmware=record.min_wifi_firmware.version if record.min_wifi_firmware else None,
        usb=UsbIds(
            sketch=_usb_ids(record.usb.sketch),
            bootloader=_usb_ids(record.usb.bootloader),
            other=_usb_ids(record.usb.other),
        ),
        registration=UsbId(int(record.registration.vid, 16), int(record.registration.pid, 16))
        if record.registration
        else None,
        crypto=record.crypto,
        ble_provisioning=record.ble_provisioning,
        upload=record.upload,
        bootloader_entry=record.bootloader_entry,
        drawing=record.drawing,
    )


def _usb_ids(records: tuple[UsbIdRecord, ...]) -> tuple[UsbId, ...]:
    return tuple(
        UsbId(int(record.vid, 16), int(record.pid, 16) if record.pid else None)
        for record in records
    )


def _known(field: str, values: tuple[str, ...], known: frozenset[str]) -> None:
    for value in values:
        if value not in known:
            msg = f"{field}: “{value}” is not one of {', '.join(sorted(known))}"
            raise ValueError(msg)


def _name_of(raw: msgspec.Raw, index: int) -> str:
    """What an error calls a board: its id if that can be read, else its position."""
    try:
        board_id = json.loads(bytes(raw))["id"]
    except (ValueError, KeyError, TypeError):
        return f"board {index + 1}"
    return f"board {board_id}"


def _plain(error: Exception) -> str:
    """``field: problem`` out of a msgspec message, which ends in `` - at `$.path` ``."""
    problem, _, place = str(error).partition(" - at `$")
    field = place.rstrip("`").lstrip(".")
    return f"{field}: {problem}" if field else problem


def _wrong(path: Path, problem: str, where: str = "") -> InputError:
    return InputError(field=path.name, problem=f"{where}: {problem}" if where else problem)
