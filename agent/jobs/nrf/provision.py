"""A board comes into nRF Cloud: READING, CLAIMING, FOLLOWING, ONLINE.

A board that is elsewhere is claimed by its token, and then only waited for. From CLAIMING on nothing
is undone: the claim stays, each end says so, and the same job goes on from there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from agent.errors import CloudError, NrfClaimedOther, NrfClaimUnsure, Unreachable
from agent.jobs import questions
from agent.jobs.effects import Answered, Done, Entered, Event, Failed, Learn, LimitReached
from agent.jobs.job import StepState
from agent.jobs.machine import LIMIT, Rule
from agent.jobs.nrf import facts, words
from agent.jobs.nrf.effects import (
    ClaimBoard,
    EnsureRule,
    LookAtDevice,
    LookForRule,
    RenameDevice,
    TryClaim,
    WaitRecord,
    WatchCommands,
)
from agent.jobs.nrf.following import STEP_FOLLOW, NrfFollowing
from agent.jobs.nrf.reading import STEP_READ
from agent.jobs.states import State
from agent.protocols.nrf.bodies import ONBOARDING_TAG, portal_link
from agent.protocols.nrf.commands import Progress
from agent.settings import clean_text

if TYPE_CHECKING:
    from agent.clouds.nrf.claiming import ClaimOutcome
    from agent.errors import MooringError
    from agent.jobs.nrf.effects import DeviceLook
    from agent.jobs.nrf.reading import NrfOrder
    from agent.protocols.nrf.answers import DeviceRecord

STEP_CLAIM: Final = "claim"
STEP_ONLINE: Final = "online"
CLAIM_LIMIT_S: Final = 300.0
"""Rule, dry run and claim, each repeated with pauses, and what ``Retry-After`` asks for."""
ONLINE_LIMIT_S: Final = 720.0
"""The cloud is looked at for ten minutes, then a name and a list, each with repetitions."""
PROCEDURE: Final = "nrf"
IMEI_DIGITS: Final = 14
"""What follows is a check digit, or the version of the software."""


class NrfProvision(NrfFollowing):
    """Result: ``{device, device_id, cloud, link, claimed, tags, rule, commands, connected, …}``.

    ``claimed`` is ``now`` or ``before``; ``connected`` is ``board`` or ``cloud`` (who says so) or
    null; ``said_by`` is who said first that the commands are done, empty if nobody had to.
    """

    def __init__(self, order: NrfOrder, *, attended: bool) -> None:
        super().__init__(order, attended=attended)
        self.outcome: ClaimOutcome | None = None
        self.rule: str | None = None
        self._known: frozenset[str] = frozenset()
        self._onboarded = False
        self._record_id = ""
        """In device management: the device id, or as older firmware says it."""
        self._sure = True
        self.rules |= {
            State.CLAIMING: Rule(self._claiming, CLAIM_LIMIT_S, self._unclaimed, self._cancelled),
            State.ONLINE: Rule(self._online_now, ONLINE_LIMIT_S, self._troubled, self._skip),
        }

    reading = "Read the board and its token"

    @property
    def following(self) -> str:  # type: ignore[override]  # the cloud's name is in it
        """Title of the third step."""
        return f"Let the board do what {self.order.title} wants"

    @property
    def plan(self) -> list[tuple[str, str]]:
        """See the base class."""
        follow = [(STEP_FOLLOW, self.following)] if self.order.has_board else []
        return [
            (STEP_READ, self.reading if self.order.has_board else "Read the token"),
            (STEP_CLAIM, f"Claim it in {self.order.title}"),
            *follow,
            (STEP_ONLINE, f"See it in {self.order.title}"),
        ]

    @property
    def _safe(self) -> str:
        if not self._sure:
            return "It may be claimed by your team."
        return "It is claimed by your team, and stays so."

    def _read(self) -> None:
        chip = self.token.chip_name if self.token is not None else ""
        self._complete(f"device id {self.device_id}" + (f", {chip}" if chip else ""))
        self._go(State.CLAIMING)

    # The claim -----------------------------------------------------------------------------------

    def _claiming(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin(STEP_CLAIM, f"Claim it in {self.order.title}")
                if ONBOARDING_TAG in self.order.tags:
                    self._do(EnsureRule(ONBOARDING_TAG))
                else:
                    self._try()
            case Done(EnsureRule(), rule):
                self.rule = rule
                if rule == "inactive":
                    self.notes.append(words.INACTIVE.format(tag=ONBOARDING_TAG))
                self._try()
            case Done(TryClaim(), None) if self._may_lack_rule:
                self._do(LookForRule(self.order.tags))
            case Done(TryClaim(), None) | Failed(LookForRule()) | Done(LookForRule(), True):
                self._claim()
            case Done(LookForRule()) if self.attended:
                self._ask(words.no_rule(self.order.title, self.order.tags))
            case Done(LookForRule()) | Answered(questions.KEEP):
                self._timer(LIMIT, CLAIM_LIMIT_S)
                self.notes.append(words.NO_RULE.format(tags=words.tag_words(self.order.tags)))
                self._claim()
            case Answered(questions.CONTINUE):
                self._timer(LIMIT, CLAIM_LIMIT_S)
                self.order = replace(self.order, tags=(*self.order.tags, ONBOARDING_TAG))
                self._do(EnsureRule(ONBOARDING_TAG))
            case Answered():
                self._stop()
            case Done(TryClaim() | ClaimBoard(), outcome):
                self._has_claim(outcome)
            case Done(LookAtDevice(), look):
                self._known_before(look)
            case Failed(LookAtDevice()):
                self._has_looked()
            case LimitReached() if self._claims:
                detail = f"There was no answer within {CLAIM_LIMIT_S:.0f} s."
                self._unclaimed(
                    NrfClaimUnsure(cloud=self.order.title, device=self.device_id, detail=detail)
                )
            case LimitReached():
                detail = f"It took longer than {CLAIM_LIMIT_S:.0f} s."
                self._unclaimed(Unreachable(cloud=self.order.title, detail=detail))
            case _:
                return False
        return True

    @property
    def _may_lack_rule(self) -> bool:
        """A claim keeps its tags, and a board that is here is waited for: its commands come by them."""
        return self.order.has_board and ONBOARDING_TAG not in self.order.tags

    @property
    def _claims(self) -> bool:
        return any(isinstance(each, ClaimBoard) for each in self._waiting)

    def _try(self) -> None:
        assert self.token is not None  # noqa: S101 - there is no way here without one
        self._say("Asking whether it can be claimed")
        self._do(TryClaim(self.token, self.order.tags))

    def _claim(self) -> None:
        assert self.token is not None  # noqa: S101 - there is no way here without one
        self._say("Claiming it")
        self._note_claim()
        self._do(ClaimBoard(self.token, self.order.tags))

    def _note_claim(self) -> None:
        self._record(facts.CLAIMING, **self._about)

    def _cancelled(self) -> None:
        """What was sent has its own end, which is told; nothing else was begun."""
        if self._claims:
            self._say("Waiting for what becomes of the claim that was sent")
        elif self.outcome is not None:
            self._give_up()
        else:
            self._stop()

    def _unclaimed(self, error: MooringError) -> None:
        """Refused, so that nothing is left, or not known."""
        if self.outcome is not None:
            self._give_up(error)
            return
        self._sure = not _maybe_claimed(error)
        if self._sure:
            self._settle()
        self._fail(error)

    def _has_claim(self, outcome: ClaimOutcome) -> None:
        if outcome.before:
            self._note_claim()
        self.outcome = outcome
        self.claimed_imei = outcome.device.imei
        self._record(facts.CLAIMED, before=outcome.before)
        if outcome.missing_tags:
            lacks = clean_text(", ".join(outcome.missing_tags))
            self.notes.append(words.TAGS_LACK.format(tags=lacks))
        if other := self._claimed_other(outcome):
            self._give_up(other)
        elif self.stopped:
            self._give_up()
        elif outcome.before:
            self._do(LookAtDevice(self.device_id, self.imei))
        else:
            self._has_looked()

    def _claimed_other(self, outcome: ClaimOutcome) -> NrfClaimedOther | None:
        """Of a token that was given for a board here, which itself says nothing of whose it is."""
        given = self.token is self.order.token
        if self.modem is None or not given or self.modem.board.device_id:
            return None
        claimed, here = outcome.device.imei.strip(), self.modem.board.imei.strip()
        if not (claimed and here):
            self.notes.append(words.UNCHECKED)
        elif claimed[:IMEI_DIGITS] != here[:IMEI_DIGITS]:
            return NrfClaimedOther(imei=clean_text(claimed), found_board=clean_text(here))
        return None

    def _known_before(self, look: DeviceLook) -> None:
        waiting = [each for each in look.commands if each.progress is Progress.WAITING]
        if waiting or look.record is None:
            # The board stops in front of what failed.
            waiting += [each for each in look.commands if each.progress is Progress.FAILED]
        self.commands = look.commands
        self._known = frozenset(each.id for each in look.commands) - {each.id for each in waiting}
        self._onboarded = look.record is not None and not waiting
        self._has_looked()

    def _has_looked(self) -> None:
        before = self.outcome is not None and self.outcome.before
        self._complete("your team had it before" if before else "your team has it now")
        if self._onboarded or not self.order.has_board:
            self._go(State.ONLINE)
        else:
            self._go(State.FOLLOWING)

    # The board does its commands -----------------------------------------------------------------

    def _looking_for(self) -> WatchCommands:
        return WatchCommands(self.device_id, self._known, self.imei)

    def _followed(self) -> None:
        # What the cloud said before the board was through is old by now.
        by_cloud = self.said_by == "cloud"
        self._complete(words.count_words(self.commands) if by_cloud else words.THROUGH)
        self._go(State.ONLINE)

    # The device ----------------------------------------------------------------------------------

    def _online_now(self, event: Event) -> bool:
        match event:
            case Entered():
                self._begin(STEP_ONLINE, f"See it in {self.order.title}")
                if not self.order.has_board:
                    self._say("Waiting until the board comes online; you need not wait for it")
                self._do(WaitRecord(self.device_id, self.imei))
            case Done(WaitRecord(), record):
                self._has_record(record)
                self._do(LookAtDevice(self.device_id, self.imei))
                if self.order.name:
                    self._do(RenameDevice(self._record_id, self.order.name))
            case Done(LookAtDevice(), look):
                self.commands = look.commands
                self._when_all_came()
            case Failed(RenameDevice() | LookAtDevice(), error):
                self.notes.append(error.report().title)
                self._when_all_came()
            case Done(RenameDevice()):
                self._when_all_came()
            case LimitReached() if self._onboarded:
                self._done()
            case _:
                return self._advanced(event)
        return True

    def _has_record(self, record: DeviceRecord) -> None:
        self._onboarded = True
        self._record_id = clean_text(record.id)
        self.notes += words.older_notes(record.id, self.device_id, self.order.title)
        self._complete(f"device {self._record_id}")

    def _when_all_came(self) -> None:
        if not self._waiting:
            self._done()

    def _skip(self) -> None:
        """Nobody has to wait for a board that is elsewhere; a device that is there is there."""
        interrupted = self.stopped is not None and self.stopped.interrupted
        if self._onboarded:
            self._done()
        elif self.order.has_board or interrupted:
            self._give_up()
        else:
            self._complete("not waited for", StepState.SKIPPED)
            self._done()

    def _on_again(self) -> None:
        if self.said_by or not self.order.has_board:
            self._go(State.ONLINE)
        else:
            super()._on_again()

    @property
    def _retry(self) -> str:
        return "Wait once more" if self.said_by or not self.order.has_board else super()._retry

    # The end -------------------------------------------------------------------------------------

    def _done(self) -> None:
        outcome = self.outcome
        assert outcome is not None  # noqa: S101 - there is no way here without one
        connected = "cloud" if self._onboarded else None
        result: dict[str, Any] = {
            "device": self.order.name or self._record_id or self.device_id,
            "device_id": self.device_id,
            "cloud": self.order.cloud,
            "link": portal_link(self.order.portal, self._record_id),
            "claimed": "before" if outcome.before else "now",
            "tags": [clean_text(tag) for tag in outcome.device.tags],
            "rule": self.rule,
            "commands": words.shown_commands(self.commands),
            "connected": "board" if self._online and self._onboarded else connected,
            "said_by": self.said_by,
            "procedure": PROCEDURE,
            "seconds": self._seconds(),
            "notes": self.notes,
        }
        if self.order.name and self.order.has_board:
            self._effects.append(Learn(name=self.order.name))
        self._settle(result)
        self._close(result=result)


def _maybe_claimed(error: MooringError) -> bool:
    return isinstance(error, CloudError) and error.facts.get("maybe_done") is True
