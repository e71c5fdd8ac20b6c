"""Which board a command means: BOARD, or the network that a board has opened."""

from __future__ import annotations

import click
from click.testing import CliRunner

from agent.cli.client import Client
from agent.cli.output import Output
from agent.cli.target import Target, target_options


class NoTransport:
    async def send(self, message: str | bytes) -> None:
        raise AssertionError(message)

    async def close(self) -> None:
        return None


def client() -> tuple[Client, Output]:
    return Client(NoTransport()), Output()


async def test_a_job_is_told_what_the_person_said() -> None:
    board = Target("usb-1", None, None, None)
    assert await board.reach(*client()) == {"board": "usb-1"}
    point = Target("", None, "Blynk Pump-4Y1H", "blynk")
    wanted = {"board": "", "access_point": "Blynk Pump-4Y1H", "cloud": "blynk"}
    assert await point.reach(*client()) == wanted
    both = Target("usb-1", None, "Blynk Pump-4Y1H", None)
    named = {"board": "usb-1", "via": "ap", "access_point": "Blynk Pump-4Y1H"}
    assert await both.reach(*client()) == named
    cable = Target("usb-1", "usb", None, "nrf")
    assert await cable.reach(*client()) == {"board": "usb-1", "via": "usb", "cloud": "nrf"}


def test_one_of_the_two_is_needed() -> None:
    seen: list[Target] = []

    @click.command()
    @target_options
    def command(*, target: Target) -> None:
        seen.append(target)

    assert "Missing argument 'BOARD'" in CliRunner().invoke(command, []).output
    assert CliRunner().invoke(command, ["--access-point", "x"]).exit_code == 0
    assert CliRunner().invoke(command, ["b", "--cloud", "nrf"]).exit_code == 0
    assert CliRunner().invoke(command, ["b", "--cloud", "arduino"]).exit_code == 2
    assert seen == [Target("", None, "x", None), Target("b", None, None, "nrf")]
