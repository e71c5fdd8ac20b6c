"""``python -m agent.simulator MODEL``: a simulated board with default settings.

With ``-`` instead of a model the whole configuration comes as one JSON line on standard input,
before the commands; that is how :func:`agent.simulator.process.start_simulator` does it. People
use ``mooring simulate``, which has options.
"""

from __future__ import annotations

import asyncio
import os
import sys

import msgspec

from agent.errors import InputError, MooringError
from agent.settings.network import secret_from
from agent.simulator.commands import LINE_BYTES
from agent.simulator.config import BoardConfig, SimulatorConfig
from agent.simulator.run import run_simulator


def main(arguments: list[str]) -> int:
    """Run until told to stop; the exit status."""
    if len(arguments) != 1 or arguments[0].startswith("--"):
        sys.stderr.write("usage: python -m agent.simulator MODEL | -\n")
        return 2
    try:
        if arguments[0] == "-":
            config, rest = _read_config()
            asyncio.run(run_simulator(config, as_json=True, until_stdin_closes=True, pending=rest))
        else:
            config = SimulatorConfig(board=BoardConfig(model=arguments[0]))
            asyncio.run(run_simulator(config, as_json=False, until_stdin_closes=False))
    except MooringError as error:
        sys.stderr.write(f"{error}\n")
        return int(error.exit_status)
    return 0


def _read_config() -> tuple[SimulatorConfig, bytes]:
    """The configuration, and what was read behind it."""
    data = b""
    while b"\n" not in data and len(data) <= LINE_BYTES:
        part = os.read(0, LINE_BYTES)
        if not part:
            break
        data += part
    line, _, rest = data.partition(b"\n")
    try:
        return msgspec.json.decode(line, type=SimulatorConfig, dec_hook=secret_from), rest
    except msgspec.MsgspecError as error:
        raise InputError(field="configuration", problem=str(error)) from None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
