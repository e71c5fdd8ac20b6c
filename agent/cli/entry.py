"""The command ``mooring``: its sub-commands are imported only when they are used."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Final, NoReturn

import click

from agent import __version__
from agent.errors import ErrorReport, ExitStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS: Final = {
    "run": ("agent.cli.agent_commands:run", "The agent: page, bridge, tray."),
    "demo": ("agent.cli.agent_commands:demo", "The agent with simulated boards and clouds."),
    "pause": ("agent.cli.control_commands:pause", "Have the agent let go of every board."),
    "resume": ("agent.cli.control_commands:resume", "End a pause."),
    "quit": ("agent.cli.control_commands:quit_", "End the agent."),
    "boards": ("agent.cli.board_list:boards", "The boards that are connected, or in the air."),
    "identify": ("agent.cli.board_commands:identify", "What a board is."),
    "networks": ("agent.cli.board_commands:networks", "The Wi-Fi networks that a board sees."),
    "blink": ("agent.cli.board_commands:blink", "Have a device show which one it is."),
    "provision": ("agent.cli.setup_commands:provision", "Give a board its network and its cloud."),
    "configure": ("agent.cli.job_commands:configure", "Change the network of a board."),
    "forget": ("agent.cli.job_commands:forget", "Erase the network settings of a board."),
    "batch": ("agent.cli.batch_commands:batch", "Many boards, by a list."),
    "migrate": ("agent.cli.setup_commands:migrate", "Bring a board from provisioning 1.0 to 2.0."),
    "flash": ("agent.cli.flash_commands:flash", "Write a sketch to a board."),
    "monitor": ("agent.cli.monitor:monitor", "The serial monitor of a board."),
    "jobs": ("agent.cli.job_commands:jobs", "What was done."),
    "job": ("agent.cli.job_commands:job", "One job with its steps."),
    "clouds": ("agent.cli.cloud_commands:clouds", "The clouds, and where you are signed in."),
    "cloud": ("agent.cli.cloud_commands:cloud", "Sign in to a cloud, and out."),
    "vault": ("agent.cli.vault_commands:vault", "What clouds gave to boards, encrypted."),
    "remove": ("agent.cli.remove_commands:remove", "Remove a device for good."),
    "nrf": ("agent.cli.nrf_commands:nrf", "nRF Cloud: tokens and files of many boards."),
    "renew": ("agent.cli.renew_commands:renew", "New credentials for a board that is set up."),
    "blynk": ("agent.cli.blynk_commands:blynk", "Blynk: the devices of the account."),
    "gateway": ("agent.cli.gateway_commands:gateway", "The agent as a gateway of ThingsBoard."),
    "origins": ("agent.cli.origin_commands:origins", "Which web pages may talk to the agent."),
    "doctor": ("agent.cli.doctor_commands:doctor", "What on this computer is in the way."),
    "report": ("agent.cli.report_commands:report", "One text for a bug report."),
    "config": ("agent.cli.config_commands:config", "The settings, and changing them."),
    "service": ("agent.cli.service_commands:service", "Start the agent when you log in."),
    "sketches": ("agent.cli.sketch_commands:sketches", "The sketches for provisioning."),
    "tools": ("agent.cli.tool_commands:tools", "The tools that web pages had installed."),
    "simulate": ("agent.cli.simulate:simulate", "A simulated board."),
}
"""Where each command is, and what the list of commands says about it."""


class LazyGroup(click.Group):
    """Knows its commands by name and loads the one that is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """See the base class."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """See the base class."""
        del ctx
        return load(cmd_name) if cmd_name in COMMANDS else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """See the base class; loads no command."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Where the files of this user are."""
        del ctx
        from agent.settings.paths import find_paths

        paths = find_paths()
        with formatter.section("Files"):
            formatter.write_dl([("settings", str(paths.config_file)), ("log", str(paths.log_file))])


def load(name: str) -> click.Command:
    """Import a command of :data:`COMMANDS`."""
    module, _, attribute = COMMANDS[name][0].partition(":")
    command: click.Command = getattr(importlib.import_module(module), attribute)
    return command


@click.command(cls=LazyGroup, invoke_without_command=True)
@click.version_option(__version__, prog_name="mooring")
@click.pass_context
def mooring(context: click.Context) -> None:
    """Get microcontroller boards onto a network and into a cloud.

    BOARD is an id of the list that `mooring boards` prints, or any part of one that no other board
    has: a port, a serial number, a name, an address in the air. Without a command the agent runs.
    """
    if context.invoked_subcommand is None:
        context.invoke(load("run"))


def main(words: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit status."""
    given = list(sys.argv[1:] if words is None else words)
    try:
        mooring.main(given, prog_name="mooring", standalone_mode=False)
    except click.UsageError as error:
        _show_usage(error, as_json="--json" in given)
        sys.exit(ExitStatus.USAGE)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(ExitStatus.INTERRUPTED)
    sys.exit(ExitStatus.DONE)


def _show_usage(error: click.UsageError, *, as_json: bool) -> None:
    from agent.cli.output import Output

    path = error.ctx.command_path if error.ctx is not None else "mooring"
    report = ErrorReport(
        code="usage",
        title=error.format_message(),
        meaning="Nothing was done.",
        remedy=f"See: {path} --help",
        retryable=False,
    )
    Output(as_json=as_json).error(report)
