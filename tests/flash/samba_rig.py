"""Sketches that could start, and the procedure run against a loader without ports or clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from agent.catalog import Catalog
from agent.flash.content import read_image
from agent.flash.method import FlashProgress, FlashTarget
from agent.flash.samba import SAMBA, SAMBA_BRIDGE, SambaFlasher
from agent.flash.samba_steps import flash, greet
from agent.links import open_link
from agent.protocols.samba import SambaFailure, SambaMachine
from agent.simulator.samba import SamdLoader, UnoR4Loader
from agent.simulator.samba_chip import SAMD51P19A
from tests.flash.images import Steps, noise

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from agent.catalog import Model
    from agent.flash.method import FlashImage
    from agent.flash.samba import SambaPlan
    from agent.flash.samba_loader import LoaderKind
    from agent.simulator.samba import SambaLoader
    from agent.simulator.samba_port import SambaPort

CATALOG = Catalog.load()

LOADERS: dict[str, Callable[[], SambaLoader]] = {
    "mkr_wifi_1010": SamdLoader,
    "wio_terminal": lambda: SamdLoader(SAMD51P19A),
    "uno_r4_wifi": UnoR4Loader,
}
"""The simulated loader of each kind, by a model that has it."""


def model(name: str) -> Model:
    """A model that is in the catalogue."""
    found = CATALOG.get(name)
    assert found is not None
    return found


def sketch(size: int, base: int = 0x2000, seed: bytes = b"sketch") -> FlashImage:
    """A file with a vector table that fits the chip; the rest is noise."""
    head = (0x20008000).to_bytes(4, "little") + (base + 9).to_bytes(4, "little")
    # A SAMD21 has no fault handlers, the other chips have.
    table = head + bytes(8) + (bytes(12) if base == 0x2000 else head[4:] * 3)
    return read_image("sketch.bin", (table + noise(size, seed))[:size])


def flasher(name: str, opener: Any = open_link) -> SambaFlasher:
    """The flasher for a model."""
    return SambaFlasher(opener, SAMBA_BRIDGE if name == "uno_r4_wifi" else SAMBA)


def plan(name: str, size: int = 9000, seed: bytes = b"sketch") -> SambaPlan:
    """What is to be done to write a sketch of this size."""
    base = 0x2000 if name == "mkr_wifi_1010" else 0x4000
    return flasher(name).plan(sketch(size, base, seed), model(name))


async def run(name: str, port: SambaPort, size: int = 9000, seed: bytes = b"sketch") -> Steps:
    """Flash a sketch; returns the progress."""
    steps = Steps()
    target = FlashTarget(address=port.address)
    await flasher(name).run(plan(name, size, seed), target, steps)
    return steps


def content(loader: SambaLoader, size: int) -> bytes:
    """The sketch in a loader's flash."""
    start = loader.memory.chip.loader_bytes
    return bytes(loader.memory.flash[start : start + size])


def holds(loader: SambaLoader, image: FlashImage) -> bool:
    """Whether the loader's flash begins with this sketch."""
    return content(loader, len(image.data)) == image.data


class Receiver(Protocol):
    """The part of a loader that the procedure meets."""

    def receive(self, data: bytes) -> bytes:
        """Bytes of the host; returns the answer."""


def drive(
    kind: LoaderKind, data: bytes, loader: Receiver, split: Callable[[bytes], list[bytes]]
) -> list[FlashProgress]:
    """Greet and flash; answers arrive as ``split`` cuts them, and time passes when nothing does."""
    seen: list[FlashProgress] = []
    machine = SambaMachine()
    now = 0.0

    def perform(steps: Generator[Any, bytes, None]) -> None:
        nonlocal now
        answer: bytes | SambaFailure | None = None
        while True:
            try:
                if isinstance(answer, SambaFailure):
                    step = steps.throw(answer)
                else:
                    step = next(steps) if answer is None else steps.send(answer)
            except StopIteration:
                return
            answer = None
            if isinstance(step, FlashProgress):
                seen.append(step)
                continue
            machine.start(step, now)
            while answer is None:
                while (written := machine.take_write(now)) is not None:
                    for piece in split(loader.receive(written)):
                        machine.receive(piece)
                answer = machine.take_result()
                if answer is None:
                    now = machine.next_deadline
                    machine.tick(now)

    perform(greet())
    perform(flash(kind, "Press reset.", data))
    return seen
