"""The authorities of nRF Cloud are the ones that are published."""

from __future__ import annotations

import hashlib

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from agent.protocols.nrf.authorities import authorities
from agent.protocols.nrf.commands import server_certificate

AMAZON_ROOT_CA_1 = "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e"
"""SHA-256, as https://www.amazontrust.com/repository/ names it."""


def test_coap_needs_two_and_mqtt_the_first_of_them():
    coap, mqtt = (
        x509.load_pem_x509_certificates(authorities(coap=coap).encode()) for coap in (True, False)
    )
    assert len(coap) == 2
    assert coap[:1] == mqtt
    digest = hashlib.sha256(mqtt[0].public_bytes(Encoding.DER)).hexdigest()
    assert digest == AMAZON_ROOT_CA_1
    coap[1].verify_directly_issued_by(coap[1])


def test_both_fit_into_one_command():
    server_certificate(authorities())
