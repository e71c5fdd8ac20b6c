"""The Windows packages as data: every file in, every file out again, the agent's own registry."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest

from agent.desktop.autostart.program import Program
from agent.desktop.autostart.run_key import APPROVED_KEY, RUN_KEY, VALUE, RunKey
from installers import windows
from installers.tree import PackagingError, fill

if TYPE_CHECKING:
    from pathlib import Path

NSI = (windows.WINDOWS / "mooring.nsi").read_text(encoding="utf-8")
WXS = "{http://schemas.microsoft.com/wix/2006/wi}"


class Registry(dict[tuple[str, str], str]):
    """What the agent writes there."""

    def read(self, key: str, name: str, *, everybody: bool = False) -> str | None:
        return None if everybody else self.get((key, name))

    def write(self, key: str, name: str, value: str) -> None:
        self[key, name] = value

    def delete(self, key: str, name: str) -> None:
        self.pop((key, name), None)


def written_by_the_agent(program: str) -> str:
    registry = Registry()
    RunKey(Program((program,)), registry).install()
    return registry[RUN_KEY, VALUE]


def product(folder: Path) -> ET.Element:
    places, references = windows.components(folder)
    guids = {f"{name}_guid": windows.guid(name) for name in ("registry", "autostart", "menu")}
    text = fill(
        windows.WINDOWS / "mooring.wxs",
        whole_version="1.2.3",
        product_code=windows.guid("product"),
        upgrade_code=windows.UPGRADE_CODE,
        icon="mooring.ico",
        files=places,
        references=references,
        **guids,
    )
    return ET.fromstring(text)


def test_the_installer_starts_it_with_the_words_of_the_agent():
    """`mooring service status` must know the value as its own, and the menu must switch it."""
    assert f'!define RUN_KEY "{RUN_KEY}"' in NSI
    assert f'!define APPROVED_KEY "{APPROVED_KEY}"' in NSI
    words = written_by_the_agent(r"$INSTDIR\mooringw.exe")
    assert f"""WriteRegStr HKCU "${{RUN_KEY}}" "{VALUE}" '{words}'""" in NSI


def test_the_package_starts_it_with_the_words_of_the_agent(folder):
    (value,) = (
        each for each in product(folder).iter(f"{WXS}RegistryValue") if each.get("Key") == RUN_KEY
    )
    assert value.get("Name") == VALUE
    assert value.get("Value") == written_by_the_agent("[INSTALLDIR]mooringw.exe")


def test_what_the_installer_writes_the_uninstaller_removes():
    before, after = NSI.split('Section "Uninstall"')
    for key in set(re.findall(r'WriteReg\w+ HKCU "([^"]+)"', before)):
        assert re.search(rf'DeleteReg(Key|Value) HKCU "{re.escape(key)}"', after), key
    assert "RMDir /r" not in after


def test_the_uninstaller_removes_every_file_and_then_the_empty_folders(folder):
    lines = windows.removal_script(folder).splitlines()
    assert lines == [
        'Delete "$INSTDIR\\LICENSE.txt"',
        'Delete "$INSTDIR\\_internal\\agent\\__init__.txt"',
        'Delete "$INSTDIR\\_internal\\agent\\web\\a name with $$igns & <spaces>.js"',
        'Delete "$INSTDIR\\mooring"',
        'Delete "$INSTDIR\\mooring.exe"',
        'Delete "$INSTDIR\\mooringw.exe"',
        'RMDir "$INSTDIR\\_internal\\agent\\web"',
        'RMDir "$INSTDIR\\_internal\\agent"',
        'RMDir "$INSTDIR\\_internal"',
    ]


def test_the_package_holds_every_file_once_and_in_its_folder(folder):
    root = product(folder)
    found: list[str] = []

    def walk(element: ET.Element, place: str) -> None:
        for child in element:
            if child.tag == f"{WXS}Directory":
                walk(child, f"{place}{child.get('Name')}/")
            elif child.tag == f"{WXS}Component":
                found.extend(f"{place}{file.get('Name')}" for file in child.iter(f"{WXS}File"))

    (home,) = (each for each in root.iter(f"{WXS}Directory") if each.get("Id") == "INSTALLDIR")
    walk(home, "")
    assert sorted(found) == [
        path.relative_to(folder).as_posix() for path in windows.files_of(folder)
    ]


def test_every_component_is_installed_and_has_an_id_of_its_own(folder):
    root = product(folder)
    components = [each.attrib["Id"] for each in root.iter(f"{WXS}Component")]
    references = [each.attrib["Id"] for each in root.iter(f"{WXS}ComponentRef")]
    guids = [each.get("Guid") for each in root.iter(f"{WXS}Component")]
    assert sorted(components) == sorted(references)
    assert len(set(components)) == len(components)
    assert len(set(guids)) == len(guids)
    # Else Windows puts them among the 32-bit programs.
    assert {each.get("Win64") for each in root.iter(f"{WXS}Component")} == {"yes"}


def test_the_ids_of_a_file_are_the_same_in_the_next_version(folder, tmp_path):
    first = windows.components(folder)[1]
    folder.rename(tmp_path / "elsewhere")
    assert windows.components(tmp_path / "elsewhere")[1] == first


@pytest.mark.parametrize("missing", ["mooring.exe", "mooringw.exe"])
def test_a_folder_of_another_system_is_refused(folder, missing):
    (folder / missing).unlink()
    with pytest.raises(PackagingError, match=missing):
        windows.check_payload(folder)


def test_without_a_key_nothing_is_signed(tmp_path, capsys):
    file = tmp_path / "setup.exe"
    file.write_bytes(b"MZ")
    assert windows.sign(file, {}) is False
    assert file.read_bytes() == b"MZ"
    assert windows.SIGN_KEY in capsys.readouterr().err


def test_a_template_with_a_place_that_nobody_fills_is_refused(tmp_path):
    template = tmp_path / "template"
    template.write_text("@VERSION@ @SIZE@")
    with pytest.raises(PackagingError, match="SIZE"):
        fill(template, version="1")
