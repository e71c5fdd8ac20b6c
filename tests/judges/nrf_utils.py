"""Runs a program of the vendor's nrfcloud-utils as it is: ``python nrf_utils.py PORT PROGRAM …``.

It opens only ports that the system lists, so PORT is listed, as that of a Thingy:91 X. Its hosts are
constants; a proxy in the environment leads them to where they shall.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent / "stand_ins"))

from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo


def main() -> None:
    """Runs it; its exit status is ours."""
    port, program, *arguments = sys.argv[1:]
    listed = ListPortInfo(port)
    listed.hwid = "USB VID:PID=1915:910A SER=THINGY91X_0001 LOCATION=9-1:1.0"
    list_ports.comports = lambda *_: [listed]
    importlib.import_module(f"nrfcloud_utils.{program}").main(arguments)


main()
