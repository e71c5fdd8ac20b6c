"""In place of the vendor's library for debug probes, which is not free; nothing here has a probe."""

from __future__ import annotations

LowLevel = None
