"""Identities of simulated modems: a service that knows the modems can tell theirs from others."""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives.asymmetric import ec

from agent.protocols.nrf.cose import join
from agent.simulator.nrf_identity import ModemIdentity, genuine

MODEM = ModemIdentity("A")


def test_each_modem_has_an_identity_of_its_own_for_good():
    assert ModemIdentity("A").device_id == MODEM.device_id
    assert ModemIdentity("A").imei == MODEM.imei
    assert ModemIdentity("B").device_id != MODEM.device_id
    assert len(MODEM.imei) == 15


def test_what_a_modem_signed_can_be_told_from_what_it_did_not():
    token = MODEM.attest()
    assert genuine(token)
    assert MODEM.attest() != token
    body, signature = token.split(".")
    other = ModemIdentity("B").attest()
    assert not genuine(f"{body}.{other.split('.')[1]}")
    assert not genuine(body)
    forged = bytearray(base64.urlsafe_b64decode(signature + "="))
    forged[-1] ^= 1
    raw = base64.urlsafe_b64decode(body)
    assert not genuine(join(raw, bytes(forged)))


def test_a_made_key_is_signed_too():
    request = MODEM.request(ec.generate_private_key(ec.SECP256R1()))
    assert genuine(MODEM.sign_key(request, sec_tag=1, request=True))
