"""The client's side of Improv Wi-Fi as a machine without I/O, without a clock, without a carrier.

Begin with :meth:`HostMachine.start`; send what :meth:`HostMachine.take_writes` returns, hand over
each message with the time, call :meth:`HostMachine.tick` at :attr:`HostMachine.next_deadline`;
done when :attr:`HostMachine.outcome` is set. One command at a time: devices handle no two.

Devices differ from the specification and from each other; what is done about it is named where it
is done. Looked at: ESPHome, WLED 01b1c51, Tasmota 8a08895, Improv-WiFi-Library 0e9116e, the SDKs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal, TypeAlias

from agent.protocols.improv.messages import (
    Command,
    CurrentState,
    Error,
    ErrorState,
    Message,
    Rpc,
    RpcResult,
    State,
    wifi_settings,
)

Carrier: TypeAlias = Literal["serial", "ble"]

STATE_EVERY_S: Final = 1.0
"""Between two requests for the state while a device may still start; the SDK's is the same."""
ANSWER_LIMIT_S: Final = 3.0
"""For an answer that needs no radio; devices answer between two turns of their loop, and turns of
some seconds happen (LED effects, blocking scans)."""
SCAN_LIMIT_S: Final = 15.0
"""For the first network: Tasmota and WLED scan only now, which takes 2-6 s, 10 s while joined."""
SCAN_NEXT_S: Final = 3.0
"""For the next one: the list is complete by then and is sent without a pause."""
JOIN_LIMIT_S: Final = 45.0
"""Devices give up after 30 s and say so; Tasmota restarts before it tries."""
JOIN_HEARD_S: Final = 5.0
"""For the first sign that the settings arrived, before the device is asked. They are not sent
again: a device that joins without a word would join twice, and its second result would be taken
for that of the next command."""
RESULT_GRACE_S: Final = 2.0
"""For the address behind the state "provisioned"; devices send it at once, or have none."""
BACK_GRACE_S: Final = 1.0
"""For the error around the end of an attempt: ESPHome sends it before the state, others behind."""
TRIES: Final = 3
RESULTS_LIMIT: Final = 256
"""Results kept of one command; more are forgotten and do not lengthen the wait for the last."""


class Ends(Enum):
    """What ends a command."""

    STATE = "state"
    """The state, and if that is "provisioned" the address behind it."""
    RESULT = "result"
    """One result."""
    EMPTY_RESULT = "empty result"
    """Results until one without strings."""
    JOINED = "joined"
    """The result of an attempt to join, or what shows that there was one."""
    WRITTEN = "written"
    """Nothing comes back."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One command, what ends it, and how long a silence may last."""

    rpc: Rpc
    ends: Ends = Ends.RESULT
    limit_s: float = ANSWER_LIMIT_S
    tries: int = TRIES
    """How often it is sent; above 1 only for what may be carried out twice."""


class Reason(Enum):
    """Why a command failed."""

    SILENT = "silent"
    """Nothing came in time."""
    REFUSED = "refused"
    """The device reported an error."""


@dataclass(frozen=True, slots=True)
class Done:
    """The strings of each result, in order, without the empty one that ends a list."""

    results: tuple[tuple[bytes, ...], ...] = ()

    @property
    def first(self) -> bytes | None:
        """The first string: the address, the name."""
        return next((strings[0] for strings in self.results if strings), None)


@dataclass(frozen=True, slots=True)
class Failed:
    """No result; ``error`` is the device's number if it reported one."""

    reason: Reason
    error: int = Error.NONE
    seconds: float = 0.0
    """How long it was silent."""


Outcome: TypeAlias = Done | Failed


def current_state(*, seconds: float = ANSWER_LIMIT_S) -> Ask:
    """The state, asked for every second (serial only: over BLE this number means "identify")."""
    tries = max(1, round(seconds / STATE_EVERY_S))
    return Ask(Rpc(Command.CURRENT_STATE), Ends.STATE, STATE_EVERY_S, tries)


def identify() -> Ask:
    """Blink (BLE only)."""
    return Ask(Rpc(Command.IDENTIFY), Ends.WRITTEN)


def info() -> Ask:
    """What the device is."""
    return Ask(Rpc(Command.DEVICE_INFO))


