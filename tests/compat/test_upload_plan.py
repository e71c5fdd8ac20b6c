"""What an upload becomes; the real bossac writes a simulated board with what was planned."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from agent.boards.board import Board, Port
from agent.catalog import Catalog
from agent.compat.upload_plan import OwnMethod, Places, RunTool, plan_upload, write_files
from agent.compat.upload_request import Upload, UploadFile
from agent.errors import UploadRefused
from agent.flash.child import run_child
from agent.flash.toolstore.store import ToolStore
from agent.flash.toolstore.tool import ToolId
from agent.simulator.samba import End, SamdLoader
from agent.simulator.samba_port import SambaPort
from tests.flash.samba_rig import holds, plan
from tests.flash.toolstore.archives import tar

MKR = "arduino:samd:mkrwifi1010"
LINE = (
    '"{runtime.tools.bossac.path}/bossac" -i --port={serial.port} -U -i -e -w -v '
    '-o 0x2000 "{build.path}/{build.project_name}.bin" -R'
)
AVRDUDE = (
    '"{runtime.tools.avrdude-6.3.path}/bin/avrdude" "-C{runtime.tools.avrdude-6.3.path}/etc/a.conf" '
    "-P{serial.port} -b{serial.port.file}/{serial.port.iserial} {fqbn} "
    '"-Uflash:w:{build.path}/{build.project_name}.hex:i" {runtime.platform.path}/x'
)
PLACES = Places(PurePosixPath("/t/build dir"), PurePosixPath("/t/extra"))


class Tools:
    """Tools by key."""

    def __init__(self, **folders: str) -> None:
        self._folders = {name.replace("_", "-"): folder for name, folder in folders.items()}

    def folder_of(self, key: str, /) -> PurePosixPath | None:
        folder = self._folders.get(key.replace(".", "-"))
        return PurePosixPath(folder) if folder is not None else None


NONE = Tools()
BOTH = Tools(bossac="/tools/bos sac/1", avrdude_6_3="/tools/avrdude")


@pytest.fixture(scope="module")
def catalog():
    return Catalog.load()


def upload(line: str = LINE, fqbn: str = MKR, **fields) -> Upload:
    sketch = UploadFile(fields.pop("name", "sketch.bin"), b"program")
    return Upload(port="/dev/ttyACM0", fqbn=fqbn, command_line=line, sketch=sketch, **fields)


def board(model: str | None, *candidates: str) -> Board:
    port = Port(kind="serial", address="/dev/ttyACM0")
    return Board(
        id="x",
        name="Desk board",
        model=model,
        fqbn=None,
        candidates=list(candidates),
        ports=[port],
        first_seen=0.0,
    )


def planned(catalog, asked: Upload, there: Board | None = None, tools: Tools = NONE, **options):
    return plan_upload(asked, there, tools, catalog=catalog, places=PLACES, **options)


@pytest.mark.parametrize("there", [None, board("mkr_wifi_1010"), board(None), board("gone")])
def test_a_line_of_a_board_that_we_can_flash_needs_no_tool(catalog, there):
    found = planned(catalog, upload(fqbn=f"{MKR}:option=1"), there)
    assert found == OwnMethod(model="mkr_wifi_1010", tool="bossac")


def test_any_other_line_becomes_the_real_tool_and_no_value_makes_a_word(catalog):
    found = planned(catalog, upload(AVRDUDE, "arduino:avr:uno", name="my sketch.hex"), None, BOTH)
    assert isinstance(found, RunTool)
    assert found.needs_port
    assert found.folder == "/tools/avrdude"
    assert found.argv("/dev/ttyACM1", "ABC") == [
        "/tools/avrdude/bin/avrdude",
        "-C/tools/avrdude/etc/a.conf",
        "-P/dev/ttyACM1",
        "-bttyACM1/ABC",
        "arduino:avr:uno",
        "-Uflash:w:/t/build dir/my sketch.hex:i",
        "/t/extra/x",
    ]
    with pytest.raises(UploadRefused):
        found.argv("-x")


def test_a_program_of_windows_has_its_ending(catalog):
    class Windows:
        def folder_of(self, _key: str, /) -> PureWindowsPath:
            return PureWindowsPath("C:\\tools\\a")

    found = plan_upload(
        upload(AVRDUDE, "arduino:avr:uno"),
        None,
        Windows(),
        catalog=catalog,
        places=PLACES,
        system="windows",
    )
    assert isinstance(found, RunTool)
    assert found.program == "C:\\tools\\a\\bin\\avrdude.exe"
    assert found.argv("COM3")[1] == "-CC:/tools/a/etc/a.conf"


def test_another_offset_is_left_to_the_tool(catalog):
    found = planned(catalog, upload(LINE.replace("0x2000", "0x4000")), None, BOTH)
    assert isinstance(found, RunTool)
    assert "-o" in found.words


def test_a_signed_line_that_is_sent_for_another_board_is_refused(catalog):
    for tools in (NONE, BOTH):
        with pytest.raises(UploadRefused) as caught:
            planned(catalog, upload(), board("uno_r4_wifi"), tools)
        assert "Desk board" in caught.value.report().title
        with pytest.raises(UploadRefused):
            planned(catalog, upload(), board(None, "esp32", "esp8266"), tools)


def test_another_name_for_the_same_hardware_is_not_refused(catalog):
    envie = "arduino:mbed_portenta:envie_m7"
    line = (
        '"{runtime.tools.dfu-util.path}/dfu-util" --device 0x2341:0x035b '
        '-D "{build.path}/{build.project_name}.bin" -a0 --dfuse-address=0x08040000:leave'
    )
    carrier = board("portenta_machine_control")
    assert isinstance(planned(catalog, upload(line, envie), carrier), OwnMethod)
    other_core = upload(LINE, "arduino:mbed_portenta:envie_m4")
    assert isinstance(planned(catalog, other_core, board("portenta_h7"), BOTH), RunTool)


BAD = {
    "bossac -w x": "no program of an upload tool",
    "/bin/sh -c x": "no program of an upload tool",
    "{build.path}/sketch.bin": "no program of an upload tool",
    "{runtime.platform.path}/evil": "no program of an upload tool",
    "{runtime.tools.bossac.path}": "no program of an upload tool",
    "x{runtime.tools.bossac.path}/bossac": "no program of an upload tool",
    "{runtime.tools.bossac.path}/{build.project_name}": "no program of an upload tool",
    "{runtime.tools.bossac.path}/../../../bin/sh": "leads out",
    "{runtime.tools.bossac.path}//bin/sh": "leads out",
    "{runtime.tools.bossac.path}/C:/x": "leads out",
    "{runtime.tools.gone.path}/gone": "gone is not installed",
    "{runtime.tools.bossac.path}/bossac {runtime.tools.gone.path}": "gone is not installed",
    "{runtime.tools.bossac.path}/bossac {network.password}": "does not fill in",
    "{runtime.tools.bossac.path}/bossac 'x": "does not end",
}


@pytest.mark.parametrize("line", BAD)
def test_a_line_that_must_not_be_run_says_why(catalog, line):
    with pytest.raises(UploadRefused, match=BAD[line]):
        planned(catalog, upload(line, "arduino:avr:uno"), None, BOTH)


def test_an_upload_over_the_network_is_refused_in_words(catalog):
    with pytest.raises(UploadRefused, match="OTA"):
        planned(catalog, upload(network=True))


def test_the_files_of_an_upload_lie_below_one_folder(tmp_path):
    extra = (UploadFile("a/b/c.bin", b"c"), UploadFile("d", b"d"))
    places = write_files(upload(extra_files=extra), tmp_path)
    assert Path(places.build, "sketch.bin").read_bytes() == b"program"
    assert Path(places.extra, "a/b/c.bin").read_bytes() == b"c"
    assert Path(places.extra, "d").read_bytes() == b"d"


@pytest.mark.needs("bossac")
@pytest.mark.system("linux")
async def test_the_real_bossac_of_the_store_writes_a_simulated_board(catalog, tmp_path):
    real = shutil.which("bossac")
    assert real is not None
    store = ToolStore(tmp_path / "tools with space")
    archive = tar({"bossac-1.9.1/bossac!": Path(real).read_bytes()})
    store.put(ToolId("arduino", "bossac", "1.9.1-arduino5"), archive, now=1.0)
    image = plan("mkr_wifi_1010", 9000).image
    asked = Upload(
        port="unknown",
        fqbn="arduino:samd:some_other_board",
        command_line=LINE,
        sketch=UploadFile("my sketch.bin", image.data),
    )
    work = tmp_path / "work {fqbn}"
    work.mkdir()
    places = write_files(asked, work)
    found = plan_upload(asked, None, store, catalog=catalog, places=places)
    assert isinstance(found, RunTool)
    lines: list[str] = []
    loader = SamdLoader()
    async with SambaPort(loader) as port:
        result = await run_child(found.argv(port.address), lines.append, silence_s=15.0)
        assert await port.wait_ended() is End.RESET
    assert result.status == 0, lines
    assert "Verify successful" in lines
    assert holds(loader, image)
