"""Tokens and what people paste in their place."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import InputError
from agent.protocols.blynk.tokens import (
    check_template,
    parse_pasted,
    parse_static,
    parse_token,
    template_fits,
)

TOKEN = "gSNIYf9l7vdaLEMWK0jR-HT9RKe5_DSO"
ALPHABET = string.ascii_letters + string.digits + "-_"
tokens = st.text(ALPHABET, min_size=32, max_size=32).filter(
    lambda text: not text.startswith("TMPL")
)


@given(tokens)
def test_a_token_is_taken_as_it_stands_and_as_it_is_pasted(token):
    for text in (token, f"  {token}\n", f'"{token}"', f" '{token}' "):
        assert parse_token(text).reveal() == token


@given(st.text(max_size=80))
def test_an_error_does_not_repeat_what_was_typed(text):
    marked = f"{text}-marker-of-a-secret"
    with pytest.raises(InputError) as caught:
        parse_token(marked * 2)
    assert "marker" not in str(caught.value.report())
    assert caught.value.facts["field"] == "token"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "must have 32 characters, and has 0"),
        (TOKEN[:-1], "must have 32 characters, and has 31"),
        (TOKEN + "x", "has 33"),
        (TOKEN[:-1] + "!", "letters, digits"),
        (TOKEN[:-1] + "ä", "letters, digits"),
        ("sqr_" + TOKEN, "claim that first"),
        ("TMPLdemo00000", "is a template id"),
    ],
)
def test_what_is_no_token_is_told_apart(text, problem):
    with pytest.raises(InputError, match=problem):
        parse_token(text)


def test_the_lines_of_the_console_can_be_pasted_as_they_are():
    lines = (
        '#define BLYNK_TEMPLATE_ID "TMPLdemo00000"\n'
        '#define BLYNK_TEMPLATE_NAME "Thermo & Co"\r\n'
        f'  # define BLYNK_AUTH_TOKEN   "{TOKEN}"\n'
    )
    found = parse_pasted(lines)
    assert (found.token.reveal(), found.template_id) == (TOKEN, "TMPLdemo00000")
    assert found.template_name == "Thermo & Co"
    assert TOKEN not in repr(found)
    assert parse_pasted(TOKEN).template_id == ""
    in_one_line = parse_pasted(lines.replace("\n", "").replace("\r", ""))
    assert (in_one_line.token.reveal(), in_one_line.template_id) == (TOKEN, "TMPLdemo00000")


def test_lines_without_a_token_are_refused():
    with pytest.raises(InputError, match="no line with BLYNK_AUTH_TOKEN"):
        parse_pasted('#define BLYNK_TEMPLATE_ID "TMPLdemo00000"')
    with pytest.raises(InputError, match="too long"):
        parse_pasted("x" * 2001)


@pytest.mark.parametrize("org", [None, 1, 2**31 - 1])
def test_a_code_comes_back_as_it_was_printed(org):
    text = f"sqr_{TOKEN}" + ("" if org is None else f"+{org}")
    code = parse_static(f" {text}\n")
    assert (code.code.reveal(), code.org_id) == (text, org)
    assert code.token.reveal() == f"sqr_{TOKEN}"


@pytest.mark.parametrize(
    "text",
    ["", TOKEN, f"sqr_{TOKEN}x", f"sqr_{TOKEN}+", f"sqr_{TOKEN}+0", f"sqr_{TOKEN}+9999999999"],
)
def test_what_is_no_code_is_refused(text):
    with pytest.raises(InputError) as caught:
        parse_static(text)
    assert caught.value.facts["field"] == "static_token"


def test_a_template_id_is_checked():
    assert check_template(' "TMPL0NqfCLjWX" ') == "TMPL0NqfCLjWX"
    for wrong in ("", "TMPL", "tmpldemo00000", "TMPLa b", "DYNAMIC", "TMPL" + "x" * 29):
        with pytest.raises(InputError):
            check_template(wrong)


@pytest.mark.parametrize(
    ("board", "wanted", "fits"),
    [("A", "A", True), ("A", "B", False), ("DYNAMIC", "B", True), ("", "B", True), ("A", "", True)],
)
def test_a_board_becomes_a_device_of_its_own_template_only(board, wanted, fits):
    assert template_fits(board, wanted) is fits
