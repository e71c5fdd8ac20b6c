"""Commands that are the agent: ``run`` and ``demo``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent.cli.options import json_option
from agent.cli.shell import run_command

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from agent.cli.shell import Shell
    from agent.errors import ExitStatus
    from agent.settings import Secret


@click.command()
@click.option(
    "--headless", is_flag=True, help="Without a tray icon, for computers without a desktop."
)
@json_option
def run(*, headless: bool = False, as_json: bool = False) -> None:
    """The agent: finds boards, serves the page, talks to pages that you allowed."""
    del headless  # There is no tray yet, so both ways are the same.

    def begin(shell: Shell) -> Awaitable[ExitStatus]:
        from agent.cli.inputs import drop_secret_variables
        from agent.cli.serve import serve
        from agent.settings.config import load_config
        from agent.settings.paths import find_paths

        drop_secret_variables()
        paths = find_paths()
        return serve(shell.output, load_config(paths.config_file), paths)

    run_command(as_json, begin)


@click.command()
@click.option("--once", is_flag=True, help="Provision the board without a browser, and exit.")
@click.option("--boards", "count", default=1, show_default=True, type=click.IntRange(1, 64))
@click.option(
    "--password-stdin",
    is_flag=True,
    help="Take the password of the simulated network from the first line of standard input.",
)
@json_option
def demo(*, once: bool, count: int, password_stdin: bool, as_json: bool) -> None:
    """The agent with simulated boards and a simulated cloud; opens the page.

    Beside the boards of --boards a MKR WiFi 1010 and an UNO R4 WiFi with provisioning 1.0 are
    plugged in, to be updated. Touches no board, no account and no file of yours.
    """

    def begin(shell: Shell) -> Awaitable[ExitStatus]:
        from agent.cli.inputs import drop_secret_variables, first_line

        drop_secret_variables()
        password = first_line("password") if password_stdin else None
        return _once(shell, password) if once else _show(shell, password, count)

    run_command(as_json, begin)


async def _show(shell: Shell, password: Secret | None, count: int) -> ExitStatus:
    from agent.cli.demo import demo_surroundings
    from agent.cli.serve import serve

    async with demo_surroundings(password=password, boards=count, old_boards=True) as demo:
        shown = demo.network.password.reveal() if password is None else "the one that you gave"
        shell.output.note(f"The password of {demo.network.ssid} is: {shown}")
        home = demo.paths.config_dir
        shell.output.note(f"Other commands find this agent with MOORING_HOME={home}")
        return await serve(
            shell.output, demo.config, demo.paths, open_page=True, prepare=demo.sign_in
        )


async def _once(shell: Shell, password: Secret | None) -> ExitStatus:
    from agent.app import build
    from agent.cli.connect import inside_client
    from agent.cli.demo import DEVICE_NAME, demo_surroundings
    from agent.cli.follow import run_job
    from agent.cli.setup_commands import provisioned

    async with demo_surroundings(password=password) as demo:
        app = build(demo.config, demo.paths)
        try:
            await app.start()
            await demo.sign_in(app)
            async with inside_client(app.connection()) as client:
                return await run_job(
                    shell,
                    client,
                    provisioned,
                    kind="provision",
                    board=demo.boards.ports[0].serial_number,
                    cloud="arduino",
                    name=DEVICE_NAME,
                    network={
                        "kind": "wifi",
                        "ssid": demo.network.ssid,
                        "password": demo.network.password,
                    },
                )
        finally:
            await app.close()
