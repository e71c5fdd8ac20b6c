"""What the light and the button of a Blynk board mean, in words and in numbers for drawing.

The defaults of the examples; a board may have one colour only, then the rhythm counts, and a maker may
change both. Sources: Edgent_ESP32/Indicator.h and ResetButton.h of the Blynk library (generation 1),
examples/BlynkEdgent/Interaction.h and BoardConfig.h of the Edgent library (generation 2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from agent.protocols.blynk.names import Generation

Colour: TypeAlias = Literal["blue", "green", "turquoise", "magenta", "red", "white", "yellow"]

COLOURS: Final[dict[Colour, str]] = {
    "blue": "#0d36ff",
    "green": "#00ff00",
    "turquoise": "#2effb9",
    "magenta": "#a700ff",
    "red": "#ff1008",
    "white": "#ffffe7",
    "yellow": "#ffff00",
}
"""For drawing. ``turquoise`` is what Blynk calls its own green."""

RESET_HOLD_S: Final = 10
"""The button is held at least so long; what counts is that it is then released."""
CANCEL_HOLD_S: Final = 20
"""Generation 2: who holds it longer resets nothing."""


@dataclass(frozen=True, slots=True)
class Light:
    """One thing that the light says."""

    state: str
    """Of the board: ``waiting``, ``configuring``, …; or of its button, ``held`` and ``release``."""
    meaning: str
    """What is going on, and what a person can do."""
    colour: Colour
    rhythm_ms: tuple[int, ...] = ()
    """On, off, on, off …, and from the start again."""
    breath_ms: int = 0
    """Brighter and darker once in this time, instead of a rhythm."""

    @property
    def look(self) -> str:
        """How it looks, as a person would say it."""
        if self.breath_ms:
            pace = "slowly" if self.breath_ms > 2000 else "quickly"
            return f"{self.colour}, {pace} getting brighter and darker"
        if len(self.rhythm_ms) > 2:
            return f"{self.colour}, two short flashes and a pause"
        on, off = self.rhythm_ms
        if off >= 1000:
            return f"{self.colour}, a short flash every {round((on + off) / 1000)} s"
        if off > 2 * on:
            return f"{self.colour}, short flashes"
        return f"{self.colour}, blinking {'slowly' if on >= 200 else 'fast'}"


_WAITING: Final = "It waits for its settings: now it can be set up."
_UPDATE: Final = "It installs new firmware: do not unplug it."
_ERROR: Final = "It could not go online; it restarts by itself in some seconds."
_HELD: Final = "The button is held: hold it until the light changes to reset the board."
_RELEASE: Final = "Release the button now, and the board forgets its settings."

LIGHTS: Final[dict[Generation, tuple[Light, ...]]] = {
    1: (
        Light("waiting", _WAITING, "blue", (50, 500)),
        Light("configuring", "Somebody is setting it up.", "blue", (200, 200)),
        Light("joining", "It joins the network.", "turquoise", (50, 500)),
        Light("connecting", "It connects to Blynk.", "turquoise", (100, 100)),
        Light("running", "It is online.", "turquoise", breath_ms=5000),
        Light("update", _UPDATE, "magenta", (50, 50)),
        Light("error", _ERROR, "red", (80, 100, 80, 1000)),
        Light("held", _HELD, "white", breath_ms=1000),
        Light("release", _RELEASE, "white", (100, 100)),
    ),
    2: (
        Light(
            "idle",
            "Nobody has set it up for a while, so it cannot be reached: restart it, or reset it.",
            "yellow",
            (50, 2000),
        ),
        Light("waiting", _WAITING, "blue", (50, 500)),
        Light("connecting", "It joins the network or connects to Blynk.", "green", (50, 500)),
        Light("running", "It is online.", "turquoise", breath_ms=5000),
        Light("update", _UPDATE, "magenta", breath_ms=5000),
        Light("error", _ERROR, "red", (80, 100, 80, 1000)),
        Light("held", _HELD, "white", breath_ms=1000),
        Light("release", _RELEASE, "white", (50, 200)),
    ),
}


def watched(generation: Generation) -> str:
    """What to look at while a board tries its settings, which it cannot tell from its own network."""
    lights = {light.state: light for light in LIGHTS[generation]}
    trying = lights.get("joining", lights["connecting"])
    return (
        f"Its light flashes {trying.colour} while it tries, gets slowly brighter and darker once it is "
        f"online, and is {lights['error'].colour} if it failed."
    )
