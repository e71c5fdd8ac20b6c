"""Settings of the interface of the Arduino Create Agent."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

TEXT_CHARS: Final = 2000
"""Of an address or a path."""
_NOW: Final = {"x-applies": "now"}
_RESTART: Final = {"x-applies": "restart"}


class CompatConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[compat]``: the interface of the Arduino Create Agent."""

    enabled: Annotated[
        bool,
        Meta(
            title="Serve pages of the Arduino Create Agent",
            description="Be the Arduino Create Agent for web pages that are made for it: those of "
            "Arduino, and others that you allow.",
            extra_json_schema=_NOW,
        ),
    ] = True
    tool_index_url: Annotated[
        str,
        Meta(
            max_length=TEXT_CHARS,
            title="List of upload tools",
            description="The address of the signed list of the programs that such pages have "
            "installed to write to boards; its signature is beside it, as “.sig”.",
            extra_json_schema=_RESTART,
        ),
    ] = "https://downloads.arduino.cc/packages/package_index.json"
    tool_index_key: Annotated[
        str,
        Meta(
            max_length=TEXT_CHARS,
            title="Key of that list",
            description="The file with the OpenPGP key that signs the list; empty: Arduino's key, "
            "which Mooring carries.",
            extra_json_schema=_RESTART,
        ),
    ] = ""
    signature_key: Annotated[
        str,
        Meta(
            max_length=TEXT_CHARS,
            title="Key of command lines",
            description="The file with the RSA key (PEM, “BEGIN PUBLIC KEY”) that signs the command "
            "lines and addresses of tools which such pages send; empty: Arduino's key, which "
            "Mooring carries. Whoever has its other half can run programs on this computer.",
            extra_json_schema=_NOW,
        ),
    ] = ""
