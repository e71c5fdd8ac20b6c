"""Commands about the modem's store, and what it lists."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.protocols.nrf import cmng
from agent.protocols.nrf.cmng import CredentialType, StoredCredential

SHA = "2C43952EE9E000FF2ACC4E2ED0897C0A72AD5FA72C3D934E81741CBD54F05BD1"


def test_commands_are_as_the_reference_tool_writes_them():
    assert cmng.list_command() == "AT%CMNG=1"
    assert cmng.list_command(7) == "AT%CMNG=1,7"
    assert cmng.list_command(7, CredentialType.ROOT_CA) == "AT%CMNG=1,7,0"
    assert cmng.write_command(7, CredentialType.PSK, "x") == 'AT%CMNG=0,7,3,"x"'
    assert cmng.delete_command(7, CredentialType.CLIENT_KEY) == "AT%CMNG=3,7,2"
    assert cmng.keygen_command(7) == "AT%KEYGEN=7,2,0"
    assert cmng.keygen_command(7, "CN=a,O=b") == 'AT%KEYGEN=7,2,0,"CN=a,O=b"'


def test_a_list_is_read_and_other_lines_are_left_out():
    lines = [f'%CMNG: 7,0,"{SHA}"', "noise", '%CMNG: 7,1,"12"', f'%CMNG: 8, 99, "{SHA}"']
    assert cmng.parse_list(lines) == [
        StoredCredential(7, 0, SHA.lower()),
        StoredCredential(8, 99, SHA.lower()),
    ]


@pytest.mark.parametrize("content", ["", 'a"b', "a'b", "a\\nb", "ü", "A" * 4097, "a\x00"])
def test_what_cannot_be_said_in_a_command_is_refused(content):
    with pytest.raises(ValueError, match="a credential"):
        cmng.check_content(content)


@pytest.mark.parametrize("names", ["CN", 'CN="x"', "CN=a,", "CN=a'", "=x", "CN=a\r\nAT+CFUN=0"])
def test_names_that_would_end_the_command_are_refused(names):
    with pytest.raises(ValueError, match="the names"):
        cmng.check_attributes(names)


def test_names_and_tags_that_are_right_are_taken():
    cmng.check_attributes("")
    cmng.check_attributes("CN=50360000-0000-4000-8000-0000000000a1,O=Our Company")
    cmng.check_tag(0)
    cmng.check_tag(cmng.CLOUD_TAG)
    for tag in (-1, cmng.HIGHEST_TAG + 1, *cmng.OWN):
        with pytest.raises(ValueError, match="tag"):
            cmng.check_tag(tag)


@given(st.text("ab\r\n", max_size=20))
def test_the_digest_of_what_was_written_is_known_in_both_forms(content):
    found = cmng.digests(content)
    assert hashlib.sha256(content.encode()).hexdigest() in found
    as_shell = content.replace("\r", "").replace("\n", "\r\n")
    assert hashlib.sha256(as_shell.encode()).hexdigest() in found
