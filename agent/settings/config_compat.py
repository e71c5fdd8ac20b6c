"""Settings of the interface of the Arduino Create Agent."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class CompatConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[compat]``: the interface of the Arduino Create Agent."""

    enabled: Annotated[
        bool,
        Meta(
            title="Serve pages of the Arduino Create Agent",
            description="Be the Arduino Create Agent for web pages that are made for it: those of "
            "Arduino, and others that you allow.",
            extra_json_schema={"x-applies": "now"},
        ),
    ] = True
