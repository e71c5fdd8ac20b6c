"""A simulated board with Blynk.Edgent firmware of either generation: its states, without its faces.

Time is that of the board, in milliseconds, and comes in with :meth:`EdgentDevice.run`. Its faces
(:mod:`~agent.simulator.blynk_console`, :mod:`~agent.simulator.blynk_http`,
:mod:`~agent.simulator.blynk_ble`) call the methods and take what it says. Sources: ConfigMode.h and
ConfigStore.h of Edgent_ESP32 (generation 1), BlynkEdgent.h of the Edgent library (generation 2).
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from agent.protocols.blynk.failures import BY_CODE
from agent.protocols.blynk.names import make_name, unique_part
from agent.simulator.blynk_settings import EdgentConfig, Settings
from agent.simulator.world import Uplink, World, demo_world

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.protocols.blynk.names import Generation
    from agent.simulator.blynk_settings import CloudAnswer


BOOT_MS: Final = 800
ACCESS_POINT_MS: Final[dict[Generation, float]] = {1: 2600, 2: 150}
"""From the state until the access point serves; generation 1 does nothing else meanwhile."""
SWITCH_MS: Final = 1100
"""Generation 1, from the settings until it begins to join; its access point goes before."""
TRY_MS: Final = 50_000
"""Longest attempt to join, and to connect."""
JOIN_MS: Final = 2500
LOGIN_MS: Final = 800
ERROR_MS: Final = 10_000
CONFIG_MS: Final = 600_000
"""Generation 2 waits so long for settings, then it idles and cannot be reached but on its console."""
RETRIES: Final = 500
HOLD_MS: Final = 10_000
CANCEL_MS: Final = 20_000
LOG_LINES: Final = 500
"""That wait for a face; older ones are lost, as on a port that nobody reads."""

_NET_WORDS: Final = {720: "NETWORK_NOT_FOUND", 722: "AUTH_FAILED", 723: "IP_NOT_ASSIGNED"}


class EdgentDevice:
    """One board; plugged in when it is made."""

    def __init__(
        self,
        config: EdgentConfig | None = None,
        world: World | None = None,
        *,
        cloud: Callable[[str, str], CloudAnswer] = lambda _token, _host: "ok",
        speed: float = 1.0,
    ) -> None:
        """``cloud`` gets token and server of a board that has Internet.

        ``speed``: how much faster than a real board its time runs; whoever sets it up is no faster,
        so it waits for settings as long as a real one.
        """
        self.config = config or EdgentConfig()
        self.world = world or demo_world()
        self.cloud = cloud
        self.now = 0.0
        self._patience_ms = CONFIG_MS * max(1.0, speed)
        self.state = "INIT"
        self.settings = Settings()
        """In its RAM; lost by a restart."""
        self.stored: Settings | None = None
        """In its flash."""
        self.last_error = 0
        """Generation 1 keeps it in its flash, generation 2 in its RAM."""
        self.networks: list[Settings] = []
        """Generation 2: those that it may join."""
        self.address = ""
        self.net_error = ""
        self.user_configures = False
        self.boots = 0
        self.attempts = 0
        """To join, since it was plugged in."""
        self.fails_with = 0
        """Code that its attempts end with, whatever is around it; 0: what is around it decides."""
        self.on_leave: Callable[[], None] = lambda: None
        """Told when it has no network, and so no cloud, any more."""
        self.on_message: Callable[[dict[str, Any]], None] = lambda _: None
        """Told what a generation 2 board says over Bluetooth LE."""
        self._log: deque[str] = deque(maxlen=LOG_LINES)
        self._retries = RETRIES
        self._since = 0.0
        self._ends = math.inf
        self._pressed: float | None = None
        self._boot()

    # --- what is around ----------------------------------------------------------------------

    @property
    def generation(self) -> Generation:
        """Of its firmware."""
        return self.config.generation

    @property
    def name(self) -> str:
        """In the air."""
        config = self.config
        unique = unique_part(config.chip, config.generation)
        return make_name(config.vendor, config.template, unique, config.generation)

    @property
    def mac(self) -> str:
        """Of its station; the access point has the next one."""
        return "A0:B1:C2:" + ":".join(f"{b:02X}" for b in self.config.chip.to_bytes(4, "big")[1:])

    @property
    def wake_at(self) -> float:
        """When :meth:`run` has to be called at the latest."""
        return self._ends

    @property
    def access_point(self) -> bool:
        """It can be joined, and serves."""
        config, age = self.config, self.now - self._since
        if config.generation == 2 and config.inject == "ble":
            return False
        serving = age >= ACCESS_POINT_MS[config.generation]
        if config.generation == 1:
            waits = self.state == "CONFIGURING" or (self.state == "WAIT_CONFIG" and serving)
            return waits or (self.state == "SWITCH_TO_STA" and age < SWITCH_MS - 100)
        if self.user_configures:  # it stays up, beside the network that is tried
            return self.state in {"WAIT_CONFIG", "CONNECTING_NET", "CONNECTING_CLOUD", "RUNNING"}
        return self.state == "WAIT_CONFIG" and serving

    @property
    def advertises(self) -> bool:
        """It is there over Bluetooth LE."""
        return (
            self.config.generation == 2
            and self.config.inject == "ble"
            and (self.state == "WAIT_CONFIG" or (self.user_configures and self.state != "IDLE"))
        )

    @property
    def deaf(self) -> bool:
        """Its console is not served just now."""
        age = self.now - self._since
        changing = self.generation == 1 and self.state == "WAIT_CONFIG" and age < ACCESS_POINT_MS[1]
        return changing or self.state in {"INIT", "SWITCH_TO_STA"}

    def take_log(self) -> list[str]:
        """Lines that it printed."""
        lines = list(self._log)
        self._log.clear()
        return lines

    # --- what is done to it ------------------------------------------------------------------

    def run(self, now: float) -> None:
        """Let its time pass."""
        while self._ends <= now:
            self.now = max(self.now, self._ends)
            self._ends = math.inf
            self._turn()
        self.now = max(self.now, now)

    def configure(self, settings: Settings, *, once: bool, save: bool = False) -> None:
        """Try these. ``once``: one attempt, as all but generation 1's console do it."""
        self.settings = settings
        if save:
            self._store()
        if self.generation == 2:
            if settings.kind == "wifi" and settings.ssid:
                self.networks.append(settings)
            self.stored = self.stored if save else None
        self._retries = 1 if once else RETRIES
        self._enter("SWITCH_TO_STA" if self.generation == 1 else "CONNECTING_NET")

    def cloud_answers(self) -> None:
        """What it asked the cloud can be known by now."""
        if self.state == "CONNECTING_CLOUD":
            self._ends = max(self.now, min(self._ends, self._since + LOGIN_MS))

    def wait_for_settings(self) -> None:
        """``config start``."""
        self._enter("WAIT_CONFIG")

    def touch(self) -> None:
        """Somebody asks what it is."""
        self.user_configures = True
        if self.generation == 1 and self.state == "WAIT_CONFIG":
            self._enter("CONFIGURING")

    def leave(self) -> None:
        """Whoever set it up has gone, or its link fell."""
        was, self.user_configures = self.user_configures, False
        if self.state == "CONFIGURING":
            self._enter("WAIT_CONFIG")
        elif was and self.generation == 2 and self.state == "WAIT_CONFIG":
            self.settings = Settings()

    def erase(self) -> None:
        """Back to what it was when it was flashed."""
        self.settings, self.stored, self.last_error = Settings(), None, 0
        self.networks.clear()
        self._enter("RESET_CONFIG")

    def restart(self) -> None:
        """Its RAM is lost."""
        self._boot()

    def press(self) -> None:
        """Its button goes down."""
        self._pressed = self.now

    def release(self) -> None:
        """Its button goes up."""
        if self._pressed is None:
            return
        held, self._pressed = self.now - self._pressed, None
        too_long = self.generation == 2 and held > CANCEL_MS
        if held >= HOLD_MS and not too_long:
            self.erase()

    # --- inside ------------------------------------------------------------------------------

    def _boot(self) -> None:
        self.boots += 1
        self.on_leave()
        self.state, self._since = "INIT", self.now
        self.settings = self.stored or Settings()
        self.address = self.net_error = ""
        self.user_configures = False
        self._retries = RETRIES
        if self.generation == 2:
            self.last_error = 0
        self._ends = self.now + BOOT_MS

    def _enter(self, state: str) -> None:
        if self.config.debug:
            # The two generations write the names of states differently.
            names = [self.state, state]
            if self.generation == 2:
                names = [name.replace("_", " ") for name in names]
            self.log(" => ".join(names))
        self.state, self._since = state, self.now
        if state not in {"CONNECTING_CLOUD", "RUNNING"}:
            self.on_leave()
        match state:
            case "RESET_CONFIG":
                self._ends = self.now
            case "SWITCH_TO_STA":
                self._ends = self.now + SWITCH_MS
            case "CONNECTING_NET":
                self.attempts += 1
                self.address = ""
                self.log(f"Connecting to WiFi: {self.settings.ssid.decode(errors='replace')}")
                self._tell_status("connecting_net")
                self._ends = self.now + (JOIN_MS if self._joins() == 0 else TRY_MS)
            case "CONNECTING_CLOUD":
                self._tell_net_status()
                self._tell_status("connecting_cloud")
                waits = self._cloud_answer() == "silent"
                self._ends = self.now + (TRY_MS if waits else LOGIN_MS)
            case "ERROR":
                self._ends = self.now + ERROR_MS
            case "WAIT_CONFIG":
                self.address = ""
                self._ends = self.now + self._patience_ms if self.generation == 2 else math.inf
            case _:
                self._ends = math.inf

    def _turn(self) -> None:
        match self.state:
            case "INIT":
                self._start()
            case "RESET_CONFIG":
                self._enter("WAIT_CONFIG")
            case "SWITCH_TO_STA":
                self._enter("CONNECTING_NET")
            case "CONNECTING_NET":
                self._joined(self._joins())
            case "CONNECTING_CLOUD":
                self._connected(self._cloud_answer())
            case "ERROR":
                self.restart()
            case "WAIT_CONFIG":
                self._enter("IDLE")

    def _start(self) -> None:
        self.log(f"Blynk on {self.config.template}")
        self._enter("WAIT_CONFIG" if self.stored is None else "CONNECTING_NET")

    def _joins(self) -> int:
        """0, or why not."""
        settings, world = self.settings, self.world
        if self.fails_with:
            return 0 if BY_CODE[self.fails_with].part == "cloud" else self.fails_with
        if settings.kind == "eth":
            return 0 if world.ethernet is Uplink.OK else 721
        if settings.kind == "cell":
            return 0 if world.modem is Uplink.OK else 730
        network = world.find(settings.ssid, settings.password.reveal().encode())
        if network is None:
            known = any(each.name == settings.ssid for each in world.networks)
            return 722 if known else 720
        fixed = bool(settings.static_ip)
        return 0 if fixed or (network.dhcp and world.dhcp) else 723

    def _joined(self, code: int) -> None:
        if code == 0:
            self.net_error = ""
            self.address = self.settings.static_ip or "192.168.1.57"
            kind = "Static" if self.settings.static_ip else "Dynamic"
            self.log(f"Using {kind} IP: {self.address}")
            self._retries = min(self._retries, 1) if self._retries == 1 else RETRIES
            self._enter("CONNECTING_CLOUD")
            return
        self.net_error = _NET_WORDS.get(code, "UNKNOWN")
        self._failed(701 if self.generation == 1 else code, "net")

    def _cloud_answer(self) -> CloudAnswer:
        settings, world = self.settings, self.world
        if self.fails_with:
            return "refused" if self.fails_with == 703 else "silent"
        network = world.find(settings.ssid, settings.password.reveal().encode())
        offline = not world.internet or (network is not None and not network.internet)
        return "silent" if offline else self.cloud(settings.token.reveal(), settings.host)

    def _connected(self, answer: CloudAnswer) -> None:
        if answer == "ok":
            self.log("Ready (ping: 42ms).")
            self.last_error = 0
            if not self.settings.valid:
                self._store()
                self._tell_status("connected")
            self._enter("RUNNING")
        elif answer == "refused":
            self.log("Invalid auth token")
            self._give_up(703)
            self._enter("WAIT_CONFIG")
        else:
            code = self.fails_with or 702
            self._failed(702 if self.generation == 1 else code, "cloud")

    def _failed(self, code: int, stage: Literal["net", "cloud"]) -> None:
        self._retries -= 1
        again = "CONNECTING_NET" if stage == "net" else "CONNECTING_CLOUD"
        if self._retries > 0:
            self.state, self._since = again, self.now
            self.attempts += stage == "net"
            self._ends = self.now + TRY_MS
            return
        saved = self.settings.valid
        self._give_up(code)
        self._enter("ERROR" if saved or self.generation == 1 else "WAIT_CONFIG")

    def _give_up(self, code: int) -> None:
        """What was not proved is wiped, in generation 1 from the flash too."""
        if not self.settings.valid:
            self.last_error = code
            if self.generation == 1:
                self.log(f"Last error code: {code}")
                self.stored = None
            self.settings = Settings()
            self._tell_failure(code)

    def _store(self) -> None:
        self.settings = self.stored = msgspec.structs.replace(self.settings, valid=True)

    def log(self, text: str) -> None:
        """Print a line as the library does it."""
        self._log.append(f"[{self.now:.0f}] {text}")

    def _tell_status(self, word: str) -> None:
        self.on_message({"t": "status", "s": word})

    def _tell_net_status(self) -> None:
        ssid = self.settings.ssid.decode(errors="replace")
        said = {"state": "CONNECTED", "ssid": ssid, "ip": self.address, "rssi": -48}
        self.on_message({"t": "net_status", "if": self.settings.kind, **said})

    def _tell_failure(self, code: int) -> None:
        failure = BY_CODE[code]
        if failure.part == "settings":
            self.on_message({"t": "connect_fail", "msg": "failed to store configuration"})
            return
        kind = "net_fail" if failure.part == "network" else "cloud_fail"
        self.on_message({"t": kind, "reason": failure.word})
