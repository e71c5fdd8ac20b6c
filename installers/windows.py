"""The two Windows packages around a one-folder program that was made on Windows.

PyInstaller makes programs only for the system that it runs on, so the folder comes from a Windows
computer (``--payload``). Without one a stand-in takes its place: the packages then install, start
and remove a program, but not the agent, and their names say so.
"""

from __future__ import annotations

import os
import re
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import quoteattr

from installers import frozen
from installers.tree import (
    BUILD,
    DIST,
    FOLDER,
    ICONS,
    INSTALLERS,
    ROOT,
    PackagingError,
    fill,
    fresh,
    run,
    say,
    tool,
    version,
    whole_version,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

WINDOWS: Final = INSTALLERS / "windows"
UPGRADE_CODE: Final = "3B0F6A5C-53D2-4D0E-9A0B-6C1E5B6F7A21"
"""Tells Windows that two versions are the same product; never changes."""
SPACE: Final = uuid.UUID(UPGRADE_CODE)
SIGN_KEY, SIGN_PASSWORD = "MOORING_SIGN_PFX", "MOORING_SIGN_PFX_PASSWORD"
"""Names of variables of the environment: a file with certificate and key, and its password."""
PROGRAMS: Final = ("mooring.exe", "mooringw.exe")
# What wixl cannot write. The row of Environment puts the folder into PATH and takes it out again
# ("=-": set at installation, removed at removal; "[~];": behind what is there; "*": of the computer).
TABLES: Final = (
    "UPDATE `Component` SET `Condition` = 'AUTOSTART = \"1\"' WHERE `Component` = 'Autostart'",
    # The service that installs takes only properties from the command line that are named here.
    "UPDATE `Property` SET `Value` = 'AUTOSTART;WIX_DOWNGRADE_DETECTED;WIX_UPGRADE_DETECTED'"
    " WHERE `Property` = 'SecureCustomProperties'",
    "CREATE TABLE `Environment` (`Environment` CHAR(72) NOT NULL, `Name` CHAR(255) NOT NULL LOCALIZABLE,"
    " `Value` CHAR(255) LOCALIZABLE, `Component_` CHAR(72) NOT NULL PRIMARY KEY `Environment`)",
    "INSERT INTO `Environment` (`Environment`, `Name`, `Value`, `Component_`)"
    " VALUES ('Path', '=-*PATH', '[~];[INSTALLDIR]', 'Registry')",
    "INSERT INTO `InstallExecuteSequence` (`Action`, `Sequence`) VALUES ('RemoveEnvironmentStrings', 3300)",
    "INSERT INTO `InstallExecuteSequence` (`Action`, `Sequence`) VALUES ('WriteEnvironmentStrings', 5200)",
    # The agents of all people end before files are replaced or removed; what they had begun, their
    # next start finishes or undoes. 3170 = a program in a folder (34), run by the installing service
    # itself (1024 + 2048), whose failure is none (64): there may be nothing to end.
    "INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES"
    " ('EndIcon', 3170, 'INSTALLDIR', '\"[System64Folder]taskkill.exe\" /F /IM mooringw.exe')",
    "INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES"
    " ('EndCommand', 3170, 'INSTALLDIR', '\"[System64Folder]taskkill.exe\" /F /IM mooring.exe')",
    "INSERT INTO `InstallExecuteSequence` (`Action`, `Sequence`) VALUES ('EndIcon', 1501)",
    "INSERT INTO `InstallExecuteSequence` (`Action`, `Sequence`) VALUES ('EndCommand', 1502)",
)


def build_nsis(payload: Path | None = None) -> Path:
    """The installer for one person."""
    folder, name = _payload(payload)
    say("building the installer")
    DIST.mkdir(exist_ok=True)
    output = make_nsis(folder, DIST / f"{name}-setup.exe")
    sign(output)
    return output


def make_nsis(folder: Path, output: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """An installer of ``folder``, itself not signed; its uninstaller is, if there is a key."""
    removal = BUILD / "nsis-files.nsh"
    removal.write_text(removal_script(folder), encoding="utf-8")
    defines = {
        "VERSION": version(),
        "WHOLE_VERSION": whole_version(),
        "PAYLOAD": str(folder),
        "FILES": str(removal),
        "ICON": str(ICONS / "mooring.ico"),
        "SIZE_KB": str(sum(path.stat().st_size for path in files_of(folder)) // 1024),
        "OUTPUT": str(output),
    }
    if environ.get(SIGN_KEY):
        # The uninstaller is written by the installer: it must be signed before it goes in.
        defines["SIGN_COMMAND"] = f'"{sys.executable}" -m installers.windows'
    _makensis(WINDOWS / "mooring.nsi", defines, environ)
    return output


def build_msi(payload: Path | None = None) -> Path:
    """The package for managed computers."""
    folder, name = _payload(payload)
    say("building the MSI")
    DIST.mkdir(exist_ok=True)
    output = make_msi(folder, DIST / f"{name}.msi", whole_version())
    sign(output)
    return output


def make_msi(folder: Path, output: Path, number: str) -> Path:
    """A package of ``folder`` as this version, not signed."""
    places, references = components(folder)
    text = fill(
        WINDOWS / "mooring.wxs",
        whole_version=number,
        product_code=guid(f"product {number}"),
        upgrade_code=UPGRADE_CODE,
        icon=_from_build(ICONS / "mooring.ico"),
        files=places,
        references=references,
        **{f"{each}_guid": guid(each) for each in ("registry", "autostart", "menu")},
    )
    source = BUILD / "mooring.wxs"
    source.write_text(text, encoding="utf-8")
    output.unlink(missing_ok=True)
    run(tool("wixl"), "--arch", "x64", "--output", output, source.name, cwd=BUILD)
    for query in TABLES:
        run(tool("msibuild"), output, "-q", query)
    return output


def sign(file: Path, environ: Mapping[str, str] = os.environ) -> bool:
    """Sign a file if the environment names a key; says so otherwise."""
    key = environ.get(SIGN_KEY)
    if not key:
        say(f"{file.name} is not signed: {SIGN_KEY} names no certificate")
        return False
    # Never as an argument: everybody on the computer can read those.
    secret = BUILD / "sign-password"
    secret.touch(mode=0o600)
    try:
        secret.write_text(environ.get(SIGN_PASSWORD, ""), encoding="utf-8")
        signed = file.with_suffix(f"{file.suffix}.signed")
        signed.unlink(missing_ok=True)
        words = ["-pkcs12", key, "-readpass", str(secret), "-h", "sha256", "-n", "Mooring"]
        stamp = environ.get("MOORING_SIGN_TIMESTAMP")
        words += ["-ts", stamp] if stamp else []
        run(tool("osslsigncode"), "sign", *words, "-in", file, "-out", signed)
    finally:
        secret.unlink()
    signed.replace(file)
    return True


def _payload(given: Path | None) -> tuple[Path, str]:
    """The folder to be installed, and the name of a package with it."""
    frozen.build_icons()
    if given is None and (FOLDER / "mooringw.exe").is_file():
        given = FOLDER
    if given is None:
        return stand_in(), f"mooring-{version()}-stand-in"
    check_payload(given)
    if os.environ.get(SIGN_KEY):
        for name in PROGRAMS:
            sign(given / name)
    return given, f"mooring-{version()}"


def check_payload(folder: Path) -> None:
    """Refuse a folder that was made on another system."""
    missing = [name for name in PROGRAMS if not (folder / name).is_file()]
    if missing:
        msg = f"{folder} is no one-folder program for Windows: it has no {missing[0]}"
        raise PackagingError(msg)


def stand_in() -> Path:
    """A folder of the same shape with a program that only notes that it was started."""
    folder = fresh(BUILD / "stand-in")
    for name in PROGRAMS:
        _makensis(WINDOWS / "stand_in.nsi", {"OUTPUT": str(folder / name)})
    inside = folder / "_internal" / "agent" / "web"
    inside.mkdir(parents=True)
    (inside / "a name with spaces & signs.txt").write_text("data\n", encoding="utf-8")
    (folder / "LICENSE.txt").write_bytes((INSTALLERS.parent / "LICENSE").read_bytes())
    return folder


def _makensis(
    script: Path, defines: dict[str, str], environ: Mapping[str, str] = os.environ
) -> None:
    words = [f"-D{name}={value}" for name, value in defines.items()]
    # It works in the folder of the script, where SIGN_COMMAND must find this package all the same.
    run(
        tool("makensis"),
        "-V2",
        "-WX",
        "-INPUTCHARSET",
        "UTF8",
        *words,
        script,
        environ={**environ, "PYTHONPATH": str(ROOT)},
    )


def files_of(folder: Path) -> list[Path]:
    """The files of a payload, in an order that does not depend on the disk."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def removal_script(folder: Path) -> str:
    """What the uninstaller deletes: these files, and then the folders that are empty."""
    lines = [f'Delete "$INSTDIR\\{nsis_path(path, folder)}"' for path in files_of(folder)]
    folders = sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True)
    lines += [f'RMDir "$INSTDIR\\{nsis_path(path, folder)}"' for path in folders]
    return "\n".join(lines) + "\n"


def nsis_path(path: Path, folder: Path) -> str:
    """A path inside the payload, as NSIS writes texts."""
    return str(path.relative_to(folder)).replace("/", "\\").replace("$", "$$")


def guid(name: str) -> str:
    """The same id for the same part in every version."""
    return str(uuid.uuid5(SPACE, name)).upper()


def components(folder: Path) -> tuple[str, str]:
    """One component per file, inside the folders, and the list of them."""
    references: list[str] = []

    def inside(directory: Path, depth: int) -> list[str]:
        pad = "  " * depth
        lines: list[str] = []
        for path in sorted(directory.iterdir()):
            place = path.relative_to(folder).as_posix()
            if path.is_dir():
                name = _attribute(path.name)
                lines.append(f'{pad}<Directory Id="{_id("d", place)}" Name={name}>')
                lines += [*inside(path, depth + 1), f"{pad}</Directory>"]
            else:
                own = _id("c", place)
                references.append(own)
                source, name = _attribute(_from_build(path)), _attribute(path.name)
                lines += [
                    f'{pad}<Component Id="{own}" Guid="{guid(place)}" Win64="yes">',
                    f'{pad}  <File Id="{_id("f", place)}" Name={name} Source={source} KeyPath="yes"/>',
                    f"{pad}</Component>",
                ]
        return lines

    places = "\n".join(inside(folder, 5))
    return places, "\n".join(f'      <ComponentRef Id="{each}"/>' for each in references)


def _id(kind: str, place: str) -> str:
    readable = re.sub(r"[^A-Za-z0-9_.]", "_", place)[-40:]
    return f"{kind}{uuid.uuid5(SPACE, place).hex[:12]}_{readable}"


def _from_build(path: Path) -> str:
    """The path as seen from the folder that wixl runs in; it takes no whole ones everywhere."""
    return os.path.relpath(path, BUILD)


def _attribute(text: str) -> str:
    return quoteattr(text)


if __name__ == "__main__":
    sys.exit(0 if sign(Path(sys.argv[1])) else 1)
