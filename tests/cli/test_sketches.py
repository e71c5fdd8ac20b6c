"""The commands about the store of sketches, in real processes, with a simulated list and cloud."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from agent.catalog import Catalog
from agent.flash.store import SketchStore
from agent.settings.paths import find_paths
from agent.simulator.arduino_cloud import SimulatedArduinoCloud
from agent.simulator.images import ImageIdentity, build_image
from agent.simulator.sketch_index import SimulatedSketchIndex
from tests.cli.conftest import Ended, Mooring, finish

ROOT = Path(__file__).parents[2]
CATALOG = Catalog.load()
MKR = "arduino:samd:mkrwifi1010"
UNO = "arduino:renesas_uno:unor4wifi"


def image(model_id: str, runs="application") -> bytes:
    model = CATALOG.get(model_id)
    assert model is not None
    return build_image(ImageIdentity(runs=runs, fqbn=model.fqbn or ""), model)


class Home:
    """A computer with a list of sketches and a cloud in reach, and no board."""

    def __init__(self, folder: Path, index: SimulatedSketchIndex, cloud: SimulatedArduinoCloud):
        self.folder = folder
        self.index = index
        self.cloud = cloud
        folder.mkdir()
        folder.joinpath("key.asc").write_bytes(index.public_key)
        folder.joinpath("config.toml").write_text(
            "[ports]\nsystem = false\n"
            f"[arduino]\nbase_url = {json.dumps(cloud.base_url)}\nrequests_per_s = 1000\n"
            f"[sketches]\nindex_url = {json.dumps(index.index_url)}\n"
            f"index_key = {json.dumps(str(folder / 'key.asc'))}\n",
            encoding="utf-8",
        )

    @property
    def store(self) -> SketchStore:
        return SketchStore(find_paths({"MOORING_HOME": str(self.folder)}).sketches_dir)

    async def run(self, *words: object, stdin: str = "") -> Ended:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "agent", *map(str, words)),
            env={**os.environ, "MOORING_HOME": str(self.folder), "PYTHONPATH": str(ROOT)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        return await finish(process, stdin)

    async def sign_in(self) -> None:
        ended = await self.run(
            *("cloud", "login", "arduino", "--set", f"client_id={self.cloud.client_id}"),
            "--password-stdin",
            stdin=self.cloud.client_secret.reveal() + "\n",
        )
        assert ended.status == 0, ended.err


@pytest.fixture
async def home(tmp_path):
    async with (
        SimulatedSketchIndex(catalog=CATALOG) as index,
        SimulatedArduinoCloud(catalog=CATALOG) as cloud,
    ):
        yield Home(tmp_path / "home", index, cloud)


def error_code(ended: Ended) -> str:
    return ended.err.strip().splitlines()[-1].strip("[]")


async def test_an_empty_store_says_how_to_fill_it(home):
    ended = await home.run("sketches")
    assert ended.status == 0
    assert "mooring sketches fetch" in ended.err
    assert (await home.run("sketches", "--json")).document == {"sketches": []}


async def test_what_is_fetched_is_listed_and_carried_to_another_computer(home, tmp_path):
    ended = await home.run("sketches", "fetch", MKR, "--kind", "provisioning-1.0", "--json")
    assert ended.status == 0, ended.err
    (fetched,) = ended.document["sketches"]
    assert fetched["fqbn"] == MKR
    assert ended.document["failed"] == []
    listed = await home.run("sketches")
    assert fetched["id"] in listed.out
    assert "provisioning-1.0" in listed.out
    carried = tmp_path / "carried.zip"
    ended = await home.run("sketches", "export", carried)
    assert (ended.status, ended.out) == (0, f"1 sketches are in {carried}.\n")
    other = Home(tmp_path / "other", home.index, home.cloud)
    home.index.down = True
    taken = (await other.run("sketches", "import", carried, "--json")).document["sketches"]
    assert [each["sha256"] for each in taken] == [fetched["sha256"]]
    (there,) = other.store.list()
    assert other.store.read(there) == home.index.data(MKR)
    removed = await other.run("sketches", "remove", fetched["id"])
    assert (removed.status, other.store.list()) == (0, [])


async def test_everything_that_is_published_is_fetched_at_once(home):
    home.cloud.give_binary(UNO, "provisioning_2.bin", image("uno_r4_wifi"))
    ended = await home.run("sketches", "fetch", "--json")
    assert ended.status == 0, ended.err
    assert home.index.requests.count("/binaries/index.json.gz") == 1
    fetched = {(each["fqbn"], each["kind"]) for each in ended.document["sketches"]}
    assert (MKR, "provisioning-1.0") in fetched
    assert ("arduino:samd:mkrwan1310", "lora-1.0") in fetched
    assert not any(kind == "provisioning-2.0" for _, kind in fetched)
    assert "provisioning 2.0 were left out" in ended.err
    await home.sign_in()
    ended = await home.run("sketches", "fetch", "uno_r4_wifi", "--json")
    (two,) = ended.document["sketches"]
    assert (two["fqbn"], two["kind"]) == (UNO, "provisioning-2.0")


async def test_the_sketches_of_a_connected_board_are_found_by_its_name(alone: Mooring):
    async with SimulatedSketchIndex(catalog=CATALOG) as index:
        key = alone.home / "key.asc"
        key.write_bytes(index.public_key)
        config = alone.home / "config.toml"
        config.write_text(
            f"{config.read_text()}[sketches]\nindex_url = {json.dumps(index.index_url)}\n"
            f"index_key = {json.dumps(str(key))}\n"
        )
        alone.demo.cloud.give_binary(UNO, "provisioning_2.bin", image("uno_r4_wifi"))
        await alone.have_account()
        ended = await alone.run("sketches", "fetch", alone.board)
        assert ended.status == 0, ended.err
        assert "provisioning_2.bin" in ended.out
        refused = await alone.run("sketches", "fetch", "no-such-board")
        assert (refused.status, error_code(refused)) == (3, "board-unknown")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("fetch", "a:b:c"), "input"),
        (("fetch", UNO), "cloud-not-signed-in"),
        (("remove", "abc"), "sketch-unknown"),
        (("export", "x.zip"), "input"),
        (("add", "x.bin", "--fqbn", MKR), "input"),
    ],
)
async def test_what_cannot_be_done_is_refused(home, words, code):
    ended = await home.run("sketches", *words)
    assert error_code(ended) == code
    assert ended.status != 0


async def test_a_list_that_cannot_be_trusted_is_told(home):
    home.index.fault = "wrong-signature"
    ended = await home.run("sketches", "fetch", MKR, "--kind", "provisioning-1.0", "--json")
    assert ended.status == 1
    assert [each["code"] for each in ended.document["failed"]] == ["sketch-index"]


async def test_a_file_of_ones_own_is_added_with_what_is_known_of_it(home, tmp_path):
    file = tmp_path / "my sketch.bin"
    file.write_bytes(image("mkr_wifi_1010"))
    ended = await home.run("sketches", "add", file, "--fqbn", MKR, "--version", "1.2", "--json")
    assert ended.status == 0, ended.err
    added = ended.document
    assert (added["kind"], added["version"], added["kept"]) == ("local", "1.2", True)
    assert added["name"] == "my_sketch.bin"
    shown = await home.run("sketches", "add", file, "--fqbn", MKR)
    assert added["sha256"] in shown.err
    listed = await home.run("sketches")
    assert "local (yours)" in listed.out


async def test_a_file_that_is_not_for_the_board_is_not_added(home, tmp_path):
    tmp_path.joinpath("sketch.elf").write_bytes(image("nano_rp2040_connect"))
    ended = await home.run("sketches", "add", tmp_path / "sketch.elf", "--fqbn", MKR)
    assert (ended.status, error_code(ended)) == (2, "flash-image")
    assert home.store.list() == []
