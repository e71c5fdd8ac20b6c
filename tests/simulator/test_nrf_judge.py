"""The vendor's nrfcredstore, as it is, on the simulated modem; and our session on the same one."""

from __future__ import annotations

import asyncio
import base64
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from agent.protocols.nrf.cmng import CLOUD_TAG, CredentialType, digests
from agent.protocols.nrf.keygen import parse_keygen
from agent.protocols.nrf.token import parse_token
from agent.sessions.nrf_store import NrfStore
from agent.settings import Secret
from agent.simulator.nrf_identity import genuine
from tests import system_parts
from tests.sessions.nrf_boards import board, session

if TYPE_CHECKING:
    from agent.simulator.nrf_board import SimulatedNrfBoard

pytestmark = [
    pytest.mark.needs("nrf"),
    pytest.mark.slow,
    pytest.mark.timeout(90),
    pytest.mark.system("linux", "darwin"),  # it opens serial ports: pseudo-terminals
]

SCRIPT = Path(__file__).parents[1] / "judges" / "nrf_credstore.py"
LIMIT_S = 60.0
"""It starts in half a second and waits a tenth of a second between two lines."""
CA = (
    "-----BEGIN CERTIFICATE-----\n"
    + "\n".join(["MII" + "A" * 61] * 8)
    + "\n-----END CERTIFICATE-----"
)


async def judge(plugged: SimulatedNrfBoard, *arguments: str) -> str:
    """What the vendor's tool printed; it must end well."""
    judged = system_parts.PARTS["nrf"].judge
    assert judged is not None
    process = await asyncio.create_subprocess_exec(
        *(str(judged.python), str(SCRIPT), plugged.port.address, *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(LIMIT_S):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, (out + err).decode()
    assert b"ERROR" not in err, err
    return out.decode()


@pytest.mark.parametrize("firmware", ["at", "tracker"])
async def test_the_vendor_s_tool_and_ours_find_the_same_on_one_modem(firmware, tmp_path):
    async with board(firmware=firmware) as plugged:
        said = await judge(plugged, "attoken")
        theirs = parse_token(said.rpartition(": ")[2])
        assert genuine(theirs.text.reveal())
        certificate = tmp_path / "ca.pem"
        certificate.write_text(CA + "\n")
        await judge(plugged, "write", str(CLOUD_TAG), "ROOT_CA_CERT", str(certificate))
        async with session(plugged) as opened:
            store = NrfStore(opened)
            ours = await opened.read_token()
            assert (ours.device_id, ours.chip, ours.firmware_id) == (
                theirs.device_id,
                theirs.chip,
                theirs.firmware_id,
            )
            imei = (await opened.identify()).imei
            before = plugged.modem.store[CLOUD_TAG, CredentialType.ROOT_CA]
            # What theirs wrote is what ours would write: it is left as it is.
            await store.write(CLOUD_TAG, CredentialType.ROOT_CA, Secret(CA))
            assert plugged.modem.store[CLOUD_TAG, CredentialType.ROOT_CA] == before
            await store.write(CLOUD_TAG + 1, CredentialType.CLIENT_CERTIFICATE, Secret(CA))
            made = await store.make_key(CLOUD_TAG)
            held = {(each.tag, each.kind, each.sha256) for each in await store.held()}
        plugged.modem.mode = 4
        listed = await judge(plugged, "list")
        rows = re.findall(r"^(\d+) +([A-Z_]+) +([0-9A-F]{64})", listed, re.MULTILINE)
        assert {(int(tag), sha.lower()) for tag, _, sha in rows} == {
            (tag, sha) for tag, _, sha in held
        }
        assert {sha for tag, _, sha in held if tag == CLOUD_TAG + 1} <= digests(CA)
        assert imei in await judge(plugged, "imei")
        assert genuine(made.text)


async def test_a_request_that_the_vendor_s_tool_saved_is_read_by_ours(tmp_path):
    async with board(firmware="at", old_requests=True) as plugged:
        saved = tmp_path / "request.der"
        names = "--attributes=CN=tester"
        await judge(plugged, "generate", str(CLOUD_TAG), str(saved), names)
        assert (CLOUD_TAG, CredentialType.CLIENT_KEY) in plugged.modem.store
        data = saved.read_bytes()
        made = parse_keygen(base64.urlsafe_b64encode(data).decode().rstrip("="), unsigned=True)
        assert made.request
        request = x509.load_pem_x509_csr(made.pem.encode())
        assert request.is_signature_valid
        assert request.subject.rfc4514_string() == "CN=tester"
        await judge(plugged, "delete", str(CLOUD_TAG), "CLIENT_KEY")
        assert plugged.modem.store == {}
