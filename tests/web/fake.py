"""An agent that does as the test says: the interface of the bridge, without boards behind it.

What a page does at the moments that are hard to reach with simulated boards is tested on it; its
models, decisions and fates are the real ones.
"""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any, Final

import msgspec

from agent.boards.board import Board, BoardState, Port, Provisioning
from agent.bridge.methods.boards import model_info
from agent.catalog import Catalog
from agent.errors import Examination
from agent.jobs.job import Action, Job, JobKind, JobState, Question, Step, StepState
from agent.jobs.which import BoardSays, CloudSays, decide
from agent.settings.network import network_schema
from tests.web.fake_settings import FakeSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from playwright.async_api import Page, WebSocketRoute

    from agent.errors import Finding, MooringError

ACCOUNT: Final = {
    "type": "object",
    "properties": {"client_id": {"type": "string", "title": "Client ID", "minLength": 1}},
    "required": ["client_id"],
}
DEVICE: Final = {
    "type": "object",
    "properties": {"name": {"type": "string", "title": "Device name", "minLength": 1}},
    "required": ["name"],
}
NOTHING: Final = {"type": "object", "properties": {}}
HOME: Final = {"ssid": "HomeNet", "ssid_hex": b"HomeNet".hex(), "rssi_dbm": -45}
OFFICE: Final = {"ssid": "Office", "ssid_hex": b"Office".hex(), "rssi_dbm": -71}

FLASH_STEPS: Final = [
    Step(id="fetch", name="Fetch and check the sketch"),
    Step(id="enter", name="Restart into the bootloader"),
    Step(id="write", name="Write and verify the sketch"),
    Step(id="restart", name="Start the new sketch"),
]
MIGRATE_STEPS: Final = [
    Step(id="look", name="Look at the board"),
    *FLASH_STEPS,
    Step(id="read", name="Read the board"),
    Step(id="check", name="Check the network"),
    Step(id="claim", name="Claim it in Arduino Cloud"),
    Step(id="settings", name="Send the settings"),
    Step(id="join", name="Join the network"),
    Step(id="online", name="Come online"),
]


SILENCE: Final = object()
"""An answer that does not come, or only by :meth:`FakeAgent.reply`."""


class Refusal(Exception):
    """An error that the agent answers with."""

    def __init__(self, code: str, title: str, **facts: Any) -> None:
        super().__init__(title)
        self.data = {
            "code": code,
            "title": title,
            "meaning": "Nothing was erased or sent; the board is as it was.",
            "remedy": "Choose a file that was built for this board.",
            "retryable": False,
            "facts": facts,
        }


