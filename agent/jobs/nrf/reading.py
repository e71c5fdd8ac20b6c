"""READING and LISTENING: which port of the board answers, who it is, and its token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agent.errors import (
    MooringError,
    NrfNoAttestation,
    NrfTokenOfOther,
    OtherBoard,
    PortError,
)
from agent.jobs import questions
from agent.jobs.effects import (
    Advanced,
    Answered,
    Done,
    Entered,
    Event,
    Failed,
    Learn,
    WaitBoardBack,
)
from agent.jobs.machine import Machine, Rule
from agent.jobs.nrf import words
from agent.jobs.nrf.effects import CatchToken, OpenModem, ReadToken
from agent.jobs.states import State
from agent.settings import clean_text

if TYPE_CHECKING:
    from agent.clouds.nrf.listing import TeamDevice
    from agent.jobs.nrf.effects import Modem
    from agent.protocols.nrf.token import AttestationToken

INSTALLED: Final = "nrf"
"""What is remembered of boards that have given a token."""
STEP_READ: Final = "read"
READ_LIMIT_S: Final = 150.0
"""Three rounds of two questions, 2 s each, then four commands and up to three tokens of 15 s."""
CATCH_S: Final = 120.0
"""A board that was restarted looks for a network first; then the service refuses it."""
LISTEN_LIMIT_S: Final = 2 * CATCH_S
ABSENT: Final = "absent"
"""What a modem without SIM card is told by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NrfOrder:
    """What a procedure needs to know before it begins."""

    board: str
    """What people call it; empty: it is elsewhere."""
    cloud: str
    title: str
    """Of the cloud."""
    name: str = ""
    """What the device is called; empty: by its id."""
    tags: tuple[str, ...] = ()
    token: AttestationToken | None = None
    """Of a board that is elsewhere, or whose firmware gives none."""
    device_id: str = ""
    """Of a board that is not here."""
    wanted: str = ""
    """The same where it is not known by its device id: a name, an IMEI, the beginning of the id."""
    portal: str = ""
    """What a link to a device begins with; empty: there is no portal."""
    confirmed: bool = False
    has_board: bool = True


