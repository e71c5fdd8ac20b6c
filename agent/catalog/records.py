"""The file ``boards.json`` as types: one struct per object.

A wrong or unknown field is so found when the file is loaded.
Only what code reads has a meaning here; ``source``, ``note`` and ``unverified`` are for people.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

HexId = Annotated[str, Meta(pattern="^0x[0-9a-f]{4}$")]
"""A USB vendor or product id: ``0x2341``."""
Address = Annotated[str, Meta(pattern="^0x[0-9a-fA-F]+$")]
Text = Annotated[str, Meta(min_length=1)]


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all objects of the file: a field that is not declared is an error."""


class Sourced(Record, frozen=True, kw_only=True):
    """An object that names where its content comes from."""

    source: tuple[Text, ...] = ()
    note: str = ""
    unverified: bool = False


class UsbIdRecord(Record, frozen=True, kw_only=True):
    """A pair of USB ids; ``pid`` is None where every product of the vendor may be meant."""

    vid: HexId
    pid: HexId | None = None
    role: str = ""
    note: str = ""
    unverified: bool = False


class UsbRecord(Sourced, frozen=True, kw_only=True):
    """The USB ids under which a model appears."""

    sketch: Annotated[tuple[UsbIdRecord, ...], Meta(min_length=1)]
    bootloader: tuple[UsbIdRecord, ...]
    other: tuple[UsbIdRecord, ...] = ()


class ProvisioningRecord(Record, frozen=True, kw_only=True):
    """Which versions of provisioning exist for a model, and who says so."""

    documented_versions: tuple[Text, ...]
    documented_source: str | None
    library_2_0: bool
    library_2_0_source: str = ""
    sketch_2_0_in_build_matrix: bool
    build_matrix_source: str = ""
    v1_binary_in_public_index: bool
    v1_index_source: str = ""
    networks_2_0: tuple[Text, ...] = ()
    networks_2_0_source: str = ""
    nrf_cloud: bool = False
    """Its modem has an identity that nRF Cloud knows."""
    nrf_cloud_source: str = ""
    note: str = ""
    note_source: str = ""


class Crypto(Sourced, frozen=True, kw_only=True):
    """Where a model keeps its keys."""

    element: str | None
    kind: Text
    """``secure_element``, ``software``, ``secret_key`` or ``modem``."""
    note_connectivity: str = ""


class BleProvisioning(Sourced, frozen=True, kw_only=True):
    """Provisioning over Bluetooth LE."""

    capable: bool
    documented_for_cloud: bool
    min_wifi_firmware: str | None = None


class SecureVariant(Record, frozen=True, kw_only=True):
    """Another place to write to on boards with the secure bootloader."""

    alt: int
    address: Address


class Upload(Sourced, frozen=True, kw_only=True):
    """How a sketch gets onto a model; texts as the tools take them."""

    method: Text
    tool: Text
    protocol: Text
    use_1200bps_touch: bool
    wait_for_upload_port: bool
    file_extension: Text
    tool_version: str = ""
    chip: str = ""
    fallback: str = ""
    alternative: str = ""
    alternative_extension: str = ""
    wait_note: str = ""
    baud: int | None = None
    baud_note: str = ""
    initial_baud: int | None = None
    offset: Address | None = None
    offset_note: str = ""
    address: Address | None = None
    address_note: str = ""
    alt: int | None = None
    leave: bool = False
    runtime_detach: bool = False
    dfu_vid: HexId | None = None
    dfu_pid: HexId | None = None
    rom_vid: HexId | None = None
    rom_pid: HexId | None = None
    max_size: Annotated[int, Meta(gt=0)] | None = None
    """Bytes."""
    max_size_note: str = ""
    native_usb: bool = False
    command: str = ""
    flags: tuple[str, ...] = ()
    secure_variant: SecureVariant | None = None
    flash_layout: dict[str, Address] = {}
    before: str = ""
    after: str = ""
    uf2_family: Address | None = None
    volume_label: str = ""
    info_file: str = ""
    v1_binary_extension: str = ""
    verify_note: str = ""
    serial_number_form: str = ""
    bench_verified: bool | str = False


class BootloaderEntry(Sourced, frozen=True, kw_only=True):
    """How the bootloader is entered, by program and by hand."""

    automatic: Text
    manual: Text
    warning: str = ""


class Reconfiguration(Sourced, frozen=True, kw_only=True):
    """The pin or button that erases the stored network settings."""

    available: bool
    pin: str | None
    hold_seconds: int | None = None
    led: str | None = None
    """Which LED tells that the hold was long enough."""
    procedure: Text
    """What a person does, in words; where there is no such input: what to do instead."""
    conflict: str = ""


class MinWifiFirmware(Record, frozen=True, kw_only=True):
    """The oldest firmware of the Wi-Fi module, and what needs it."""

    version: Annotated[str, Meta(pattern=r"^\d+(\.\d+)*$")]
    needed_for: tuple[Text, ...]
    source: tuple[Text, ...]


class RegistrationRecord(Record, frozen=True, kw_only=True):
    """USB ids under which a board is registered with its maker's cloud."""

    vid: HexId
    pid: HexId
    source: tuple[Text, ...]


class BoardRecord(Record, frozen=True, kw_only=True):
    """One entry of ``boards``."""

    id: Annotated[str, Meta(pattern="^[a-z0-9_]+$")]
    name: Text
    fqbn: Annotated[str, Meta(pattern="^[^:]+:[^:]+:[^:]+$")] | None
    provisioning_fqbn: str | None = None
    usb: UsbRecord
    connectivity: tuple[Text, ...]
    connectivity_note: str = ""
    provisioning: ProvisioningRecord
    crypto: Crypto
    ble_provisioning: BleProvisioning
    upload: Upload
    bootloader_entry: BootloaderEntry
    reconfiguration: Reconfiguration
    min_wifi_firmware: MinWifiFirmware | None = None
    registration: RegistrationRecord | None = None
    drawing: Text
    agent_support: str = ""
    unverified: bool = False
    unverified_fields: tuple[Text, ...] = ()
    sources: tuple[Text, ...]


class FileRecord(Record, frozen=True, kw_only=True):
    """The whole file; boards are decoded one by one so that an error can name its board."""

    format: int
    generated_from: str = ""
    notes: dict[str, str] = {}
    boards: tuple[msgspec.Raw, ...]
    sources: tuple[Text, ...] = ()
