"""The udev rule that gives boards to the person at the computer, made from the catalogue.

``installers/linux/60-mooring.rules`` is what :func:`udev_rules` returns; a test holds them against
each other, and ``mooring doctor --udev-rules`` prints it for installations without a package.
Sources: systemd, ``70-uaccess.rules`` and ``73-seat-late.rules`` (a rule that tags must sort before
these); ModemManager, “Common udev tags”; flashing, section 9.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.catalog import Model

RULE_NAME: Final = "60-mooring.rules"

SHARED_VENDORS: Final = {
    0x0403: "FTDI",
    0x10C4: "Silicon Labs",
    0x1A86: "WCH",
    0x1FC9: "NXP",
}
"""Makers of chips that are in the devices of many others, modems among them: only the products of
the catalogue are given, and ModemManager is not kept away. Its default policy does not open generic
USB-UART bridges (ModemManager, “Port and device detection”, filter policy *strict*)."""

VENDORS: Final = {
    0x1366: "SEGGER (the debugger of Nordic's kits)",
    0x1915: "Nordic Semiconductor",
    0x2341: "Arduino",
    0x2886: "Seeed",
    0x2E8A: "Raspberry Pi",
    0x303A: "Espressif",
    0x35D1: "Arduino",
}
"""Makers of boards: all their products are given, because sketches may choose the product id."""

_HEAD: Final = """\
# Boards belong to the person at this computer, and ModemManager leaves them alone.
# Made from the catalogue of Mooring (mooring doctor --udev-rules); changes here are overwritten.
# After a change: udevadm control --reload && udevadm trigger

ACTION=="remove", GOTO="mooring_end"
"""
_FOOT: Final = '\nLABEL="mooring_end"\n'


def udev_rules(models: Iterable[Model]) -> str:
    """The whole file."""
    ids = {
        each
        for model in models
        for each in (*model.usb.sketch, *model.usb.bootloader, *model.usb.other)
    }
    makers = sorted({each.vid for each in ids} - SHARED_VENDORS.keys())
    lines = [_HEAD]
    for vid in makers:
        lines.append(f"# {VENDORS.get(vid, 'a maker of boards')}")
        lines += _maker(vid)
    for vid, name in SHARED_VENDORS.items():
        products = sorted(each.pid for each in ids if each.vid == vid and each.pid is not None)
        if products:
            lines.append(f"# {name}: chips in boards and in other devices")
            lines += [line for pid in products for line in _product(vid, pid)]
    return "\n".join(lines) + _FOOT


def _maker(vid: int) -> list[str]:
    return [
        f'SUBSYSTEM=="usb", ENV{{DEVTYPE}}=="usb_device", ATTR{{idVendor}}=="{vid:04x}", '
        'TAG+="uaccess", ENV{ID_MM_DEVICE_IGNORE}="1"',
        f'SUBSYSTEM=="tty", ATTRS{{idVendor}}=="{vid:04x}", '
        'TAG+="uaccess", ENV{ID_MM_PORT_IGNORE}="1"',
    ]


def _product(vid: int, pid: int) -> list[str]:
    return [
        f'SUBSYSTEM=="usb", ENV{{DEVTYPE}}=="usb_device", ATTR{{idVendor}}=="{vid:04x}", '
        f'ATTR{{idProduct}}=="{pid:04x}", TAG+="uaccess"',
        f'SUBSYSTEM=="tty", ATTRS{{idVendor}}=="{vid:04x}", '
        f'ATTRS{{idProduct}}=="{pid:04x}", TAG+="uaccess"',
    ]
