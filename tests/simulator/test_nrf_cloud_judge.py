"""The vendor's nrfcloud-utils, as it is, at the simulated cloud; and our client with the same result."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from agent.clouds.accounts import AccountStore
from agent.clouds.nrf.cloud import NrfCloud
from agent.protocols.nrf import csv as nrf_csv
from agent.protocols.nrf.commands import signing_request_of
from agent.protocols.nrf.csv import OnboardRow, TokenRow, read_tokens
from agent.protocols.nrf.keygen import parse_keygen
from agent.protocols.nrf.token import parse_token
from agent.simulator.nrf_cloud import SimulatedNrfCloud
from agent.simulator.nrf_cloud_commands import DeviceCommand, DeviceFailure
from agent.simulator.nrf_cloud_service import CloudService
from agent.simulator.nrf_cloud_state import NotClaimed
from agent.simulator.nrf_identity import ModemIdentity
from tests import system_parts
from tests.clouds.nrf.test_bulk import certificate
from tests.sessions.nrf_boards import board

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.simulator.nrf_board import SimulatedNrfBoard


pytestmark = [pytest.mark.needs("nrf"), pytest.mark.slow, pytest.mark.timeout(90)]

SCRIPT = Path(__file__).parents[1] / "judges" / "nrf_utils.py"
LIMIT_S = 80.0
"""It looks each five seconds at what it waits for."""
TAG = "nrf-cloud-onboarding"
KEYLESS = {"create_ca_cert", "device_credentials_installer", "gather_attestation_tokens"}


@pytest.fixture
async def cloud() -> AsyncIterator[SimulatedNrfCloud]:
    async with SimulatedNrfCloud(tls=True) as running:
        yield running


async def judge(
    cloud: SimulatedNrfCloud, folder: Path, program: str, *arguments: str, port: str = "none"
) -> str:
    """What one of its programs said; it must end well."""
    judged = system_parts.PARTS["nrf"].judge
    assert judged is not None
    authority = folder / "authority.pem"
    await asyncio.to_thread(authority.write_text, cloud.ca)
    proxied = {"HTTPS_PROXY": cloud.proxy.url, "REQUESTS_CA_BUNDLE": str(authority)}
    keyed = () if program in KEYLESS else ("--api-key", cloud.key.secret.reveal())
    process = await asyncio.create_subprocess_exec(
        *(str(judged.python), str(SCRIPT), port, program, *keyed, *arguments),
        env={"PATH": os.environ["PATH"], **proxied},
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(LIMIT_S):
            out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, out.decode()
    return out.decode()


async def ours(cloud: SimulatedNrfCloud, folder: Path) -> NrfCloud:
    store = AccountStore(folder / "accounts.json", use_keyring=False)
    url = cloud.base_url
    client = NrfCloud(accounts=store, provisioning_url=url, devices_url=url)
    await client.login({"api_key": cloud.key.secret})
    return client


def claims(cloud: SimulatedNrfCloud) -> dict[str, tuple[str, ...]]:
    return {claimed.id: claimed.tags for claimed in cloud.state.claims.values()}


async def test_its_claims_of_our_file_are_those_of_our_client(cloud, tmp_path):
    modems = [ModemIdentity(str(number)) for number in range(3)]
    rows = [TokenRow(parse_token(m.attest()), m.imei, "2026-01-02T03:04:05+00:00") for m in modems]
    (tmp_path / "tokens.csv").write_text(nrf_csv.token_file(rows).reveal())
    cloud.state.strangers.add(rows[2].token.device_id)
    words = ("--csv", "tokens.csv", "--provisioning-tags", f"{TAG},site=1")
    said = await judge(cloud, tmp_path, "claim_devices", *words)
    assert "2 of 3 devices claimed" in said
    assert set(cloud.proxy.asked) == {"api.provisioning.nrfcloud.com:443"}
    theirs = claims(cloud)
    assert set(theirs.values()) == {(TAG, "site=1")}
    async with SimulatedNrfCloud() as other:
        other.state.strangers |= cloud.state.strangers
        client = await ours(other, tmp_path)
        results = await client.claim_many([row.token for row in rows], [TAG, "site=1"])
        await client.close()
        assert [result.state for result in results] == ["done", "done", "failed"]
        assert claims(other) == theirs


async def test_its_devices_of_our_file_are_those_of_our_client(cloud, tmp_path):
    pem = certificate("a")
    rows = [
        OnboardRow("nrf-350000000000000", pem, "pump", ("a", "b")),
        OnboardRow("second", pem, firmware_types=("APP", "BOOT")),
    ]
    (text,) = nrf_csv.onboarding_files(rows)
    (tmp_path / "onboard.csv").write_text(text)
    cloud.state.devices.clear()
    words = ("--csv", "onboard.csv", "--res", "result.csv")
    cloud.bulks.waits = ("IN_PROGRESS",)
    await judge(cloud, tmp_path, "nrf_cloud_onboard", *words)
    result = (tmp_path / "result.csv").read_text()
    assert "nrf-350000000000000,OK" in result
    assert "second,OK" in result
    again = await judge(cloud, tmp_path, "nrf_cloud_onboard", "--csv", "onboard.csv", "--res", "r2")
    assert "Device already exists" in again
    assert (tmp_path / "r2").read_text().count("Device already exists") == 2
    async with SimulatedNrfCloud() as other:
        client = await ours(other, tmp_path)
        first = await client.onboard_many(rows)
        second = await client.onboard_many(rows)
        await client.close()
        assert [r.state for r in first + second] == ["done", "done", "failed", "failed"]
        assert {r.problem for r in second} == {"Device already exists"}
        assert other.state.devices == cloud.state.devices


async def test_its_claim_of_a_board_with_the_rule_is_that_of_our_client(cloud, tmp_path):
    service = CloudService(cloud.state)
    async with board(service, firmware="tracker") as plugged:
        words: tuple[str, ...] = ("--port", plugged.port.address, "--provisioning-tags", TAG)
        address = plugged.port.address
        await judge(cloud, tmp_path, "claim_and_provision_device", *words, port=address)
        device_id = str(plugged.identity.device_id)
        async with asyncio.timeout(20):
            while device_id not in cloud.state.devices:  # it restarted the board
                await asyncio.sleep(0.01)
        async with SimulatedNrfCloud() as other:
            client = await ours(other, tmp_path)
            assert await client.ensure_rule() == "made"
            await client.claim(parse_token(plugged.identity.attest()))
            await client.close()
            assert claims(other) == claims(cloud)
            assert comparable(other.state.rules) == comparable(cloud.state.rules)
        client = await ours(cloud, tmp_path)
        assert await client.ensure_rule() == "there"
        outcome = await client.claim(parse_token(plugged.identity.attest()))
        await client.close()
        assert outcome.before
        words = ("--unclaim", *words)  # the one thing that ours never does by itself
        await judge(cloud, tmp_path, "claim_and_provision_device", *words, port=address)
        assert cloud.record.count("unclaim", 204) == 1


async def test_tokens_that_it_gathers_are_read_and_claimed_by_ours(cloud, tmp_path):
    async with board(firmware="at") as plugged:
        address = plugged.port.address
        words = ("--port", address, "--csv", "tokens.csv")
        await judge(cloud, tmp_path, "gather_attestation_tokens", *words, port=address)
        read = read_tokens((tmp_path / "tokens.csv").read_text())
        (row,) = read.rows
        assert (row.imei, row.token.device_id) == (
            plugged.identity.imei,
            str(plugged.identity.device_id),
        )
        client = await ours(cloud, tmp_path)
        (result,) = await client.claim_many([row.token])
        await client.close()
        assert result.state == "done"


async def test_its_long_way_with_a_certificate_of_its_own_works_and_ours_sees_each_step(
    cloud, tmp_path
):
    await judge(cloud, tmp_path, "create_ca_cert", "-f", "my_")
    (ca,) = tmp_path.glob("my_*_ca.pem")
    (key,) = tmp_path.glob("my_*_prv.pem")
    async with board(firmware="at") as plugged:
        address, device_id = plugged.port.address, str(plugged.identity.device_id)
        words = ("--port", address, "--ca", str(ca), "--ca-key", str(key), "--tags", "a|b")
        online = asyncio.create_task(comes_online_often(cloud, plugged))
        said = await judge(cloud, tmp_path, "claim_and_provision_device", *words, port=address)
        online.cancel()
        assert "Onboarding API call response: 202" in said
        client = await ours(cloud, tmp_path)
        states = await client.follow(device_id, await client.all_commands(device_id))
        record = await client.record(device_id)
        await client.close()
        assert [state.name for state in states] == [
            "certificateSigningRequest",
            "clientCertificate",
            "serverCertificate",
            "finished",
        ]
        made = parse_keygen(signing_request_of(states[0].response) or "")
        request = x509.load_pem_x509_csr(made.pem.encode())
        stored = x509.load_pem_x509_certificate(cloud.state.devices[device_id].certificate.encode())
        assert stored.public_key() == request.public_key()
        assert plugged.modem.store[16842753, 1].split() == stored_text(stored)
        assert record is not None
        assert record.tags == ("a", "b")


def stored_text(certificate_: x509.Certificate) -> list[str]:
    return certificate_.public_bytes(serialization.Encoding.PEM).decode().split()


async def comes_online_often(cloud: SimulatedNrfCloud, plugged: SimulatedNrfBoard) -> None:
    """The board asks for its commands, as after a restart."""

    def execute(command: DeviceCommand) -> str:
        if not command.name:
            return ""
        plugged.modem.mode = 4
        plugged.modem.execute("AT+CMEE=1")
        *lines, end = plugged.modem.execute(f"AT{command.name}={command.parameters}")
        if end != "OK":
            raise DeviceFailure(int(end.rpartition(" ")[2]))
        return "\n".join(lines)

    while True:
        with contextlib.suppress(NotClaimed):
            cloud.state.come_online(str(plugged.identity.device_id), execute)
        await asyncio.sleep(0.05)


def comparable(rules: dict[str, list[dict[str, Any]]]) -> list[Any]:
    """Rules without what is each time another."""
    return [
        (rule["name"], rule["active"], rule["tags"], [_bare(c) for c in rule["commands"]])
        for rule in rules["team-1"]
    ]


def _bare(command: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {k: v.split() if k == "content" else v for k, v in fields.items()}
        for name, fields in command["request"].items()
    }
