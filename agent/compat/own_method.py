"""Which command lines Mooring carries out with a flash method of its own, by tool and options.

Only lines of which each option is understood, and which write the sketch where the board's model
wants it; of all others the real tool is run. Sources: the ``upload.pattern`` of arduino/ArduinoCore-mbed
and arduino/ArduinoCore-renesas: platform.txt; flashing, sections 2 to 6.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.catalog import Model

SKETCH_STEM: Final = "{build.path}/{build.project_name}"
PORTS: Final = ("{serial.port}", "{serial.port.file}")

_FLAGS: Final = {
    "bossac": frozenset(
        [
            *("-i", "--info", "-d", "--debug", "-e", "--erase", "-w", "--write"),
            *("-v", "--verify", "-R", "--reset", "-U", "--usb-port"),
        ]
    ),
    "dfu-util": frozenset(["-R", "--reset", "-Q", "-v", "--verbose"]),
    "rp2040load": frozenset(["-v", "-V"]),
    "esptool": frozenset(["-z", "--compress", "-u", "--no-compress", "--no-stub"]),
}
"""Options without a value."""
_VALUES: Final = {
    "bossac": {"-p": "port", "--port": "port", "-o": "offset", "--offset": "offset"},
    "dfu-util": {
        "-d": "device",
        "--device": "device",
        "-D": "file",
        "--download": "file",
        "-a": "alt",
        "--alt": "alt",
        "-s": "address",
        "--dfuse-address": "address",
    },
    "rp2040load": {"-D": "file"},
    "esptool": {
        "--chip": "chip",
        "--port": "port",
        "-p": "port",
        "--baud": "baud",
        "-b": "baud",
        "--before": "before",
        "--after": "after",
        "--flash_mode": "mode",
        "--flash-mode": "mode",
        "--flash_freq": "freq",
        "--flash-freq": "freq",
        "--flash_size": "size",
        "--flash-size": "size",
    },
}
"""Options with a value, and what it is."""
_METHODS: Final = {
    "bossac": frozenset({"sam-ba", "sam-ba-arduino-ext"}),
    "dfu-util": frozenset({"dfu", "dfuse"}),
    "rp2040load": frozenset({"rp2040", "uf2"}),
    "esptool": frozenset({"esptool"}),
}


def writes_sketch(program: str, arguments: Sequence[str], model: Model, extension: str) -> bool:
    """Whether our method for ``model`` does what this command line does.

    ``program`` is the file name of the tool, ``arguments`` its words before they are filled in,
    ``extension`` that of the sketch (``.bin``).
    """
    tool = re.sub(r"\.(exe|py)$", "", program)
    if model.upload.method not in _METHODS.get(tool, ()):
        return False
    read = _read(arguments, _FLAGS[tool], _VALUES[tool])
    if read is None:
        return False
    flags, values, rest = read
    if values.get("port", PORTS[0]) not in PORTS:
        return False
    sketch = f"{SKETCH_STEM}{extension}"
    match tool:
        case "bossac":
            # A lone word behind -U of an old bossac says whether the port is one of USB.
            files = [word for word in rest if word not in {"true", "false"}]
            writes = bool(flags & {"-w", "--write"})
            return writes and files == [sketch] and _same(values.get("offset"), model.upload.offset)
        case "dfu-util":
            return not rest and values.get("file") == sketch and _is_dfu(values, model)
        case "rp2040load":
            return not rest and values.get("file") == sketch
    words = [word.replace("-", "_") for word in rest[:1]]
    return (
        words == ["write_flash"]
        and len(rest) == 3
        and (
            _same(rest[1], model.upload.offset or "0x0")
            and rest[2] == sketch
            and _is_esp(values, model)
        )
    )


def _read(
    arguments: Sequence[str], flags: frozenset[str], values: Mapping[str, str]
) -> tuple[set[str], dict[str, str], list[str]] | None:
    """Flags, values by meaning, and other words; None if one option is not understood."""
    found: set[str] = set()
    given: dict[str, str] = {}
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        name, equals, value = word.partition("=")
        if not word.startswith("-"):
            rest.append(word)
        elif word in flags:
            found.add(word)
        elif name.startswith("--") and equals and name in flags and value in {"true", "1"}:
            found.add(name)
        else:
            if word in values:
                meaning, value = values[word], next(words, "")
            elif name.startswith("--") and equals and name in values:
                meaning = values[name]
            elif word[:2] in values and not word.startswith("--"):
                meaning, value = values[word[:2]], word[2:]
            else:
                return None
            if meaning in given:
                return None
            given[meaning] = value
    return found, given, rest


def _same(text: str | None, wanted: str | None) -> bool:
    """Whether a place is the one of the model; none named: the tool or our method knows it."""
    if text is None:
        return True
    try:
        return wanted is not None and int(text, 0) == int(wanted, 0)
    except ValueError:
        return False


def _is_dfu(values: Mapping[str, str], model: Model) -> bool:
    upload = model.upload
    if upload.dfu_vid is None or upload.dfu_pid is None:
        return False
    device = values.get("device", "").lower().replace("0x", "")
    wanted = f"{upload.dfu_vid[2:]}:{upload.dfu_pid[2:]}"
    # ``2341:0068,:0368``: the sketch's ids, then those of the bootloader.
    last = device.rpartition(",")[2]
    last = f"{device.partition(':')[0]}{last}" if last.startswith(":") else last
    alt = values.get("alt")
    if last != wanted or not _same(alt, str(upload.alt or 0)):
        return False
    place = values.get("address")
    if upload.method == "dfu":
        return place is None
    address, _, modifier = (place or "").partition(":")
    return modifier == "leave" and bool(address) and _same(address, upload.address)


def _is_esp(values: Mapping[str, str], model: Model) -> bool:
    """The chip is the model's, and nothing of the image's header would be changed."""
    kept = all(values.get(name, "keep") == "keep" for name in ("mode", "freq", "size"))
    return kept and values.get("chip", "auto") in {"auto", model.upload.chip}
