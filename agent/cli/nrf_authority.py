"""Where the authority of ``mooring nrf onboard`` is: given in two files, or made here once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from agent.cli.inputs import read_field
from agent.clouds.nrf.authority import Authority, check_authority, make_authority
from agent.errors import InputError
from agent.settings.paths import find_paths

if TYPE_CHECKING:
    from pathlib import Path

    from agent.cli.output import Output

CERTIFICATE: Final = "nrf-ca.pem"
KEY: Final = "nrf-ca-key.pem"
"""In the folder of data, for commands that are given none."""


async def open_authority(output: Output, ca: Path | None, key: Path | None) -> Authority:
    """Read it; without both files one is made where this user's data is, and used from then on."""
    if (ca is None) != (key is None):
        missing = "--ca" if ca is None else "--ca-key"
        raise InputError(field=missing, problem="is needed beside the other one of the two")
    if ca is not None and key is not None:
        return _read(ca, key)
    folder = find_paths().data_dir
    ca, key = folder / CERTIFICATE, folder / KEY
    if ca.exists() and key.exists():
        return _read(ca, key)
    made = await asyncio.to_thread(make_authority, datetime.now(UTC))
    _write(key, made.key.reveal())
    _write(ca, made.certificate)
    output.note(f"An authority was made for your boards: {ca}, with its key in {key.name}.")
    return made


def _read(ca: Path, key: Path) -> Authority:
    certificate = read_field("--ca", str(ca)).reveal()
    read = Authority(certificate + "\n", read_field("--ca-key", str(key)))
    check_authority(read)
    return read


def _write(path: Path, text: str) -> None:
    from agent.settings.files import write_private

    try:
        write_private(path, text.encode())
    except OSError as error:
        problem = f"{path} cannot be written: {error.strerror or type(error).__name__}"
        raise InputError(field="--ca", problem=problem) from None
