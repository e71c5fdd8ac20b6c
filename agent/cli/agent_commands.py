"""Commands that are the agent: ``run`` and ``demo``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent.cli.options import json_option

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from agent.cli.client import Client
    from agent.cli.demo import Demo
    from agent.cli.shell import Shell
    from agent.desktop.tray.host import TrayHost
    from agent.errors import ExitStatus
    from agent.settings import Secret


@click.command()
@click.option(
    "--headless", is_flag=True, help="Without a tray icon, for computers without a desktop."
)
@click.option(
    "--page",
    metavar="[PLACE]",
    is_flag=False,
    flag_value="",
    help="Open the page too, at a place such as job/3.",
)
@click.option("--no-page", is_flag=True, help="Do not open it, even if the agent runs already.")
@json_option
def run(
    *,
    headless: bool = False,
    page: str | None = None,
    no_page: bool = False,
    as_json: bool = False,
) -> None:
    """The agent: finds boards, serves the page, talks to pages that you allowed.

    There is one agent for each user: a second start has the first one open its page, and ends.
    """
    from agent.cli.output import Output
    from agent.cli.second_start import is_second_start
    from agent.desktop.browser import has_desktop
    from agent.settings.paths import find_paths

    again = page
    if page is None and not headless and has_desktop():
        again = ""  # Who starts what runs already wants to see it.
    if no_page:
        page = again = None
    if is_second_start(Output(as_json=as_json), find_paths(), again):
        return

    from agent.cli.shell import run_command
    from agent.desktop.tray.systems import choose_host

    tray, main_thread = (None, None) if headless else choose_host()

    def begin(shell: Shell) -> Awaitable[ExitStatus]:
        from agent.cli.inputs import drop_secret_variables
        from agent.cli.serve import serve
        from agent.settings.load import load_or_defaults

        drop_secret_variables()
        paths = find_paths()
        loaded = load_or_defaults(paths.config_file)
        return serve(
            shell.output,
            loaded.config,
            paths,
            problem=loaded.problem,
            page=page,
            again=again,
            tray=tray,
        )

    run_command(as_json, begin, main_thread)


@click.command()
@click.option(
    "--once",
    is_flag=True,
    help="Provision a board into each cloud and one in the air, without a browser, and exit.",
)
@click.option("--headless", is_flag=True, help="Without a tray icon.")
@click.option("--boards", "count", default=1, show_default=True, type=click.IntRange(1, 64))
@click.option(
    "--speed",
    default=1.0,
    type=click.FloatRange(0.1, 100),
    help="How much faster than real ones the boards are.",
)
@click.option(
    "--password-stdin",
    is_flag=True,
    help="Take the password of the simulated network from the first line of standard input.",
)
@json_option
def demo(
    *,
    once: bool,
    headless: bool,
    count: int,
    speed: float,
    password_stdin: bool,
    as_json: bool,
) -> None:
    """The agent with simulated boards and simulated clouds; opens the page.

    Beside the boards of --boards a MKR WiFi 1010 and an UNO R4 WiFi with provisioning 1.0 are
    plugged in, to be updated, an ESP32 and a Pico W, for ThingsBoard, a Thingy:91 X, for nRF Cloud,
    and an ESP32 with the firmware of Blynk; where dbus-daemon is installed another UNO R4 WiFi and
    an Improv device are in the air. Touches no board, no Bluetooth, no account and no file of yours.
    """

    def begin(shell: Shell) -> Awaitable[ExitStatus]:
        from agent.cli.inputs import drop_secret_variables, first_line

        drop_secret_variables()
        password = first_line("password") if password_stdin else None
        if once:
            return _once(shell, password, speed)
        return _show(shell, password, count, speed, tray)

    from agent.cli.shell import run_command
    from agent.desktop.tray.systems import choose_host

    tray, main_thread = (None, None) if headless or once else choose_host()
    run_command(as_json, begin, main_thread)


async def _show(
    shell: Shell,
    password: Secret | None,
    count: int,
    speed: float,
    tray: Callable[[], TrayHost] | None,
) -> ExitStatus:
    from agent.cli.demo import demo_surroundings
    from agent.cli.serve import serve

    async with demo_surroundings(
        password=password,
        boards=count,
        speed=speed,
        old_boards=True,
        thingsboard=True,
        families=True,
        tools=True,
        in_air=True,
    ) as demo:
        if demo.left_out:
            shell.output.note(demo.left_out)
        shown = demo.network.password.reveal() if password is None else "the one that you gave"
        shell.output.note(f"The password of {demo.network.ssid} is: {shown}")
        home = demo.paths.config_dir
        shell.output.note(f"Other commands find this agent with MOORING_HOME={home}")
        return await serve(
            shell.output,
            demo.config,
            demo.paths,
            page="",
            open_page=demo.open_page,
            prepare=demo.sign_in,
            tray=tray,
            demo=True,
        )


async def _once(shell: Shell, password: Secret | None, speed: float) -> ExitStatus:
    from agent.app import build
    from agent.cli.air import hear_board
    from agent.cli.connect import inside_client
    from agent.cli.demo import AIR_DEVICE_NAME, DEVICE_NAME, demo_surroundings
    from agent.errors import ExitStatus

    async with demo_surroundings(
        password=password, speed=speed, thingsboard=True, families=True, in_air=True
    ) as demo:
        app = build(demo.config, demo.paths)
        try:
            await app.start()
            await demo.sign_in(app)
            async with inside_client(app.connection()) as client:
                board = demo.boards.ports[0].serial_number
                status = await _provision(shell, client, demo, board, DEVICE_NAME)
                for others in (_provision_thingsboard, _provision_nrf, _provision_blynk):
                    if status is ExitStatus.DONE:
                        status = await others(shell, client, demo)
                if demo.left_out:
                    shell.output.note(demo.left_out)
                if status is not ExitStatus.DONE or not demo.air_address:
                    return status
                shell.output.note("Now a board without a cable, over Bluetooth LE:")
                heard = await hear_board(client, shell.output, demo.air_address)
                return await _provision(shell, client, demo, heard.id, AIR_DEVICE_NAME)
        finally:
            await app.close()


async def _provision(shell: Shell, client: Client, demo: Demo, board: str, name: str) -> ExitStatus:
    from agent.cli.follow import run_job
    from agent.cli.setup_commands import provisioned

    return await run_job(
        shell,
        client,
        provisioned,
        kind="provision",
        board=board,
        cloud="arduino",
        name=name,
        network=_network(demo),
    )


async def _provision_thingsboard(shell: Shell, client: Client, demo: Demo) -> ExitStatus:
    from agent.cli.demo_thingsboard import DEVICE_NAME
    from agent.cli.enrol_commands import enrolled
    from agent.cli.follow import run_job
    from agent.errors import ExitStatus

    if demo.thingsboard is None:
        return ExitStatus.DONE
    shell.output.note("Now an ESP32 whose sketch has the serial console, into ThingsBoard:")
    return await run_job(
        shell,
        client,
        enrolled,
        kind="provision",
        board=demo.thingsboard.console,
        cloud="thingsboard",
        name=DEVICE_NAME,
        network=_network(demo),
    )


async def _provision_nrf(shell: Shell, client: Client, demo: Demo) -> ExitStatus:
    from agent.cli.demo_families import NRF_DEVICE_NAME
    from agent.cli.family_told import provisioned
    from agent.cli.follow import run_job
    from agent.errors import ExitStatus

    if demo.nrf is None:
        return ExitStatus.DONE
    shell.output.note("Now a Thingy:91 X, into nRF Cloud:")
    return await run_job(
        shell,
        client,
        provisioned,
        kind="provision",
        board=demo.nrf.board.serial_number,
        cloud="nrf",
        name=NRF_DEVICE_NAME,
    )


async def _provision_blynk(shell: Shell, client: Client, demo: Demo) -> ExitStatus:
    from agent.cli.demo_families import BLYNK_DEVICE_NAME
    from agent.cli.family_told import provisioned
    from agent.cli.follow import run_job
    from agent.errors import ExitStatus

    if demo.blynk is None:
        return ExitStatus.DONE
    shell.output.note("Now a board with the firmware of Blynk, over its console:")
    return await run_job(
        shell,
        client,
        provisioned,
        kind="provision",
        board=demo.blynk.serial_number,
        cloud="blynk",
        name=BLYNK_DEVICE_NAME,
        network=_network(demo),
    )


def _network(demo: Demo) -> dict[str, object]:
    return {"kind": "wifi", "ssid": demo.network.ssid, "password": demo.network.password}
