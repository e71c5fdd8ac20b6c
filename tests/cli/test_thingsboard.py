"""A board into ThingsBoard by commands alone, without an agent and through one; all real processes."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.thingsboard_rig import BOARDS, WRONG, Bench, Computer
from tests.clouds.vaults import require_absent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.conftest import Ended

pytestmark = pytest.mark.system("linux", "darwin")
"""The chip's loader is simulated on a pseudo-terminal."""

DELIVERIES = [*BOARDS, "header"]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp("thingsboard"))
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def alone(bench: Bench) -> Computer:
    """No agent runs: each command works by itself. Its secret came over standard input."""
    computer = Computer(bench, "alone")
    done = computer.run(*computer.login, "--password-stdin", stdin=f"{computer.provision_secret}\n")
    assert done.status == 0, done.err
    return computer


@pytest.fixture(scope="module")
def beside(bench: Bench) -> Iterator[Computer]:
    """An agent runs, and commands go through it. Its secrets are in the environment and a file."""
    computer = Computer(bench, "beside")
    computer.start_agent()
    try:
        administrator = bench.account["administrator"]
        word = bench.folder / "administrator"
        word.write_text(f"{administrator['password']}\n")
        done = computer.run(
            *(*computer.login, "--set", f"admin_user={administrator['username']}"),
            *("--set-file", f"admin_password={word}", "--json"),
            MOORING_CLOUD_PROVISION_SECRET=computer.provision_secret,
        )
        assert done.status == 0, done.err
        assert done.document["signed_in"]
        yield computer
    finally:
        computer.close()


@pytest.fixture(scope="module", params=["alone", "beside"])
def computer(request: pytest.FixtureRequest) -> Computer:
    found: Computer = request.getfixturevalue(request.param)
    return found


def result_of(ended: Ended) -> Any:
    assert ended.status == 0, ended.err
    return ended.lines[-1]


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_a_board_becomes_a_device_and_connects(
    bench: Bench, computer: Computer, delivery: str
) -> None:
    result = result_of(computer.provisioned(delivery))
    name = computer.device(delivery)
    assert (result["device"], result["delivery"], result["state"]) == (name, delivery, "done")
    assert bool(result["link"]) is (computer.home.name == "beside")  # of an administrator
    device = bench.devices[name]
    if delivery == "header":
        assert '"MARKER-network"' in computer.header.read_text()
        assert stat.S_IMODE(computer.header.stat().st_mode) == 0o600
        assert (result["connected"], device["last_seen"]) == (None, None)
    else:
        assert result["connected"] == "board"
        assert device["last_seen"] is not None


def test_what_they_were_given_is_in_the_vault(computer: Computer) -> None:
    made = {each: result_of(computer.provisioned(each)) for each in ("console", "header")}
    entries = {each["id"]: each for each in computer.run("vault", "--json").document["entries"]}
    states = {each: entries[result["entry"]] for each, result in made.items()}
    assert [each["state"] for each in states.values()] == ["proven", "pending"]
    assert [each["device"] for each in states.values()] == [computer.device(way) for way in made]
    assert {(each["cloud"], each["problem"]) for each in states.values()} == {("thingsboard", "")}


def test_without_a_board_there_is_an_image_for_one(bench: Bench, beside: Computer) -> None:
    file = beside.home / "unit-1.bin"
    words = ("provision", "--cloud", "thingsboard", "--nvs", str(file))
    assert beside.run(*words).status == 2
    made = result_of(beside.run(*words, "--name", "unit-1", "--json"))
    assert (made["device"], made["board"], made["nvs"]) == ("unit-1", "", str(file))
    assert file.stat().st_size == 20 * 1024
    restored = beside.run("vault", "restore", made["entry"])
    assert (restored.status, "BOARD: is missing" in restored.err) == (2, True)
    no_board = beside.run("provision", "--cloud", "thingsboard", "--name", "unit-2")
    assert (no_board.status, "Missing argument 'BOARD'" in no_board.err) == (2, True)
    assert "unit-2" not in bench.devices


