"""Windows' own Wi-Fi; where there is one, it is only looked at."""

from __future__ import annotations

import contextlib
import sys

import pytest

from agent.errors import WifiError
from agent.links.access_point_wifi import Computer


@pytest.mark.system("win32")
async def test_windows_says_what_the_computer_is_in_or_why_not():
    from agent.links.access_point_windows import WindowsWifi

    system = WindowsWifi()
    with contextlib.suppress(WifiError):  # no adapter, or names hidden
        assert isinstance(await system.look(), Computer)
    await system.close()


@pytest.mark.system("linux", "darwin")
def test_elsewhere_there_is_no_such_module():
    sys.modules.pop("agent.links.access_point_windows", None)
    with pytest.raises(ImportError, match="Windows only"):
        __import__("agent.links.access_point_windows")
