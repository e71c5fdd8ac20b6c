"""The console sketch of 1.0 is known by its prompts."""

from __future__ import annotations

import pytest

from agent.protocols.v1.console import is_console_text


@pytest.mark.parametrize(
    "text",
    [
        b"Your chip is unlocked, lock it (y/N): ",
        b"x\r\nPlease enter the device id: ",
        b"enter the issue year of the certificate (2000 - 2031): ",
        b"Enter the certificates serial number: ",
        b"enter how many years it is valid",
        b"Generated CSR is:\r\n\r\n-----BEGIN",
    ],
)
def test_a_prompt_is_known(text: bytes) -> None:
    assert is_console_text(text)


@pytest.mark.parametrize("text", [b"", b"A8610A3233388B06\r\n", b"\x55\xaa\x03", b"Hello (y) n"])
def test_other_text_is_not(text: bytes) -> None:
    assert not is_console_text(text)
