"""The simulated modem, command by command."""

from __future__ import annotations

import pytest

from agent.protocols.nrf.keygen import parse_keygen
from agent.protocols.nrf.token import parse_token
from agent.simulator.nrf_config import NrfConfig
from agent.simulator.nrf_identity import ModemIdentity, genuine
from agent.simulator.nrf_modem import SimulatedModem


def modem(**config: object) -> SimulatedModem:
    made = SimulatedModem(NrfConfig(**config), ModemIdentity("MODEM"))  # type: ignore[arg-type]  # of the test
    made.execute("AT+CMEE=1")
    return made


OFF = "AT+CFUN=4"
WRITE = 'AT%CMNG=0,7,0,"content"'


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("AT", ["OK"]),
        (" at+cgmm ", ["nRF9151-LACA", "OK"]),
        ("AT+CGMR", ["mfw_nrf91x1_2.0.2", "OK"]),
        ("AT+CMEE?", ["+CMEE: 1", "OK"]),
        ("AT+CFUN?", ["+CFUN: 1", "OK"]),
        ("AT+CPIN?", ["+CPIN: READY", "OK"]),
        ("AT+NONE", ["ERROR"]),
        ("hello", ["ERROR"]),
        ("at AT+CGSN", ["ERROR"]),
        ("AT+CMEE=7", ["ERROR"]),
        ("AT+CFUN=x", ["ERROR"]),
        ("AT+CPIN=1", ["ERROR"]),
        ('AT%ATTESTTOKEN="12"', ["ERROR"]),
        ("AT%KEYGEN=7,9,9", ["ERROR"]),
        ("AT%CMNG=9", ["ERROR"]),
        ("AT%CMNG=x,y", ["ERROR"]),
        (WRITE, ["+CME ERROR: 518"]),
        ("AT%KEYGEN=7,2,0", ["+CME ERROR: 518"]),
        ("AT%CMNG=3,7,0", ["+CME ERROR: 518"]),
        ("AT%CMNG=2,7,0", ["+CME ERROR: 513"]),
        ("AT%CMNG=1,7", ["OK"]),
    ],
)
def test_each_command_is_answered_as_by_the_real_one(command, answer):
    assert modem().execute(command) == answer


def test_a_sim_card_that_is_absent_is_an_error():
    assert modem(sim=False).execute("AT+CPIN?") == ["+CME ERROR: 10"]


def test_errors_have_numbers_only_for_who_asked_for_them():
    made = modem(refuse={"%CMNG": 514})
    assert made.execute("AT%CMNG=1") == ["+CME ERROR: 514"]
    made.restart()
    assert made.execute("AT%CMNG=1") == ["ERROR"]


def test_a_token_has_the_number_that_was_asked_for():
    nonce = bytes(range(16))
    line, end = modem().execute(f'AT%ATTESTTOKEN="{nonce.hex()}"')
    token = parse_token(line)
    assert (token.fresh(nonce), end) == (True, "OK")
    first, second = (modem().execute("AT%ATTESTTOKEN")[0] for _ in range(2))
    assert parse_token(first).nonce != parse_token(second).nonce


def test_the_store_keeps_what_it_is_given_and_no_private_key_leaves_it():
    made = modem()
    made.execute(OFF)
    assert made.execute(WRITE) == ["OK"]
    assert made.execute("AT%CMNG=2,7,0")[0].endswith(',"content"')
    line, end = made.execute('AT%KEYGEN=7,2,0,"CN=x"')
    assert end == "OK"
    assert genuine(parse_keygen(line).text)
    assert made.execute("AT%KEYGEN=7,2,0") == ["+CME ERROR: 519"]
    assert made.execute('AT%KEYGEN=8,2,0,"XX=x"') == ["ERROR"]
    assert made.execute("AT%CMNG=2,7,2") == ["+CME ERROR: 514"]
    assert len(made.execute("AT%CMNG=1,7")) == 3
    assert made.execute("AT%CMNG=3,7,2") == ["OK"]
    assert made.execute("AT%CMNG=3,7,2") == ["+CME ERROR: 513"]
    assert made.execute("AT%CMNG=3,4294967294,6") == ["+CME ERROR: 514"]
    assert made.execute('AT%CMNG=0,4294967294,6,"x"') == ["+CME ERROR: 514"]
    for tag in range(100, 200):
        end = made.execute(f'AT%CMNG=0,{tag},0,"x"')[-1]
    assert end == "+CME ERROR: 515"


def test_a_key_may_be_answered_with_its_public_half_alone_and_names_with_uses():
    made = modem()
    made.execute(OFF)
    line, end = made.execute("AT%KEYGEN=7,2,1")
    assert (parse_keygen(line).request, end) == (False, "OK")
    line, end = made.execute('AT%KEYGEN=8,2,0,"CN=x,O=y","101010000"')
    assert (parse_keygen(line).request, end) == (True, "OK")