class NrfReading(Machine):
    """What all procedures begin with; subclasses go on in :meth:`_read`."""

    reading = "Read the board"
    """Title of the first step."""
    needs_token = True
    """Without a token from the board it cannot go on."""

    def __init__(self, order: NrfOrder, *, attended: bool) -> None:
        super().__init__(attended=attended)
        self.order = order
        self.modem: Modem | None = None
        self.token: AttestationToken | None = None
        self.device_id = order.device_id
        self.claimed_imei = ""
        self.named = ""
        """What the cloud calls a device that was looked for."""
        self.notes: list[str] = []
        self.began = 0.0
        self._without: MooringError = NrfNoAttestation()
        self.rules = {
            State.READING: Rule(self._reading, READ_LIMIT_S, self._fail, self._stop),
            State.LISTENING: Rule(self._listening, LISTEN_LIMIT_S, self._fail, self._stop),
            State.CLOSING: self._closing_rule(),
        }

    @property
    def _shown(self) -> str:
        """What people call the device."""
        if not self.order.has_board and self.order.wanted and self.device_id:
            return self.named or self.device_id
        return clean_text(self.order.name or self.order.board) or self.device_id

    @property
    def imei(self) -> str:
        """Of the board here, or what its claim says; empty: not known."""
        return (self.modem.board.imei if self.modem is not None else "") or self.claimed_imei

    @property
    def _about(self) -> dict[str, str]:
        """What the journal says of the device before anything is done in the cloud."""
        return {
            "cloud": self.order.cloud,
            "title": self.order.title,
            "name": self._shown,
            "device_id": self.device_id,
            "imei": self.imei,
            "portal": self.order.portal,
        }

    def _found(self, device: TeamDevice) -> None:
        """A device that was looked for; :class:`NrfUnclaimed` is the caller's."""
        self.device_id = device.id
        self.claimed_imei, self.named = device.imei, clean_text(device.name)

    def _read(self) -> None:
        """The device id is known, and the token if it is needed; leaves the state."""
        raise NotImplementedError

    def _reading(self, event: Event) -> bool:
        match event:
            case Entered():
                self.began = self.began or self.now
                self._begin(STEP_READ, self.reading)
                if self.order.has_board:
                    self._say("Asking its ports")
                    self._do(OpenModem())
                else:
                    self._use(self.order.token)
            case Done(OpenModem(), modem):
                self._opened(modem)
                self._do(ReadToken())
            case Done(ReadToken(), token):
                self._proved(token)
            case Failed(ReadToken(), error) if self._settle_without(error):
                pass
            case Answered(questions.CONTINUE):
                self._go(State.LISTENING)
            case Answered() if self.attended:
                self._stop()
            case Answered():
                self._fail(self._without)
            case _:
                return False
        return True

    def _listening(self, event: Event) -> bool:
        """The person restarts the board; a board on its USB power goes away with that."""
        match event:
            case Entered():
                self._say("Restart the board now; listening for its token")
                self._do(CatchToken(CATCH_S))
            case Done(CatchToken(), None):
                self._fail(self._without)
            case Done(CatchToken(), token):
                self._proved(token)
            case Failed(CatchToken() | OpenModem(), PortError()):
                self._say("The board restarts")
                self._do(WaitBoardBack(CATCH_S))
            case Done(WaitBoardBack()):
                self._do(OpenModem())
            case Done(OpenModem(), modem) if other := self._other(modem):
                self._fail(other)
            case Done(OpenModem(), modem):
                self._opened(modem)
                self._do(CatchToken(CATCH_S))
            case _:
                return False
        return True

    def _opened(self, modem: Modem) -> None:
        self.modem = modem
        self._say(words.modem_words(modem))
        if modem.board.sim == ABSENT and words.NO_SIM not in self.notes:
            self.notes.append(words.NO_SIM)

    def _other(self, modem: Modem) -> OtherBoard | None:
        """Of a board that came back: another one may be in its socket, where only that is known."""
        before = self.modem.board if self.modem is not None else modem.board
        now = modem.board
        for first, second in ((before.imei, now.imei), (before.device_id, now.device_id)):
            if first and second and first != second:
                return OtherBoard(expected_board=clean_text(first), found_board=clean_text(second))
        return None

    def _proved(self, token: AttestationToken) -> None:
        """Other modems answer AT commands as well; only these have such tokens."""
        self._effects.append(Learn(installed=INSTALLED))
        self._use(token)

    def _settle_without(self, error: MooringError) -> bool:
        """What to do with a board that gives no token; False: nothing but to fail."""
        pasted = self.order.token
        told = self.modem.board.device_id if self.modem is not None else ""
        if isinstance(error, PortError):
            return False
        if pasted is not None:
            self._use(pasted)
        elif not self.needs_token and told:
            self.device_id = told
            self._read()
        elif isinstance(error, NrfNoAttestation):
            self._without = error
            self._ask(words.restart_for_token(error, self._shown))
        else:
            return False
        return True

    def _use(self, token: AttestationToken | None) -> None:
        """The board's own token counts before one that was pasted, if both are of one device."""
        pasted = self.order.token
        told = (self.modem.board.device_id if self.modem is not None else "") or None
        device_id = token.device_id if token is not None else self.device_id
        others = {each.device_id for each in (pasted,) if each is not None} | ({told} - {None})
        if others - {device_id}:
            other = pasted.device_id if pasted is not None else device_id
            self._fail(NrfTokenOfOther(device=other, board=told or device_id))
            return
        self.token, self.device_id = token, device_id
        self._read()

    def _advanced(self, event: Event) -> bool:
        """A sentence of a request that takes long."""
        match event:
            case Advanced(message=message) if message:
                self._say(message)
            case Advanced():
                pass
            case _:
                return False
        return True

    def _seconds(self) -> float:
        return round(self.now - self.began, 3)