def test_a_wrong_secret_is_refused_and_not_kept(bench: Bench) -> None:
    somebody = Computer(bench, "somebody")
    refused = somebody.run(*somebody.login, "--password-stdin", "--json", stdin="MARKER-no\n")
    assert (refused.status, refused.document["error"]["code"]) == (4, "enrol-key")
    assert not list(somebody.home.rglob("accounts.json"))


def test_an_administrator_is_told_how_the_profile_decides(bench: Bench) -> None:
    told = Computer(bench, "told")
    administrator = bench.account["administrator"]
    done = told.run(
        *(*told.login, "--set", f"admin_user={administrator['username']}", "--password-stdin"),
        stdin=f"{told.provision_secret}\n{administrator['password']}\n",
    )
    assert done.status == 0, done.err
    assert "makes a device under a name that nobody has" in done.out


def test_a_wrong_wifi_password_is_said_by_the_board(bench: Bench, beside: Computer) -> None:
    failed = beside.provision("console", "--name", "unlucky", "--yes", password=WRONG)
    assert failed.status == 1
    cause = failed.lines[-1]["error"]["facts"]["cause"]
    assert "does not get to ThingsBoard over MARKER-network" in cause
    assert bench.devices["unlucky"]["last_seen"] is None


def test_a_board_that_is_a_device_already_is_taken_with_a_word_only(
    bench: Bench, beside: Computer
) -> None:
    result_of(beside.provisioned("repl"))
    refused = beside.provision("repl", "--name", "another")
    assert refused.status == 2
    assert "beside-repl" in refused.err
    assert "another" not in bench.devices


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--set", "provision_secret=MARKER"), "never given as an argument"),
        (("--set", "nothing=MARKER"), "is not one of server"),
        (("--set-file", "server"), "FIELD=FILE"),
        (("--set-file", "nothing=MARKER"), "is not one of server"),
    ],
)
def test_a_field_that_is_not_given_rightly_is_refused(
    beside: Computer, words: tuple[str, ...], told: str
) -> None:
    refused = beside.run("cloud", "login", "thingsboard", *words)
    assert refused.status == 2
    assert told in refused.err
    assert "MARKER" not in refused.err


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("no-such-board", "--cloud", "thingsboard"), 3),
        (("CONSOLE-1", "--cloud", "thingsboard", "--name", "n" * 300), 2),
    ],
    ids=["no board", "a name of 300 characters"],
)
def test_what_is_wrong_in_a_command_is_refused_before_anything_is_made(
    bench: Bench, beside: Computer, words: tuple[str, ...], status: int
) -> None:
    before = set(bench.devices)
    assert beside.run("provision", *words).status == status
    assert set(bench.devices) == before


def test_no_secret_is_found_in_what_all_this_leaves(
    bench: Bench, alone: Computer, beside: Computer
) -> None:
    for computer in (alone, beside):
        done = [result_of(computer.provisioned(delivery)) for delivery in ("console", "nvs")]
        secrets = list(bench.secrets)
        for result in done:
            words = ("vault", "show", result["entry"], "--reveal", "--yes", "--json")
            shown = computer.run(*words, kept=False).document
            secrets.append(shown["settings"]["credentials"]["token"])
        places = {"a report": computer.run("report", "-").out.encode()}
        places["command lines"] = "\n".join(computer.lines.seen).encode()
        assert b"esptool" in places["command lines"]
        computer.close()
        places["outputs"] = "".join(each.out + each.err for each in computer.outputs).encode()
        for file in computer.home.rglob("*"):
            if file.is_file() and file.name not in {"accounts.json", computer.header.name}:
                places[file.name] = file.read_bytes()
        assert "journal.sqlite3" in places
        assert computer is alone or any(name.endswith(".log") for name in places)
        for place, data in places.items():
            for secret in secrets:
                require_absent(secret, data, place)
