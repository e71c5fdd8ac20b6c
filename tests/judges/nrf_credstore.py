"""Runs the vendor's nrfcredstore as it is, on a pseudo-terminal: ``python nrf_credstore.py PORT …``.

It opens only ports that the system lists, so PORT is listed, as that of a Thingy:91 X.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent / "stand_ins"))

from nrfcredstore import cli
from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo


def main() -> None:
    """Runs it; its exit status is ours."""
    listed = ListPortInfo(sys.argv[1])
    listed.hwid = "USB VID:PID=1915:910A SER=THINGY91X_0001 LOCATION=9-1:1.0"
    list_ports.comports = lambda *_: [listed]
    cli.run(sys.argv)


main()
