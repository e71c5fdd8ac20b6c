"""``mooring nrf``: nRF Cloud beyond one board: tokens and files of many, credentials, lists."""

from __future__ import annotations

import click

from agent.cli.nrf_claim import claim
from agent.cli.nrf_credentials import credentials
from agent.cli.nrf_lists import commands, devices
from agent.cli.nrf_onboard import onboard
from agent.cli.nrf_tokens import tokens


@click.group()
def nrf() -> None:
    """Boards with an nRF91 and nRF Cloud.

    One board is set up with `mooring provision BOARD --cloud nrf`. Sign in first: `mooring cloud
    login nrf`; reading tokens, credentials and preparing boards need no account.
    """


for each in (devices, commands, tokens, claim, onboard, credentials):
    nrf.add_command(each)
