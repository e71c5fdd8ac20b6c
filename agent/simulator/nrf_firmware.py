"""The program of a simulated nRF91 board: its console, and how it provisions itself.

Source: nrfconnect/Asset-Tracker-Template app/src/modules/cloud; nrfconnect/sdk-nrf
subsys/net/lib/nrf_provisioning.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from agent.simulator.nrf_console import Console, RawConsole, ShellConsole
from agent.simulator.nrf_orders import RETRY_S, Result, ServiceAwayError, next_command

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from agent.simulator.nrf_config import NrfConfig
    from agent.simulator.nrf_modem import SimulatedModem
    from agent.simulator.nrf_orders import Order, ProvisioningService

NETWORK_S: Final = 1.5
"""Until it is in the network; a real one needs some seconds to minutes."""
LOG_EVERY_S: Final = 1.0
BAD_MESSAGE: Final = 77
"""Of the library, whatever the modem answered: lib/modem_attest_token."""
NO_MODEM: Final = "Sending AT command failed with error code -1"
HELP: Final = {
    "at": "Execute an AT command",
    "att_cloud": "Asset Tracker Template Cloud CMDs",
    "att_cloud_provision": "Asset Tracker Template Provisioning CMDs",
    "kernel": "Kernel commands",
    "nrf_provisioning": "nRF Provisioning commands",
}
_KNOWN: Final = {
    "tracker": ("at", "att_cloud", "kernel"),
    "tracker-old": ("at", "att_cloud_provision", "kernel"),
    "sample": ("kernel", "nrf_provisioning"),
}
_BOOTLOADER: Final = ("*** Booting MCUboot v2.1.0-dev ***", "*** Using Zephyr OS build v4.0.99 ***")
_BANNER: Final = ("*** Booting nRF Connect SDK v3.0.2 ***", "*** Using Zephyr OS v4.0.99 ***")
_OTHER: Final = "$GPGGA,092750.000,5321.6802,N,00630.3372,W,1,8,1.03,61.7,M,55.2,M,,*76"


class NrfProgram:
    """A firmware while it has power."""

    def __init__(
        self,
        config: NrfConfig,
        modem: SimulatedModem,
        write: Callable[[bytes], None],
        *,
        service: ProvisioningService,
        speed: float = 1.0,
    ) -> None:
        self.config = config
        self.modem = modem
        self.state = "OFF"
        """For people: OFF, BOOTLOADER, IDLE, PROVISIONING, ONLINE."""
        self.commands = _KNOWN.get(config.firmware, ())
        """What its shell knows."""
        self.deaf = False
        """It hears nothing from now on."""
        self.service = service
        """May be exchanged while it runs."""
        self.last_command = 0
        """The number with which it was told over the air; it keeps it without power."""
        self._speed = speed
        self._again = False
        """It was told to provision while it did."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._ear: asyncio.Task[None] | None = None
        """It looks at its shadow."""
        self._began = 0.0
        shell = config.firmware in _KNOWN
        self._console: Console = (
            ShellConsole(config, write, self._shell)
            if shell
            else RawConsole(config, write, lambda line: self._spoil(self._at(line)))
        )

    def start(self) -> None:
        """Power comes, or a restart."""
        self._began = asyncio.get_running_loop().time()
        self.modem.restart()
        for line in _BOOTLOADER:
            self._console.print(line)
        if self.config.firmware == "none":
            self.state = "BOOTLOADER"
            return
        self.state = "IDLE"
        if self.config.firmware == "other":
            self._spawn(self._repeat(lambda: self._console.print(_OTHER)))
            return
        for line in _BANNER:
            self._console.print(line)
        self._console.start()
        if self.config.log:
            self._spawn(self._repeat(lambda: self.say_log("inf", "main", "battery 87 %")))
        if self.config.firmware.startswith("tracker") and self.config.modem:
            self._begin()

    def stop(self) -> None:
        """No power."""
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()
        self._again = False
        self.state = "OFF"

    def hear(self, data: bytes) -> None:
        """Bytes of a host."""
        if self.deaf or self.config.firmware == "other":
            return
        if self.state not in {"OFF", "BOOTLOADER"}:
            self._console.hear(data)

    def press_button(self) -> None:
        """Three seconds on button 1: ask the service for orders."""
        self._trigger()

    # --- commands ----------------------------------------------------------------------------

    def _at(self, line: str) -> list[str]:
        return self.modem.execute(line) if self.config.modem else ["ERROR"]

    def _shell(self, words: list[str]) -> list[str]:
        name, *rest = words
        known = self.commands
        if name == "help":
            return [f"  {each:<22}: {HELP[each]}" for each in known]
        if name not in known:
            return [f"{name}: command not found"]
        match name, rest:
            case "at", [command, *_]:
                if not self.config.modem:
                    return [NO_MODEM]
                if command.upper().startswith("AT%CMNG=0,"):
                    command = command.replace("\\n", "\r\n")
                return self._spoil(self._at(command))
            case ("att_cloud", ["provision"]) | ("att_cloud_provision", ["now"]):
                if self.config.no_start:
                    return [f"zbus_chan_pub, error: {-self.config.no_start}"]
                self._trigger()
                return []
            case "kernel", ["reboot", *_]:
                asyncio.get_running_loop().call_soon(self._restart)
                return []
            case "nrf_provisioning", [order, *_]:
                return self._library(order)
        return ["Please specify a subcommand."]

    def _library(self, order: str) -> list[str]:
        if order == "interval":
            return []
        if order == "now":
            if not self.config.modem:
                return ["Provisioning library is not initialized"]
            if self.config.no_start:
                return [f"Provisioning failed, err {-self.config.no_start}"]
            self._trigger()
            return []
        name = {"token": "token", "uuid": "UUID"}.get(order)
        if name is None:
            return ["Please specify a subcommand."]
        if "%ATTESTTOKEN" in self.modem.refuse or not self.config.modem:
            return [f"Failed to get {name}, err {-BAD_MESSAGE}", ""]
        if order == "uuid":
            said = str(self.modem.identity.device_id)
            return [said.replace("-", "").upper() if self.config.old_requests else said, ""]
        return self._spoil([self.modem.identity.attest(), ""])

    def _spoil(self, lines: list[str]) -> list[str]:
        if columns := self.config.cut_columns:
            lines = [line[:columns] for line in lines]
        noise = [
            f"[00:00:{number % 60:02}.000,000] <inf> flood: line {number}"
            for number in range(self.config.flood_lines)
        ]
        return [*lines[:-1], *noise, lines[-1]]

    # --- provisioning ------------------------------------------------------------------------

    def _trigger(self) -> None:
        if not self.config.modem:
            return
        self.say_log("inf", "nrf_provisioning", "Externally initiated provisioning")
        self._begin()

    def _begin(self) -> None:
        """Provision, or once more after what is under way."""
        self._again = True
        if self.state != "PROVISIONING":
            self.state = "PROVISIONING"
            self._spawn(self._provision())

    async def _provision(self) -> None:
        if self._ear is not None:
            self._ear.cancel()
        while self._again:
            self._again = False
            try:
                await self._provision_once()
            except ServiceAwayError:
                retry = f"Timeout, retrying in {RETRY_S:.0f} seconds"
                self.say_log("wrn", "nrf_provisioning", retry)
                await self._wait(RETRY_S)
                self._again = True

    async def _provision_once(self) -> None:
        self.state = "PROVISIONING"
        await self._wait(NETWORK_S)
        if not self.config.sim:
            self.say_log("err", "cloud", "Provisioning failed, no valid datetime reference")
            self.state = "IDLE"
            return
        worked = False
        while True:
            token = self.modem.identity.attest()
            self.say_log("inf", "nrf_provisioning_coap", "Requesting commands")
            orders = await self.service.fetch(token)
            if orders is None:
                self._refused()
                return
            if not orders:
                break
            worked = True
            self.say_log("inf", "nrf_provisioning_coap", "Processing commands")
            results = await self._obey(orders)
            self.say_log("inf", "nrf_provisioning_coap", "Sending response to server")
            await self.service.respond(token, results)
            if results[-1].name == "finished" and results[-1].error is None:
                self.say_log("inf", "nrf_provisioning_coap", "Finished")
                break
            if any(result.error is not None for result in results):
                self.say_log("err", "cloud", "Provisioning failed")
                self.state = "IDLE"
                return
        if not worked:
            self.say_log("wrn", "cloud", "No commands from the nRF Provisioning Service to process")
            self.say_log("wrn", "cloud", "Treating as provisioning finished")
        await self._wait(NETWORK_S)
        self.state = "ONLINE"
        self.say_log("inf", "cloud", "Connected to Cloud")
        if self.config.firmware.startswith("tracker"):
            self._ear = self._spawn(self._listen())

    async def _listen(self) -> None:
        """While it is connected: a new command in its shadow lets it provision again."""
        attest, last = self.modem.identity.attest, self.last_command
        self.last_command = await next_command(self.service, attest, last, self._wait)
        self.say_log("inf", "cloud", "Provisioning request received")
        self._begin()

    async def _obey(self, orders: Sequence[Order]) -> list[Result]:
        """Do it in order, up to the first that fails; without the network."""
        self.say_log("wrn", "cloud", "nRF Provisioning requires device to deactivate LTE")
        self.modem.mode = 4
        await self._wait(NETWORK_S)
        self.modem.execute("AT+CMEE=1")
        results: list[Result] = []
        for order in orders:
            result = self._do(order)
            results.append(result)
            if result.error is not None:
                break
        self.say_log("wrn", "cloud", "nRF Provisioning requires device to activate LTE")
        self.modem.mode = 1
        await self._wait(NETWORK_S)
        return results

    def _do(self, order: Order) -> Result:
        if not order.name.startswith("%"):
            return Result(order.id, order.name)
        *lines, end = self.modem.execute(f"AT{order.name}={order.parameters}")
        if end == "OK":
            return Result(order.id, order.name, text="\n".join(lines))
        number = end.rpartition(" ")[2]
        code = int(number) if number.isdigit() else -1
        return Result(order.id, order.name, None if code in order.ignored else code, end)

    def _refused(self) -> None:
        """The service does not know it: the token is printed for whoever can claim it."""
        self.say_log("wrn", "nrf_provisioning", "Unauthorized access: device is not yet claimed.")
        token = self.modem.identity.attest()
        if columns := self.config.cut_columns:
            token = token[:columns]
        if self.config.firmware == "tracker":
            self.say_log("wrn", "cloud", "Provisioning failed, device not claimed")
            begin, end = "----- BEGIN ATTESTATION TOKEN -----", "----- END ATTESTATION TOKEN -----"
            self._console.print(f"\n\r{begin}\n\r\n\r{token}\n\r\n\r{end}")
        else:
            self._console.print("\r\nAttestation token for claiming device on nRFCloud:")
            self._console.print(f"{token}\r\n")
        self.state = "IDLE"

    # --- inside ------------------------------------------------------------------------------

    def say_log(self, level: str, module: str, text: str) -> None:
        """A line of its log."""
        seconds = asyncio.get_running_loop().time() - self._began
        self._console.log(level, module, text, seconds)

    def _restart(self) -> None:
        self.stop()
        self.start()

    async def _repeat(self, act: Callable[[], None]) -> None:
        while True:
            act()
            await self._wait(LOG_EVERY_S)

    async def _wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._speed)

    def _spawn(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