class FakeAgent:
    """What the page talks to; tests put boards and jobs in and read what was called."""

    def __init__(self) -> None:
        self.catalog = Catalog.load()
        self.boards: dict[str, Board] = {}
        self.jobs: dict[str, Job] = {}
        self.says: dict[str, BoardSays] = {}
        """What boards answered, by id; decides the procedure."""
        self.old_devices: list[dict[str, str]] = []
        self.sketches: list[dict[str, Any]] = []
        self.files: dict[str, str] = {}
        self.signed_in = True
        self.more_clouds: list[Any] = []
        """Beside the usual two."""
        self.bluetooth: dict[str, Any] | None = None
        """What the radio of the computer is at; None: it is never used."""
        self.info: dict[str, Any] = {}
        """What it says of itself, otherwise than usual."""
        self.settings = FakeSettings()
        self.findings: list[Finding] = []
        """Of the doctor."""
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.uploads: dict[int, bytearray] = {}
        self.answer: dict[str, Callable[[dict[str, Any]], Any]] = {}
        """Instead of the usual answer of a method."""
        self._silent: dict[str, int] = {}
        self._socket: WebSocketRoute | None = None

    async def serve(self, page: Page) -> None:
        """Answer the WebSocket of this page."""
        await page.route_web_socket(re.compile(r"/rpc$"), self._accept)

    def board(
        self,
        model: str = "mkr_wifi_1010",
        number: int = 1,
        *,
        says: BoardSays | None = None,
        kind: Any = "serial",
        address: str = "",
        **fields: Any,
    ) -> Board:
        """Plug a board in."""
        found = self.catalog.get(model)
        serial = f"A1B2C3D4{number:04X}"
        port = Port(
            kind=kind,
            address=address or f"/dev/ttyACM{number}",
            serial_number=serial,
            simulated=True,
        )
        usual: dict[str, Any] = {
            "ports": [port],
            "name": found.name if found else "Unknown board",
            "model": found.id if found else None,
            "fqbn": found.fqbn if found else None,
            "provisioning": Provisioning(supported=list(found.provisioning) if found else []),
            "first_seen": time.time() - 300,
        }
        board = Board(id=f"{model}-{serial}", **(usual | fields))
        self.says[board.id] = says or BoardSays(answer="1.0")
        self.put(board)
        return board

    def heard(
        self,
        model: str | None = "uno_r4_wifi",
        number: int = 1,
        *,
        rssi_dbm: int = -60,
        cable: bool = False,
        blinks: bool = False,
        **fields: Any,
    ) -> Board:
        """A board is in the air, with ``cable`` on one as well; without a model an Improv device."""
        found = self.catalog.get(model) if model else None
        address = f"F412FA00{number:04X}"
        air = Port(
            kind="ble",
            address="ble://" + ":".join(re.findall("..", address)),
            serial_number=address,
            rssi_dbm=rssi_dbm,
            service="2.0" if found else "improv",
            blinks=blinks,
        )
        serial = Port(kind="serial", address=f"/dev/ttyACM{number}", serial_number=address)
        usual: dict[str, Any] = {
            "name": found.name if found else f"Lamp {number}",
            "model": found.id if found else None,
            "fqbn": found.fqbn if found else None,
            "via": "usb" if cable else "ble",
            "provisioning": Provisioning(
                supported=list(found.provisioning) if found else [],
                installed="2.0" if found else "improv",
            ),
            "first_seen": time.time() - 300,
        }
        name = f"{model}-{address}" if model else f"ble-{address}"
        board = Board(id=name, ports=[serial, air] if cable else [air], **(usual | fields))
        self.says[board.id] = BoardSays(answer="2.0", sketch_version="0.6.2")
        self.put(board)
        return board

    def at_signal(self, board: Board, rssi_dbm: int) -> Board:
        """It is heard like this from now on."""
        now = self.boards[board.id]
        ports = [
            msgspec.structs.replace(port, rssi_dbm=rssi_dbm) if port.kind == "ble" else port
            for port in now.ports
        ]
        self.put(changed := msgspec.structs.replace(now, ports=ports))
        return changed

    def gone(self, board: Board) -> None:
        """It is neither on a cable nor heard."""
        del self.boards[board.id]
        self.tell("boards.changed", {"vanished": [board.id]})

    def becomes(self, **info: Any) -> None:
        """From now on it says this of itself."""
        self.info |= info
        self.tell("agent.changed", self._agent_info({}))

    def radio(self, problem: MooringError | None = None) -> None:
        """This is wrong with the Bluetooth of the computer; None: nothing."""
        report = None if problem is None else problem.report()
        self.bluetooth = {"scanning": True, "problem": report}
        self.tell("bluetooth.changed", self.bluetooth)

    def old_board(self, model: str = "mkr_wifi_1010", number: int = 1, **fields: Any) -> Board:
        """Plug a board of provisioning 1.0 in."""
        installed = Provisioning(supported=["1.0", "2.0"], installed="1.0")
        return self.board(model, number, **({"provisioning": installed} | fields))

    def loader(self, model: str = "mkr_wifi_1010", number: int = 1, **fields: Any) -> Board:
        """Plug a board in that is in its bootloader."""
        says = BoardSays(answer="bootloader")
        return self.board(model, number, says=says, state=BoardState.BOOTLOADER, **fields)

    def put(self, board: Board) -> None:
        """A board appeared or changed."""
        known = board.id in self.boards
        self.boards[board.id] = board
        which = "changed" if known else "appeared"
        self.tell("boards.changed", {which: [board]})

    def job(self, board: Board, kind: str, steps: Sequence[Step], /, **fields: Any) -> Job:
        """A job begins."""
        usual: dict[str, Any] = {
            "title": f"Updating {board.name} to provisioning 2.0",
            "board": board.id,
            "board_name": board.name,
        }
        job = Job(
            id=f"j{len(self.jobs) + 1}",
            kind=JobKind(kind),
            created_at=time.time(),
            steps=list(steps),
            **(usual | fields),
        )
        self.jobs[job.id] = job
        self._tell(job)
        return job

    def change(self, job: str, **fields: Any) -> Job:
        """A job is another one from now on."""
        self.jobs[job] = msgspec.structs.replace(self.jobs[job], **fields)
        self._tell(self.jobs[job])
        return self.jobs[job]

    def at(self, job: str, step: str, *, progress: float | None = None, message: str = "") -> Job:
        """A job is at this step: those before it are done."""
        steps = self.jobs[job].steps
        place = [each.id for each in steps].index(step)
        now = time.time()
        done = [
            msgspec.structs.replace(each, state=StepState.DONE, started_at=now - 1, seconds=0.8)
            for each in steps[:place]
        ]
        begun = msgspec.structs.replace(
            steps[place],
            state=StepState.RUNNING,
            started_at=now,
            progress=progress,
            message=message,
        )
        return self.change(
            job, state=JobState.RUNNING, question=None, steps=[*done, begun, *steps[place + 1 :]]
        )

    def ask(self, job: str, step: str, *actions: Action, **fields: Any) -> Question:
        """A job asks at this step."""
        self.at(job, step)
        usual: dict[str, Any] = {"id": len(self.calls) + 1, "step": step, "title": "What now?"}
        question = Question(actions=list(actions), **(usual | fields))
        steps = [
            msgspec.structs.replace(each, state=StepState.ASKING) if each.id == step else each
            for each in self.jobs[job].steps
        ]
        self.change(job, state=JobState.ASKING, question=question, steps=steps)
        return question

    def end(self, job: str, result: dict[str, Any] | None = None, **fields: Any) -> Job:
        """A job is over; ``result`` makes it done."""
        steps = self.jobs[job].steps
        now = time.time()
        if result is not None:
            fields |= {"state": JobState.DONE, "result": result}
            steps = [
                msgspec.structs.replace(each, state=StepState.DONE, seconds=0.8, progress=None)
                for each in steps
            ]
        return self.change(job, ended_at=now, question=None, steps=steps, **fields)

    def called(self, method: str) -> list[dict[str, Any]]:
        """The parameters of all calls of a method."""
        return [params for name, params in self.calls if name == method]

    # The interface ---------------------------------------------------------------------------

    def _accept(self, socket: WebSocketRoute) -> None:
        self._socket = socket
        socket.on_message(self._receive)

    def _receive(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            self.uploads[message[0]] += message[1:]
            return
        request = json.loads(message)
        method, params = request["method"], request.get("params", {})
        if method != "agent.info":
            self.calls.append((method, params))
        try:
            handler = self.answer.get(method) or getattr(self, "_" + method.replace(".", "_"))
            result = handler(params)
            if result is SILENCE:
                self._silent[method] = request["id"]
                return
            answer: dict[str, Any] = {"result": result}
        except Refusal as refusal:
            answer = {"error": {"code": -32000, "message": str(refusal), "data": refusal.data}}
        self._send({"jsonrpc": "2.0", "id": request["id"], **answer})

    def _send(self, message: dict[str, Any]) -> None:
        if self._socket is not None:
            self._socket.send(msgspec.json.encode(message).decode())

    async def drop(self) -> None:
        """The connection breaks; the page makes a new one."""
        assert self._socket is not None
        await self._socket.close()

    def reply(self, method: str, result: Any) -> None:
        """The answer that was :data:`SILENCE` until now."""
        self._send({"jsonrpc": "2.0", "id": self._silent.pop(method), "result": result})

    def tell(self, method: str, params: dict[str, Any]) -> None:
        """Send a notification."""
        self._send({"jsonrpc": "2.0", "method": method, "params": params})

    def _tell(self, job: Job) -> None:
        self.tell("job.changed", {"job": job.id, "state": job.state, "snapshot": job})

    def _agent_info(self, _params: dict[str, Any]) -> Any:
        counts = {"boards": len(self.boards), "jobs": len(self.jobs)}
        told = {"name": "mooring", "version": "0", "protocol": 1, "platform": "linux"}
        can = {"capabilities": ["ble"] if self.bluetooth else []}
        return told | counts | can | {"simulated": True, "own": True, "notices": []} | self.info

    def _agent_subscribe(self, params: dict[str, Any]) -> Any:
        return self._agent_info(params)

    def _agent_resume(self, _params: dict[str, Any]) -> Any:
        self.becomes(paused=False, pausing=0)
        return self._agent_info({})

    def _agent_pause(self, _params: dict[str, Any]) -> Any:
        self.becomes(paused=True, pausing=0)
        return self._agent_info({})

    def _origins_subscribe(self, _params: dict[str, Any]) -> Any:
        return {"origins": [], "asking": [], "refused": [], "turned_away": []}

    def _origins_revoke(self, params: dict[str, Any]) -> Any:
        """Nobody is allowed, and nothing goes on."""
        return self._origins_subscribe(params) | {"jobs": []}

    def _origins_answer(self, params: dict[str, Any]) -> Any:
        return self._origins_subscribe(params)

    def _doctor_run(self, params: dict[str, Any]) -> Any:
        fixable = [finding for finding in self.findings if finding.fixable]
        fixed = fixable if params["fix"] else []
        self.findings = [finding for finding in self.findings if finding not in fixed]
        return Examination(findings=self.findings, fixed=fixed)

    def _settings_get(self, _params: dict[str, Any]) -> Any:
        return self.settings.document()

    def _settings_set(self, params: dict[str, Any]) -> Any:
        return self.settings.take(params["values"])

    def _report_make(self, _params: dict[str, Any]) -> Any:
        return {"name": "mooring-report-2026.txt", "text": "Mooring 0\nnothing else\n"}

    def _boards_subscribe(self, params: dict[str, Any]) -> Any:
        if self.bluetooth is not None:
            self.bluetooth["scanning"] = params["ble"]
        return {"boards": list(self.boards.values()), "bluetooth": self.bluetooth}

    def _jobs_subscribe(self, _params: dict[str, Any]) -> Any:
        return {"jobs": [job for job in self.jobs.values() if not job.state.final]}

    def _jobs_list(self, _params: dict[str, Any]) -> Any:
        return {"jobs": list(self.jobs.values())}

    def _jobs_get(self, params: dict[str, Any]) -> Any:
        return self.jobs[params["job"]]

    def _jobs_start(self, params: dict[str, Any]) -> Any:
        steps = FLASH_STEPS if params["kind"] == "flash" else MIGRATE_STEPS
        asked = {name: params[name] for name in ("cloud", "procedure", "name") if name in params}
        job = self.job(self.boards[params["board"]], params["kind"], steps, request=asked)
        return {"job": job.id}

    def _jobs_answer(self, _params: dict[str, Any]) -> Any:
        return {}

    def _jobs_cancel(self, _params: dict[str, Any]) -> Any:
        return {}

    def _jobs_file(self, params: dict[str, Any]) -> Any:
        if params["name"] not in self.files:
            raise Refusal("input", "The file is no longer kept.", field="name")
        return {"name": params["name"], "text": self.files[params["name"]]}

    def _models_list(self, _params: dict[str, Any]) -> Any:
        return {"models": [model_info(model) for model in self.catalog.models]}

    def _clouds_list(self, _params: dict[str, Any]) -> Any:
        account = {"signed_in": self.signed_in, "needs_account": True, "account_schema": ACCOUNT}
        arduino = {"id": "arduino", "title": "Arduino Cloud", "device_schema": DEVICE} | account
        free = {"signed_in": False, "needs_account": False, "account_schema": NOTHING}
        none = {"id": "none", "title": "No cloud: only the network", "device_schema": NOTHING}
        return {"clouds": [arduino, none | free, *self.more_clouds]}

    def _clouds_profile(self, _params: dict[str, Any]) -> Any:
        return {"profile": None}

    def _clouds_device(self, _params: dict[str, Any]) -> Any:
        return {"device": None}

    def _networks_schema(self, _params: dict[str, Any]) -> Any:
        return network_schema()

    def _networks_check(self, _params: dict[str, Any]) -> Any:
        return {"problems": [], "warnings": []}

    def _sketches_list(self, _params: dict[str, Any]) -> Any:
        return {"sketches": self.sketches}

    def _board_identify(self, params: dict[str, Any]) -> Any:
        raise Refusal("board-silent", "The board does not answer.", board=params["board"])

    def _board_blink(self, _params: dict[str, Any]) -> Any:
        return {}

    def _board_procedure(self, params: dict[str, Any]) -> Any:
        board = self.boards[params["board"]]
        known = params.get("model", board.model)
        model = self.catalog.get(known) if known else None
        v2 = "2.0" in model.provisioning if model else None
        cloud = CloudSays(v2=v2 if self.signed_in else None)
        decision = decide(model, cloud, self.says[board.id], wanted=params.get("procedure"))
        return msgspec.to_builtins(decision) | {"old_devices": self.old_devices}

    def _flash_offer(self, _params: dict[str, Any]) -> Any:
        number = len(self.uploads) + 1
        self.uploads[number] = bytearray()
        return {"image": number}
