"""Which of these tests exist on this system."""

from __future__ import annotations

import sys

collect_ignore_glob: list[str] = []
if sys.platform != "linux":
    # D-Bus' library and Bumble are not installed there, so that importing them would fail.
    collect_ignore_glob = ["test_ble_b*.py"]
