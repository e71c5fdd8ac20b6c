"""The modem's store: written with proof, overwritten only when asked, keys that never leave it."""

from __future__ import annotations

import pytest
from cryptography import x509

from agent.errors import (
    InputError,
    NrfCredentialDiffers,
    NrfCredentialExists,
    NrfKeyDamaged,
    NrfModemOff,
    NrfNoAttestation,
    NrfRefused,
)
from agent.protocols.nrf.cmng import CLOUD_TAG, CredentialType
from agent.protocols.nrf.keygen import parse_keygen
from agent.sessions.nrf_store import NrfStore
from agent.settings import Secret
from agent.simulator.nrf_identity import genuine
from tests.sessions.nrf_boards import talking

CA = "-----BEGIN CERTIFICATE-----\n" + "\n".join(["A" * 64] * 30) + "\n-----END CERTIFICATE-----"
OTHER = CA.replace("A", "B")
ROOT, KEY = CredentialType.ROOT_CA, CredentialType.CLIENT_KEY


@pytest.mark.parametrize("firmware", ["at", "tracker"])
async def test_a_credential_is_written_proved_and_deleted(firmware):
    async with talking(firmware=firmware) as (plugged, opened):
        store = NrfStore(opened)
        await store.write(CLOUD_TAG, ROOT, Secret(CA))
        held = plugged.modem.store[CLOUD_TAG, ROOT]
        assert held.replace("\r", "") == CA
        assert plugged.modem.mode == 1
        assert [(each.tag, each.kind) for each in await store.held(CLOUD_TAG)] == [(CLOUD_TAG, 0)]
        assert len(await store.held()) == 4  # and the modem's own keys
        assert await store.delete(CLOUD_TAG, ROOT)
        assert not await store.delete(CLOUD_TAG, ROOT)
        assert await store.held(CLOUD_TAG) == []


async def test_a_credential_is_overwritten_only_when_that_is_asked_for():
    async with talking(firmware="tracker") as (plugged, opened):
        store = NrfStore(opened)
        await store.write(CLOUD_TAG, ROOT, Secret(CA))
        with pytest.raises(NrfCredentialExists) as raised:
            await store.write(CLOUD_TAG, ROOT, Secret(OTHER))
        assert raised.value.facts == {"kind": "root ca", "tag": CLOUD_TAG}
        written = plugged.modem.commands.count("%CMNG")
        await store.write(CLOUD_TAG, ROOT, Secret(CA))
        assert plugged.modem.commands.count("%CMNG") == written + 1, "only looked at"
        await store.write(CLOUD_TAG, ROOT, Secret(OTHER), overwrite=True)
        assert plugged.modem.store[CLOUD_TAG, ROOT].replace("\r", "") == OTHER


async def test_a_shell_that_loses_the_end_of_a_line_is_noticed():
    async with talking(firmware="tracker", line_bytes=600) as (plugged, opened):
        with pytest.raises((NrfCredentialDiffers, NrfRefused)):
            await NrfStore(opened).write(CLOUD_TAG, ROOT, Secret(CA))
        assert plugged.modem.mode == 1


async def test_what_the_modem_stored_wrongly_is_noticed():
    async with talking(firmware="at") as (plugged, opened):
        plugged.modem.keeps = lambda content: content[:-1]
        with pytest.raises(NrfCredentialDiffers):
            await NrfStore(opened).write(CLOUD_TAG, ROOT, Secret(CA))


@pytest.mark.parametrize("firmware", ["at", "tracker"])
@pytest.mark.parametrize("old", [False, True])
async def test_a_key_is_made_in_the_modem_and_its_request_is_genuine(firmware, old):
    async with talking(firmware=firmware, old_requests=old) as (plugged, opened):
        made = await NrfStore(opened).make_key(CLOUD_TAG, "CN=tester,O=Mooring")
        assert made.device_id == str(plugged.identity.device_id)
        assert genuine(made.text)
        request = x509.load_pem_x509_csr(made.pem.encode())
        assert request.is_signature_valid
        assert request.subject.rfc4514_string() == "O=Mooring,CN=tester"
        assert plugged.modem.mode == 1


