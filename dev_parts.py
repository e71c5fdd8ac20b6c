"""Parts of the system that no Python package brings and some tests need; standard library only."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SYSTEM_MODULES = Path("/usr/lib/python3/dist-packages")
"""Where Debian keeps the Python packages of its own interpreter."""


@dataclass(frozen=True)
class Part:
    """Something that no Python package brings; ``@pytest.mark.needs(name)`` asks for it."""

    programs: tuple[tuple[str, ...], ...]
    """All of these are needed; of each group one is enough."""
    debian: tuple[str, ...]
    """Packages that bring it."""
    purpose: str
    modules: tuple[str, ...] = ()
    """Python packages that the distribution's own interpreter must have."""

    def there(self) -> bool:
        """Whether this computer has it."""
        programs = all(any(map(shutil.which, group)) for group in self.programs)
        return programs and all((SYSTEM_MODULES / name).is_dir() for name in self.modules)

    def how_to_get(self) -> str:
        """One line for a person who misses it."""
        wanted = ", ".join([*(" or ".join(group) for group in self.programs), *self.modules])
        return f"{wanted} for {self.purpose}; on Debian: apt-get install {' '.join(self.debian)}"


PARTS = {
    "chromium": Part(
        (("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),),
        ("chromium",),
        "the tests of the page",
    ),
    "firefox": Part(
        (("firefox-esr", "firefox"),),
        ("firefox-esr",),
        "the tests of web pages in Firefox",
    ),
    "webkit": Part(
        (("WebKitWebDriver",), ("Xvfb",)),
        ("webkit2gtk-driver", "xvfb"),
        "the tests of web pages in WebKit",
    ),
    "policy": Part(
        (("chromium",), ("unshare",)),
        ("chromium", "util-linux"),
        "the test of a browser that somebody manages",
    ),
    "keyring": Part(
        (("gnome-keyring-daemon",), ("dbus-run-session",)),
        ("gnome-keyring", "dbus"),
        "the tests of stored accounts",
    ),
    "faketime": Part(
        (("faketime",),),
        ("faketime",),
        "the tests with a wrong clock",
    ),
    "dbus": Part(
        (("dbus-daemon",),),
        ("dbus",),
        "the tests of boards over Bluetooth LE",
    ),
    "panel": Part(
        (("dbus-daemon",), ("Xvfb",), ("xfce4-panel",), ("xdotool",)),
        ("dbus", "xvfb", "xfce4-panel", "xdotool"),
        "the test of the tray icon in a real panel",
    ),
    "umockdev": Part(
        (("umockdev-run",),),
        ("umockdev",),
        "the tests of ports that come and go",
    ),
    "udev": Part(
        (("udevadm",), ("unshare",)),
        ("udev", "util-linux"),
        "the test that udev understands our rules",
    ),
    "usb": Part(
        (("umockdev-wrapper",), ("dfu-util",)),
        ("umockdev", "gir1.2-umockdev-1.0", "python3-gi", "dfu-util"),
        "the tests of boards that are flashed over DFU",
        ("gi",),
    ),
    "pyudev": Part(
        (("umockdev-wrapper",),),
        ("umockdev", "gir1.2-umockdev-1.0", "python3-gi", "python3-pyudev"),
        "the test that pyudev sees our simulated boards",
        ("gi", "pyudev"),
    ),
    "autostart": Part(
        (("desktop-file-validate",), ("dex",), ("plistutil",)),
        ("desktop-file-utils", "dex", "libplist-utils"),
        "the tests of start at login",
    ),
    "systemd": Part(
        (("systemctl",), ("systemd-analyze",), ("unshare",)),
        ("systemd", "util-linux"),
        "the tests of the systemd unit",
    ),
    "mosquitto": Part(
        (("mosquitto",), ("mosquitto_pub",), ("mosquitto_sub",)),
        ("mosquitto", "mosquitto-clients"),
        "the tests against a real MQTT broker",
    ),
    "libcoap": Part(
        (("coap-client-openssl", "coap-client", "coap-client-gnutls"),),
        ("libcoap3-bin",),
        "the tests against another CoAP implementation",
    ),
    "g++": Part(
        (("g++",),),
        ("g++",),
        "the tests of the example sketch and of header files",
    ),
    "bossac": Part(
        (("bossac",),),
        ("bossa-cli",),
        "the tests of boards that are flashed over SAM-BA",
    ),
}


def provide_parts(say: Callable[[str], None]) -> None:
    """Install the missing parts as root on Debian; elsewhere say what is missing."""
    missing = {name: part for name, part in PARTS.items() if not part.there()}
    if not missing:
        return
    if not can_install():
        for name, part in missing.items():
            say(f"tests that need {name} are skipped: {part.how_to_get()}")
        return
    packages = sorted({package for part in missing.values() for package in part.debian})
    if not apt_install(packages, say):
        say(f"could not install {' '.join(packages)}: tests that need them are skipped")


def can_install() -> bool:
    """Whether this is Debian (or one of its family) and we may install packages."""
    if sys.platform == "win32":
        return False
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def apt_install(packages: list[str], say: Callable[[str], None]) -> bool:
    """Install Debian packages; the lists are fetched first, for a new system has none."""
    say(f"installing {' '.join(packages)}")
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    for command in (["apt-get", "update", "-qq"], install):
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        if done.returncode:
            say(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()[-500:]}")
    return done.returncode == 0
