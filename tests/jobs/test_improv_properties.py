"""Whatever fails and whoever cancels: each path of a job for a device of Improv Wi-Fi ends, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from agent.errors import AuthorisationNeeded, ImprovSilent, StatusReported
from agent.jobs import effects as fx
from agent.jobs.blink import Blink
from agent.jobs.flash_effects import AskBoard
from agent.jobs.identify import Identify
from agent.jobs.improv import ImprovOrder, JoinImprov
from agent.jobs.job import JobState
from agent.jobs.look_first import LookFirst
from agent.jobs.which import BoardSays
from agent.sessions.session import BoardFacts, ImprovDevice
from tests.jobs.drive import Drive
from tests.jobs.samples import BOARD_ERRORS, NETWORK_ERRORS, option, wifi
from tests.jobs.test_machine_properties import ModelCloud, run_out, step

if TYPE_CHECKING:
    from agent.jobs.machine import Machine

IMPROV_ERRORS = [
    AuthorisationNeeded(),
    ImprovSilent(seconds=3, why="Nothing came."),
    StatusReported(status=255, name="UNKNOWN", text="It does not say.", action="Reset it."),
]
DEVICES = [None, ImprovDevice(name="lamp"), ImprovDevice(name="lamp", hardware="esp32")]


def answer(drive: Drive, _: ModelCloud, request: fx.Request, data: st.DataObject) -> None:
    if data.draw(st.integers(0, 3)):
        drive.done(type(request), value_of(request, data))
        return
    errors = [*BOARD_ERRORS, *IMPROV_ERRORS]
    errors += NETWORK_ERRORS * 4 if isinstance(request, fx.Configure) else []
    drive.fail(type(request), data.draw(st.sampled_from(errors)))


def value_of(request: fx.Request, data: st.DataObject) -> Any:
    match request:
        case fx.ReadBoard():
            return BoardFacts(
                protocol="improv",
                online=data.draw(st.booleans()),
                scans=data.draw(st.booleans()),
                networks=data.draw(st.sampled_from([[], [option("HomeNet")]])),
                device=data.draw(st.sampled_from(DEVICES)),
            )
        case fx.Scan():
            return [option("HomeNet")]
        case fx.Configure():
            return data.draw(st.sampled_from([None, "http://192.168.4.20"]))
        case AskBoard():
            return BoardSays(answer=data.draw(st.sampled_from(["2.0", "improv", "silence"])))
    return None


def machines(*, attended: bool, confirmed: bool) -> list[Machine]:
    order = ImprovOrder(board="lamp", confirmed=confirmed)

    def join() -> JoinImprov:
        return JoinImprov(order, wifi(), attended=attended)

    return [
        join(),
        LookFirst(join(), None, attended=attended),
        LookFirst(join(), Identify(attended=attended), attended=attended),
        Blink(attended=attended),
    ]


@given(
    data=st.data(),
    attended=st.booleans(),
    confirmed=st.booleans(),
    kind=st.sampled_from(range(4)),
    via=st.sampled_from(["usb", "ble"]),
)
def test_each_path_ends_and_settings_are_sent_only_after_it_was_noted(
    data, attended, confirmed, kind, via
):
    machine = machines(attended=attended, confirmed=confirmed)[kind]
    machine.via = via
    drive = Drive(machine)
    for _ in range(data.draw(st.integers(0, 40))):
        if drive.finish is None:
            step(drive, ModelCloud(), data, answer)
    run_out(drive)
    sent = [each for each in drive.asked if isinstance(each, fx.Configure)]
    assert len(drive.facts) == len(sent)
    assert drive.finish
    if drive.finish.state is JobState.DONE and kind == 0:
        assert sent
