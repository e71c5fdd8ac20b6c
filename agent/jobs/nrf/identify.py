"""Identify a board with an nRF91: which port answers, what its modem is, whose it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from agent.jobs.effects import Done, Entered, Event, Failed, LimitReached
from agent.jobs.machine import Rule
from agent.jobs.nrf.effects import LookClaimed, LookForRecord, ReadToken
from agent.jobs.nrf.reading import INSTALLED, STEP_READ, NrfReading
from agent.jobs.states import State
from agent.protocols.nrf.bodies import portal_link
from agent.sessions.session import BoardFacts, ModemFacts
from agent.settings import clean_text

if TYPE_CHECKING:
    from agent.jobs.nrf.reading import NrfOrder
    from agent.protocols.nrf.answers import ClaimedDevice, DeviceRecord

LOOK_LIMIT_S = 60.0
"""Three questions to the cloud, with their repetitions; the result does not depend on them."""


class NrfIdentify(NrfReading):
    """Result: the fields of :class:`agent.sessions.session.BoardFacts` with ``modem``; ``notes``."""

    needs_token = False

    def __init__(
        self, order: NrfOrder, *, signed_in: bool, attended: bool, foreign: bool = False
    ) -> None:
        """``signed_in``: the team may be asked; ``foreign``: the IMEI is not told either."""
        super().__init__(order, attended=attended)
        self._signed_in = signed_in
        self._foreign = foreign
        self._claim: ClaimedDevice | None = None
        self.rules |= {
            State.LOOKING: Rule(self._looking, LOOK_LIMIT_S, self._fail, self._stop),
        }

    @property
    def plan(self) -> list[tuple[str, str]]:
        """See the base class."""
        return [(STEP_READ, self.reading)]

    def _reading(self, event: Event) -> bool:
        match event:
            case Failed(ReadToken(), error) if self.modem is not None:
                # The rest is known without; who claims the board is told why in full.
                self.notes.append(error.report().title)
                self.device_id = self.modem.board.device_id
                self._read()
                return True
        return super()._reading(event)

    def _read(self) -> None:
        if self._signed_in and self.device_id:
            self._go(State.LOOKING)
        else:
            self._tell(None)

    def _looking(self, event: Event) -> bool:
        match event:
            case Entered():
                self._say(f"Asking {self.order.title} whether your team has it")
                self._do(LookClaimed(self.device_id))
            case Done(LookClaimed(), None):
                self._tell(None, asked=True)
            case Done(LookClaimed(), found):
                self._claim, self.claimed_imei = found, found.imei
                self._do(LookForRecord(self.device_id, self.imei))
            case Done(LookForRecord(), record):
                self._tell(self._claim, asked=True, record=record, onboarded=record is not None)
            case Failed(LookClaimed() | LookForRecord(), error):
                self.notes.append(error.report().title)
                self._tell(self._claim, asked=self._claim is not None)
            case LimitReached():
                self._tell(self._claim, asked=self._claim is not None)
            case _:
                return False
        return True

    def _tell(
        self,
        found: ClaimedDevice | None,
        *,
        asked: bool = False,
        record: DeviceRecord | None = None,
        onboarded: bool | None = None,
    ) -> None:
        modem, token = self.modem, self.token
        assert modem is not None  # noqa: S101 - there is no way here without one
        self._complete(f"device id {self.device_id}" if self.device_id else "")
        board = modem.board
        facts = ModemFacts(
            dialect=board.dialect,
            port=modem.port,
            imei="" if self._foreign else clean_text(board.imei),
            model=clean_text(board.model),
            firmware=clean_text(board.modem_firmware),
            chip=token.chip_name if token is not None else "",
            device_id=self.device_id,
            sim=clean_text(board.sim),
            claimed=found is not None if asked else None,
            tags=[clean_text(tag) for tag in found.tags] if found is not None else [],
            onboarded=onboarded,
            link=portal_link(self.order.portal, record.id) if record is not None else "",
        )
        said = BoardFacts(protocol=INSTALLED, scans=False, modem=facts)
        result: dict[str, Any] = msgspec.to_builtins(said) | {"notes": self.notes}
        self._close(result=result)
