"""An agent that kills itself at a given moment of a provisioning; started by ``test_crash.py``.

Reads a JSON object from standard input: folder, base_url, client_id, client_secret, moment, network;
air (its board is there and not on a cable); perhaps index (url and key of a list of sketches) and
request (what is asked for in addition).
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from agent.boards.service import BoardService
from agent.boards.simulated_ports import SimulatedPorts
from agent.catalog import Catalog
from agent.clouds.accounts import AccountStore
from agent.clouds.arduino import ArduinoCloud
from agent.clouds.none import NoCloud
from agent.flash.flashers import Flashers
from agent.jobs.journal import open_journal
from agent.jobs.opening import open_board_session
from agent.jobs.service import JobService
from agent.jobs.surroundings import Surroundings
from agent.links import touch as links
from tests.jobs.stores import sketches_in

if TYPE_CHECKING:
    from agent.jobs.job import JobChange


def die() -> None:
    """As a power cut of the process: nothing is flushed, nothing is closed."""
    if sys.platform == "win32":
        os._exit(9)
    os.kill(os.getpid(), signal.SIGKILL)


class Deadly:
    """Passes calls on to ``real`` and dies before or after the one that is due.

    Calls of ``part`` are named with it: ``devices.create``.
    """

    def __init__(self, real: Any, moment: str, part: str = "") -> None:
        self._real = real
        self._moment = moment
        self._part = part
        self._when, _, self._what = moment.partition(" ")

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if not asyncio.iscoroutinefunction(found):
            return found

        async def call(*args: Any, **kwargs: Any) -> Any:
            shown = " ".join(filter(None, [self._part + name, *(kind(arg) for arg in args)]))
            due = shown == self._what
            if due and self._when == "before":
                die()
            result = await found(*args, **kwargs)
            if due and self._when == "after":
                die()
            return result

        return call


class DeadlyCloud(Deadly):
    """The same for the calls of its devices."""

    async def devices(self) -> Any:
        return Deadly(await self._real.devices(), self._moment, "devices.")


class KnownIndex(NamedTuple):
    """What a store of sketches needs to know of a list."""

    index_url: str
    public_key: bytes


def kind(argument: Any) -> str:
    """What tells a call from another of its name: the kind of a fact, the state of a job."""
    state = getattr(argument, "state", None)
    return str(getattr(argument, "kind", "") if state is None else state.value)


def half_way(change: JobChange) -> str | None:
    """``during write`` and the like: a step that tells how far it is, about in its middle."""
    return f"during {change.step}" if 0.3 < (change.progress or 0.0) < 0.7 else None


async def in_the_air(catalog: Catalog, ports: Path) -> BoardService:
    """The boards, once one is heard that is not on a cable."""
    from agent.boards.ble_advert import SERVICES
    from agent.links.ble_radio import BleRadio
    from tests.jobs.air_bench import air_boards  # needs the D-Bus library, so Linux only

    boards = air_boards(catalog, ports, BleRadio(SERVICES))
    heard = asyncio.Event()
    boards.subscribe(lambda _: heard.set())
    await boards.start()
    boards.attend()
    while not any(board.via == "ble" for board in boards.list()):
        heard.clear()
        await heard.wait()
    return boards


async def main() -> None:
    given = json.loads(sys.stdin.readline())
    folder, moment = Path(given["folder"]), given["moment"]
    catalog = Catalog.load()
    toucher = Deadly(links, moment).touch
    if given["air"]:
        boards = await in_the_air(catalog, folder / "ports")
    else:
        boards = BoardService(catalog, [SimulatedPorts(folder / "ports")], toucher=toucher)
        await boards.start()
    store = AccountStore(folder / "accounts.json", use_keyring=False)
    arduino = ArduinoCloud(base_url=given["base_url"], accounts=store, catalog=catalog)
    await arduino.login({k: given[k] for k in ("client_id", "client_secret")})
    journal: Any = Deadly(await open_journal(folder / "journal.sqlite3"), moment)
    cloud: Any = DeadlyCloud(arduino, moment)
    index = given.get("index")
    listed = KnownIndex(index["url"], bytes.fromhex(index["key"])) if index else None

    async def opener(lease: Any, *, known: bool = False, flashed: bool = False) -> Any:
        return Deadly(await open_board_session(lease, known=known, flashed=flashed), moment)

    surroundings = Surroundings(
        boards=boards,
        open_board=opener,
        clouds={"arduino": cloud, "none": NoCloud()},
        journal=journal,
        flashers=Flashers(),
        sketches=Deadly(sketches_in(folder, arduino, listed), moment),
    )
    jobs = JobService(surroundings, catalog)
    jobs.subscribe(lambda change: die() if moment == half_way(change) else None)
    await jobs.start_up()
    request = {
        "kind": "provision",
        "board": next(each.id for each in boards.list() if (each.via == "ble") is given["air"]),
        "cloud": "arduino",
        "name": "kitchen-sensor",
        "network": given["network"],
    } | given.get("request", {})
    job = await jobs.wait(await jobs.start(request, attended=True))
    print(job.state.value)


if __name__ == "__main__":
    asyncio.run(main())
