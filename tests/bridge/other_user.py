"""Programs of another user of this computer, where this one can become somebody else (root)."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

IS_OTHER = sys.platform != "win32" and os.geteuid() == 0
"""Whether :func:`run_as_other` runs as somebody else."""


async def run_as_other(script: str, *arguments: str) -> str:
    """What the script prints, run by another user; by this one unless it is root."""
    # The interpreter may be where only its owner may look.
    capabilities = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    become = ["setpriv", "--reuid=60001", "--regid=60001", "--clear-groups", *capabilities]
    words = [*(become if IS_OTHER else []), sys.executable, "-I", "-c", script]
    process = await asyncio.create_subprocess_exec(*words, *arguments, stdout=subprocess.PIPE)
    out, _ = await process.communicate()
    return out.decode()
