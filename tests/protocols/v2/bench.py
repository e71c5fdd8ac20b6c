"""The host machine and a simulated board wired together in memory, in simulated time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from agent.protocols.v2.frames import Frame, FrameDecoder, PacketType
from agent.protocols.v2.host import Ended, Failed, Finished, Heard, HostMachine, LogText
from agent.protocols.v2.messages import Status
from agent.simulator.config import BoardConfig
from agent.simulator.firmware import Firmware, new_memory
from agent.simulator.timing import VECTOR_TIMING
from agent.simulator.world import World, demo_networks

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.protocols.v2.host import Event
    from agent.protocols.v2.talk import Conversation
    from agent.simulator.hardware import Memory
    from agent.simulator.timing import Timing

T = TypeVar("T")
TURNS = 20_000
"""More turns than this without an end is an endless loop."""


class Bench:
    """A board that has started, and a host on the other end of an undamaged line."""

    def __init__(
        self,
        world: World | None = None,
        *,
        config: BoardConfig | None = None,
        timing: Timing = VECTOR_TIMING,
        memory: Memory | None = None,
        boot_s: float = 2.0,
    ) -> None:
        self.world = world or World(networks=demo_networks())
        config = config or BoardConfig(serial_number="bench", zero_touch=False)
        self.board = Firmware(config, timing, self.world, memory or new_memory())
        self.host = HostMachine()
        self.events: list[Event] = []
        self.sent: list[bytes] = []
        self.to_board: Callable[[bytes], bytes] = lambda data: data
        self.to_host: Callable[[bytes], bytes] = lambda data: data
        self.board.run(boot_s * 1000)
        self.host.receive(b"".join(self.board.take_output()), self.now)
        self._collect()

    @property
    def now(self) -> float:
        return self.board.now / 1000

    def run(self, conversation: Conversation[T]) -> T:
        """The result of a conversation; raises its failure."""
        began = self.now
        self.host.start(conversation, began)
        for _ in range(TURNS):
            for event in self._collect():
                if isinstance(event, Finished):
                    result: T = event.value
                    return result
                if isinstance(event, Failed):
                    raise event.failure
            self._turn(began + conversation.limit_s + 1)
        raise AssertionError("the conversation does not end")

    def wait(self, seconds: float) -> list[Event]:
        """What happens while nothing is asked."""
        end, seen = self.now + seconds, len(self.events)
        while self.now < end:
            self._collect()
            self._turn(end)
        self._collect()
        return self.events[seen:]

    def disconnect(self) -> None:
        self.host.disconnect(self.now)
        self.wait(0.3)

    def statuses(self) -> list[int]:
        """Statuses of the board, without refusals (-6), which the look at it provokes."""
        return [
            event.message.code
            for event in self.events
            if isinstance(event, Heard) and isinstance(event.message, Status)
            if event.message.code != -6
        ]

    def ended(self) -> bool:
        return any(isinstance(event, Ended) for event in self.events)

    def log(self) -> bytes:
        return b"".join(event.data for event in self.events if isinstance(event, LogText))

    def commands(self) -> list[int]:
        """Codes of the commands sent, in order."""
        pieces: list[Any] = FrameDecoder().feed(b"".join(self.sent))
        payloads = [p.payload for p in pieces if isinstance(p, Frame) and p.type == PacketType.DATA]
        return [p[-1] for p in payloads if p.startswith(bytes.fromhex("da00012003"))]

    def _turn(self, end: float) -> None:
        """Until the next thing happens on either side."""
        # A microsecond more, because milliseconds and seconds are not rounded alike.
        deadline_ms = min(self.host.next_deadline, end) * 1000 + 0.001
        wake_ms = min(self.board.next_wake, deadline_ms)
        self.board.run(max(wake_ms, self.board.now))
        output = b"".join(self.board.take_output())
        if output:
            self.host.receive(self.to_host(output), self.now)
        self.host.tick(self.now)

    def _collect(self) -> list[Event]:
        for frame in self.host.take_writes():
            self.sent.append(frame)
            self.board.receive(self.to_board(frame))
        new = self.host.take_events()
        self.events += new
        return new