def scan(carrier: Carrier) -> Ask:
    """The networks that the device sees. Asked once: WLED ignores a second request meanwhile."""
    ends = Ends.RESULT if carrier == "ble" else Ends.EMPTY_RESULT
    return Ask(Rpc(Command.WIFI_NETWORKS), ends, SCAN_LIMIT_S, 1)


def text(command: Literal[Command.HOSTNAME, Command.DEVICE_NAME], value: bytes = b"") -> Ask:
    """Hostname or name as the device has it, after setting it if there is a value."""
    return Ask(Rpc(command, value))


def join(ssid: bytes, password: bytes) -> Ask:
    """Store the settings and join; ValueError if both together are above 253 bytes."""
    return Ask(wifi_settings(ssid, password), Ends.JOINED, JOIN_LIMIT_S, 1)


class HostMachine:
    """One client of one device. ``now`` is any clock that only grows, in seconds."""

    def __init__(self, carrier: Carrier) -> None:
        self.state: int | None = None
        """What the device reported last; None before it did."""
        self.outcome: Outcome | None = None
        """How the command that was started last ended; None while it runs."""
        self.unsettled = False
        """An attempt to join was given up; what comes of it may still come."""
        self._carrier = carrier
        self._ask: Ask | None = None
        self._sent = 0
        self._began = self._sent_at = 0.0
        self._damaged = 0
        self._results: list[tuple[bytes, ...]] = []
        self._writes: list[Rpc] = []
        self._deadline = math.inf
        self._joins = _Join()

    @property
    def next_deadline(self) -> float:
        """When :meth:`tick` must be called at the latest; infinity: never."""
        return self._deadline

    def start(self, ask: Ask, now: float) -> None:
        """Begin a command; RuntimeError while one runs."""
        if self._ask is not None:
            msg = "the device handles one command at a time"
            raise RuntimeError(msg)
        self._ask, self.outcome = ask, None
        self._sent = self._damaged = 0
        self._began = now
        self._results = []
        if ask.ends is Ends.JOINED:
            self.unsettled = False
        self._joins = _Join(was_joined=self.state == State.PROVISIONED)
        self._send(ask, now)
        if ask.ends is Ends.WRITTEN:
            self._end(Done())

    def hear(self, message: Message, now: float) -> None:
        """A message of the device."""
        if isinstance(message, CurrentState):
            self.state = message.value
        ask = self._ask
        if ask is None:
            return
        match message:
            case CurrentState(value):
                self._hear_state(ask, value, now)
            case ErrorState(Error.NONE):
                self._join_is_heard(ask)
            case ErrorState(value):
                self._hear_error(ask, value, now)
            case RpcResult(command, strings):
                self._hear_result(ask, command, strings, now)

    def tick(self, now: float) -> None:
        """The time; harmless before :attr:`next_deadline`."""
        ask = self._ask
        if ask is None or now < self._deadline:
            return
        if ask.ends is Ends.JOINED:
            self._join_is_late(ask, now)
        elif self._joins.reported if ask.ends is Ends.STATE else self._results:
            # A list without its end, or a device that has no address to send.
            self._end(Done(tuple(self._results)))
        elif self._sent < ask.tries:
            self._send(ask, now)
        else:
            self._end(Failed(Reason.SILENT, seconds=now - self._began))

    def lost(self) -> bool:
        """The link is gone; whether the command was done even so.

        A device may drop the link as soon as it has joined: that is its success.
        """
        if self._ask is not None and self._ask.ends is Ends.JOINED and self._joins.joined:
            self._end(Done(tuple(self._results)))
            return True
        return False

    def abandon(self) -> None:
        """Give up the command that runs, if one does."""
        if self._ask is not None:
            self.unsettled = self.unsettled or self._ask.ends is Ends.JOINED
        self._ask, self._writes, self._deadline = None, [], math.inf

    def take_writes(self) -> list[Rpc]:
        """Commands to be sent now."""
        writes, self._writes = self._writes, []
        return writes

    # --- inside ------------------------------------------------------------------------------

    def _send(self, ask: Ask, now: float) -> None:
        self._sent += 1
        self._writes.append(ask.rpc)
        self._sent_at = now
        self._deadline = now + ask.limit_s
        if ask.ends is Ends.JOINED and self._carrier == "serial":
            self._joins.heard = False
            self._deadline = now + JOIN_HEARD_S

    def _end(self, outcome: Outcome) -> None:
        self.outcome, self._ask, self._deadline = outcome, None, math.inf

    def _hear_state(self, ask: Ask, value: int, now: float) -> None:
        joins = self._joins
        if ask.ends is Ends.STATE:
            if value != State.PROVISIONED:
                self._end(Done())
            elif not joins.reported:
                joins.reported = True
                self._deadline = now + RESULT_GRACE_S
        elif ask.ends is Ends.JOINED:
            self._join_is_heard(ask)
            joined_before = joins.joined
            joins.hear(value)
            if joins.joined and not joined_before:
                self._deadline = now + RESULT_GRACE_S
            elif joins.ended or (joins.asks and value != State.PROVISIONING):
                self._deadline = min(self._deadline, now + BACK_GRACE_S)
            elif value == State.PROVISIONING:
                joins.asks = False

    def _hear_error(self, ask: Ask, error: int, now: float) -> None:
        if error == Error.UNABLE_TO_CONNECT:
            if ask.ends is Ends.JOINED:  # else of an attempt that was given up before
                self._end(Failed(Reason.REFUSED, error))
        elif self._joins.asks:
            return  # about the state, which then stays unknown
        elif error == Error.INVALID_RPC and self._damaged < TRIES - 1:
            # It was not carried out, so it may be sent again, settings too.
            self._damaged += 1
            self._send(ask, now)
        else:
            self._end(Failed(Reason.REFUSED, error))

    def _hear_result(self, ask: Ask, command: int, strings: tuple[bytes, ...], now: float) -> None:
        # The answer to "state" is "the same response" as that to the settings: either number.
        addresses = (Command.CURRENT_STATE, Command.WIFI_SETTINGS)
        joins = self._joins
        asked = ask.ends is Ends.STATE or (joins.asks and joins.joined)
        is_address = command in addresses and asked
        if command != ask.rpc.command and not is_address:
            return
        more = ask.ends is Ends.EMPTY_RESULT and strings
        if strings and len(self._results) < RESULTS_LIMIT:
            self._results.append(strings)
            if more:
                self._deadline = now + SCAN_NEXT_S
        if more:
            return
        if ask.ends is not Ends.STATE or self._joins.reported:
            self._end(Done(tuple(self._results)))

    def _join_is_heard(self, ask: Ask) -> None:
        if ask.ends is Ends.JOINED and not self._joins.heard:
            self._joins.heard = True
            self._deadline = self._sent_at + JOIN_LIMIT_S

    def _join_is_late(self, ask: Ask, now: float) -> None:
        joins = self._joins
        if self._carrier == "serial" and not joins.ended and not joins.asks:
            # Something was lost on the line, or the device has no result: its state tells. One
            # that has not said a word may be joining, and answers afterwards.
            joins.asks = True
            self._writes.append(Rpc(Command.CURRENT_STATE))
            heard = joins.heard
            self._deadline = now + RESULT_GRACE_S if heard else self._sent_at + ask.limit_s
        elif joins.joined:
            self._end(Done())
        elif joins.tries:
            self.unsettled = not joins.ended
            self._end(Failed(Reason.REFUSED, Error.UNABLE_TO_CONNECT))
        else:
            self._end(Failed(Reason.SILENT, seconds=now - self._began))


@dataclass(slots=True)
class _Join:
    """What the states since a command was sent say about it."""

    was_joined: bool = False
    """The device was in a network before: "provisioned" alone proves nothing."""
    heard: bool = False
    """Something came behind the settings."""
    reported: bool = False
    """A state came."""
    tries: bool = False
    """It said that it joins."""
    joined: bool = False
    ended: bool = False
    """It tried and is back where it was."""
    asks: bool = False
    """It is asked for its state now, as its result did not come."""

    def hear(self, value: int) -> None:
        """The device reported a state."""
        if value == State.PROVISIONING:
            self.tries, self.ended = True, False
        elif value == State.PROVISIONED:
            self.joined = self.tries or not self.was_joined
            self.ended = False
        elif self.tries and not self.joined:
            self.ended = True