async def test_a_key_that_is_there_is_replaced_only_when_that_is_asked_for():
    async with talking(firmware="at") as (plugged, opened):
        store = NrfStore(opened)
        first = await store.make_key(CLOUD_TAG)
        before = plugged.modem.store[CLOUD_TAG, KEY]
        with pytest.raises(NrfCredentialExists):
            await store.make_key(CLOUD_TAG)
        assert plugged.modem.store[CLOUD_TAG, KEY] == before
        assert (await store.make_key(CLOUD_TAG, overwrite=True)).der != first.der
        assert plugged.modem.store[CLOUD_TAG, KEY] != before


async def test_an_answer_about_a_key_that_lost_its_end_is_told():
    async with talking(firmware="at") as (plugged, opened):
        plugged.modem.says_of_key = lambda said: said[:-20]
        with pytest.raises(NrfKeyDamaged, match="its end is missing"):
            await NrfStore(opened).make_key(CLOUD_TAG)


async def test_an_answer_about_the_key_of_another_tag_is_told():
    async with talking(firmware="at") as (plugged, opened):
        sign, request = plugged.identity.sign_key, parse_keygen
        plugged.modem.says_of_key = lambda said: sign(request(said).der, sec_tag=7, request=True)
        with pytest.raises(NrfKeyDamaged, match="another tag"):
            await NrfStore(opened).make_key(CLOUD_TAG)


@pytest.mark.parametrize("mode", [0, 4])
async def test_a_radio_that_was_off_stays_off(mode):
    async with talking(firmware="at") as (plugged, opened):
        plugged.modem.mode = mode
        await NrfStore(opened).write(1, ROOT, Secret(CA))
        assert plugged.modem.mode == mode


@pytest.mark.parametrize(
    ("tag", "content"), [(-1, CA), (2**31, CA), (1, ""), (1, 'a"b'), (1, "ü"), (1, "A" * 5000)]
)
async def test_what_cannot_be_written_is_refused_before_anything_is_said(tag, content):
    async with talking(firmware="at") as (plugged, opened):
        said = len(plugged.received)
        with pytest.raises(InputError):
            await NrfStore(opened).write(tag, ROOT, Secret(content))
        assert len(plugged.received) == said


async def test_the_modem_s_own_keys_stay():
    async with talking(firmware="at") as (plugged, opened):
        with pytest.raises(InputError):
            await NrfStore(opened).delete(4_294_967_294, CredentialType.IDENTITY_PUBLIC_KEY)
        with pytest.raises(InputError):
            await NrfStore(opened).make_key(1, 'CN="x"')
        assert plugged.modem.store == {}


async def test_a_full_store_is_told_and_the_radio_comes_back():
    async with talking(firmware="at") as (plugged, opened):
        plugged.modem.store = {(number, 0): "x" for number in range(40)}
        with pytest.raises(NrfRefused, match="full"):
            await NrfStore(opened).write(CLOUD_TAG, ROOT, Secret(CA))
        assert plugged.modem.mode == 1


async def test_without_a_modem_there_is_no_store():
    async with talking(firmware="tracker", modem=False) as (_, opened):
        with pytest.raises(NrfModemOff):
            await NrfStore(opened).held()
    async with talking(firmware="sample") as (_, opened):
        with pytest.raises(NrfNoAttestation):
            await NrfStore(opened).held()


async def test_an_empty_place_may_be_an_error_of_the_modem():
    async with talking(firmware="at", refuse={"%CMNG": 513}) as (_, opened):
        assert await NrfStore(opened).held(1, ROOT) == []
    async with talking(firmware="at", refuse={"%CMNG": 514}) as (_, opened):
        with pytest.raises(NrfRefused):
            await NrfStore(opened).held(1, ROOT)
        with pytest.raises(NrfRefused):
            await NrfStore(opened).delete(1, ROOT)
