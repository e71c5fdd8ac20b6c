"""A simulated board without I/O: bytes in, bytes and cloud calls out, time as an argument.

Its code is the firmware's code in shape: a loop that polls. Between turns in which nothing
happened the loop is not run at all: whatever was polled has said when it will change.
"""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Final

from agent.simulator.board_cbor import Halted
from agent.simulator.config import WAITING_SKETCHES
from agent.simulator.configurator import HOLD_MS
from agent.simulator.hardware import CloudCall, CloudVisit, Hardware, Memory, Reset, Steps
from agent.simulator.secure_element import SecureElementChip
from agent.simulator.sketch import make_sketch

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.simulator.ble_radio import Radio
    from agent.simulator.config import BoardConfig
    from agent.simulator.timing import Timing
    from agent.simulator.world import World


STEPS_AT_ONCE: Final = 20_000
"""A board that floods its host at a hundred times its speed must not stop the program around it:
the rest of the time is made up for in the next call."""


class Interrupted(Exception):
    """Raised by a milestone callback: the board stops in the middle of what it does."""


def new_memory() -> Memory:
    """Storage and secure element of a board fresh from the factory."""
    return Memory(SecureElementChip())


class Firmware:
    """One board under power. All times are milliseconds of board time since power came on."""

    def __init__(
        self,
        config: BoardConfig,
        timing: Timing,
        world: World,
        memory: Memory | None = None,
        *,
        asks_cloud: bool = False,
        radio: Radio | None = None,
        seed: int = 0,
        on_milestone: Callable[[str], None] | None = None,
    ) -> None:
        self.config = config
        self.world = world
        self.memory = memory if memory is not None else new_memory()
        self.resets = 0
        self.working_ms = 0.0
        """Time in which the board was busy, so that a host that waited waited for it."""
        self._timing = timing
        self._asks_cloud = asks_cloud
        self._radio = radio
        self._chance = random.Random(seed)  # noqa: S311  (jitter, not a secret)
        self._on_milestone = on_milestone
        self._clock = 0.0
        self._port_open = config.sketch not in WAITING_SKETCHES
        self._sent: list[bytes] = []
        self._calls: list[CloudCall | CloudVisit] = []
        self._turn: Steps[None] | None = None
        self._boot()

    @property
    def now(self) -> float:
        """The board's clock."""
        return self._clock

    @property
    def next_wake(self) -> float:
        """When :meth:`run` must be called next if nothing arrives; infinite: not at all."""
        return math.inf if self._dead else self._resume_at

    @property
    def state_name(self) -> str:
        """Where the sketch is, for people and tests."""
        return "DEAD" if self._dead else self._sketch.state_name

    @property
    def host_connected(self) -> bool:
        """Whether a host opened a link that is still up, as far as the board knows."""
        return not self._dead and self._sketch.host_connected

    def receive(self, data: bytes) -> None:
        """Bytes of the host arrive now; handled by the next :meth:`run`."""
        self._hardware.receive(data)
        self._wake()

    def set_port_open(self, is_open: bool) -> None:
        """DTR. A board whose port is closed sends nothing and ends its link."""
        self._port_open = self._hardware.port_open = is_open
        self._wake()

    def cloud_answer(self, status: int | None, body: bytes = b"") -> None:
        """The answer to the oldest cloud call; None: there was none."""
        self._sketch.cloud_answer(status, body)
        self._wake()

    def release_pin(self, held_ms: float) -> None:
        """The reconfigure pin was released after ``held_ms``; a short press does nothing."""
        if held_ms >= HOLD_MS:
            self._sketch.release_pin()
            self._wake()

    def reset(self) -> None:
        """The reset button: RAM is lost, memory stays."""
        self._restart()

    def wedge(self) -> None:
        """Put the receiver into the state that only a restart ends (protocol-v2, 1.1)."""
        self._sketch.wedge()

    def halt(self) -> None:
        """Stop for good: neither reads nor answers until a reset."""
        self._turn = None
        self._dead = True

    def changed(self) -> None:
        """The world changed, or the radio has something: look again."""
        self._wake()

    def take_output(self) -> list[bytes]:
        """What the board wrote since the last call; one item per packet or line."""
        self._sent += self._hardware.sent
        self._hardware.sent = []
        sent, self._sent = self._sent, []
        return sent

    def take_calls(self) -> list[CloudCall | CloudVisit]:
        """Calls to the cloud that someone must now make."""
        calls, self._hardware.calls = self._calls + self._hardware.calls, []
        self._calls = []
        return calls

    def skip(self, duration: float) -> None:
        """Let time pass without running the board."""
        self._set_clock(self._clock + duration)

    def run(self, until: float, *, finish_turn: bool = False) -> None:
        """Run the board to this time; with ``finish_turn`` beyond it, to the end of a turn.

        After very many steps it stops short of it and :attr:`next_wake` has come already.
        """
        for _ in range(STEPS_AT_ONCE):
            if self._dead:
                break
            if self._resume_at > self._clock:
                if self._resume_at > until and not (finish_turn and self._turn is not None):
                    break
                self._set_clock(self._resume_at)
            elif finish_turn and self._turn is None and self._clock >= until:
                break
            self._advance()
        else:
            return
        if self._clock < until:
            self._set_clock(until)

    def _advance(self) -> None:
        """Go on with the turn, or begin one."""
        hardware = self._hardware
        if self._turn is None:
            hardware.active = False
            hardware.alarm = math.inf
            self._turn = self._sketch.turn()
        try:
            self._resume_at = self._clock + next(self._turn)
        except StopIteration:
            self._turn = None
            self._idle = not hardware.active
            if hardware.active:
                self._resume_at = self._clock + self._timing.turn
            else:
                self._resume_at = hardware.alarm_at
        except Reset:
            self._restart()
        except (Halted, Interrupted):
            self.halt()

    def _restart(self) -> None:
        self.resets += 1
        self._sent += self._hardware.sent
        self._calls += self._hardware.calls
        self._boot()

    def _boot(self) -> None:
        if self._radio is not None:
            self._radio.end()
        self._hardware = Hardware(
            self.config, self._timing, self.world, self.memory, boot_at=self._clock
        )
        self._hardware.port_open = self._port_open
        self._hardware.radio = self._radio
        self._hardware.on_milestone = self._on_milestone
        self._sketch = make_sketch(
            self.config.sketch, self._hardware, self._chance, asks_cloud=self._asks_cloud
        )
        self._dead = not self.config.answers
        self._idle = False
        self._turn = self._sketch.setup()
        self._hardware.active = True  # the loop begins when the setup is done
        self._resume_at = self._clock

    def _wake(self) -> None:
        """Run a turn as soon as the board is not inside a call."""
        if self._turn is None and self._idle:
            self._resume_at = self._clock
            self._idle = False

    def _set_clock(self, clock: float) -> None:
        if self._turn is not None or self._sketch.working:
            self.working_ms += clock - self._clock
        self._clock = clock
        self._hardware.set_clock(clock)
