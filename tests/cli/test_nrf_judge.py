"""Files of ``mooring nrf`` in the vendor's tools as they are, and the files of those in ours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from agent.protocols.nrf.csv import read_onboarding, read_tokens
from agent.simulator.nrf_config import NrfConfig
from tests.cli.nrf_home import NrfHome
from tests.simulator.test_nrf_cloud_judge import judge
from tests.simulator.test_nrf_judge import judge as store_judge

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.needs("nrf"),
    pytest.mark.slow,
    pytest.mark.timeout(90),
    pytest.mark.system("linux", "darwin"),
]

TAG = "nrf-cloud-onboarding"


async def test_tokens_travel_between_the_vendor_s_files_and_ours(tmp_path: Path) -> None:
    boards = (NrfConfig(firmware="at"), NrfConfig(firmware="tracker"))
    async with NrfHome(tmp_path, *boards, tls=True) as home:
        first, second = (each.serial_number for each in home.boards)
        address = home.boards[0].port.address
        words = ("--port", address, "--csv", "tokens.csv")
        await judge(home.cloud, tmp_path, "gather_attestation_tokens", *words, port=address)
        gathered = (tmp_path / "tokens.csv").read_text()
        append = ("nrf", "tokens", first, second, "--out", "tokens.csv", "--append", "--json")
        added = (await home.run(*append)).document
        assert [each["device_id"] for each in added["tokens"] if each["new"]] == [home.device(1)]
        read = read_tokens((tmp_path / "tokens.csv").read_text())
        theirs, ours = read.rows
        assert theirs == read_tokens(gathered).rows[0]
        assert (theirs.imei, ours.imei) == tuple(each.identity.imei for each in home.boards)

        # The vendor's claims the second of them, ours the other.
        home.cloud.state.strangers.add(home.device(0))
        words = ("--csv", "tokens.csv", "--provisioning-tags", TAG)
        said = await judge(home.cloud, tmp_path, "claim_devices", *words)
        assert "1 of 2 devices claimed" in said
        home.cloud.state.strangers.clear()
        told = (await home.run("nrf", "claim", "tokens.csv", "--json")).document
        states = {row["device_id"]: row["state"] for row in told["rows"]}
        assert states == {home.device(0): "done", home.device(1): "before"}
        claims = {each.id: each.tags for each in home.cloud.state.claims.values()}
        assert claims == dict.fromkeys(states, (TAG,))


async def test_boards_are_onboarded_by_either_with_the_authority_and_the_file_of_the_other(
    tmp_path: Path,
) -> None:
    boards = (NrfConfig(firmware="at"), NrfConfig(firmware="at"))
    async with NrfHome(tmp_path, *boards, tls=True) as home:
        home.cloud.bulks.waits = ()
        await judge(home.cloud, tmp_path, "create_ca_cert", "-f", "my_")
        (ca,) = tmp_path.glob("my_*_ca.pem")
        (key,) = tmp_path.glob("my_*_prv.pem")
        address = home.boards[0].port.address
        installer = ("--port", address, "--ca", str(ca), "--ca-key", str(key), "--coap")
        words = (*installer, "--csv", "onboard.csv", "--tags", "a|b", "--verify", "--delete")
        await judge(home.cloud, tmp_path, "device_credentials_installer", *words, port=address)
        ours = ("nrf", "onboard", home.boards[1].serial_number, "--csv", "onboard.csv")
        given = ("--ca", str(ca), "--ca-key", str(key), "--tag", "a", "--tag", "b")
        made = await home.run(*ours, *given, "--append")
        assert made.status == 0, made.err
        rows = read_onboarding((tmp_path / "onboard.csv").read_text()).rows
        assert [row.device_id for row in rows] == [home.device(0), home.device(1)]
        authority = x509.load_pem_x509_certificate(ca.read_bytes())
        for row in rows:
            issued = x509.load_pem_x509_certificate(row.certificate.encode())
            issued.verify_directly_issued_by(authority)
            assert (row.tags, row.firmware_types) == (("a", "b"), ("APP", "MODEM"))
        stores = [each.modem.store for each in home.boards]
        assert set(stores[0]) == set(stores[1])
        # The same authorities of the cloud, whoever wrote them.
        assert stores[0][16842753, 0].split() == stores[1][16842753, 0].split()

        listed = await store_judge(home.boards[1], "list")
        shown = (await home.run("nrf", "credentials", "list", "--json", ours[2])).document
        assert {sha.lower() for sha in re.findall(r"\b[0-9A-F]{64}\b", listed)} == {
            each["sha256"] for each in shown["credentials"]
        }

        sent = ("--csv", "onboard.csv", "--res", "result.csv")
        await judge(home.cloud, tmp_path, "nrf_cloud_onboard", *sent)
        assert (tmp_path / "result.csv").read_text().count(",OK") == 2
        theirs = dict(home.cloud.state.devices)
        home.cloud.state.devices.clear()
        again = (await home.run("nrf", "onboard", "--csv", "onboard.csv", "--json")).document
        assert [row["state"] for row in again["rows"]] == ["done", "done"]
        assert home.cloud.state.devices == theirs
