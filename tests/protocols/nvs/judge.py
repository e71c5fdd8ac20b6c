"""Espressif's own generator of NVS partitions: bytes that nobody here made."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from esp_idf_nvs_partition_gen import nvs_partition_gen as generator

if TYPE_CHECKING:
    from collections.abc import Iterable

PARTITION = 0x5000
V1, V2 = generator.Page.VERSION1, generator.Page.VERSION2


def generated(
    entries: Iterable[tuple[str, str, Any]],
    size: int = PARTITION,
    version: int = V2,
    key: str | None = None,
) -> bytes:
    """A partition with (key, encoding, value) in this order; the encoding ``namespace`` opens one.

    ``key``: hexadecimal, encrypts it.
    """
    out = io.BytesIO()
    # One page of the size that is asked for is the free one.
    with generator.nvs_open(out, size - 4096, version, key is not None, key) as nvs:
        for name, encoding, value in entries:
            if encoding == "namespace":
                nvs.write_namespace(name)
            else:
                nvs.write_entry(name, value, encoding)
    return out.getvalue()
