"""Texts that pages read: their form, and what can never be among them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.compat import messages

TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)


@given(st.dictionaries(st.sampled_from(["P", "D", "Err", "Cmd", "Msg"]), TEXTS, min_size=1))
def test_an_object_is_compact_and_keeps_any_text(fields):
    text = messages.compact(**fields)
    assert json.loads(text) == fields
    assert text == json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


@given(TEXTS)
def test_names_of_ports_are_escaped(name):
    assert json.loads(messages.compact(P=name, D="x")) == {"P": name, "D": "x"}
    assert json.loads(messages.spaced("Hostname", name)) == {"Hostname": name}
    assert json.loads(messages.port_list([{"Name": name}])) == {"Ports": [{"Name": name}]}


def test_serial_data_begins_with_the_port():
    assert messages.compact(P="COM3", D="hello").startswith('{"P":"COM3"')


@pytest.mark.parametrize("value", [None, 5, True, {}, ["x"], 0, ""])
def test_an_error_is_a_string(value):
    if isinstance(value, str):
        assert messages.compact(Error=value) == '{"Error":""}'
        return
    with pytest.raises(TypeError):
        messages.compact(Error=value)


def test_there_is_no_message_that_says_nothing():
    with pytest.raises(ValueError, match="says something"):
        messages.compact()


def test_what_is_no_number_is_no_message():
    with pytest.raises(ValueError, match="float"):
        messages.compact(Baud=float("nan"))


@pytest.mark.parametrize(
    ("text", "poison"),
    [("null", True), (" null\r\n", True), ("nul", False), ('"null"', False), ("list", False)],
)
def test_null_is_known(text, poison):
    assert messages.is_poison(text) is poison
    if poison:
        assert json.loads(text) is None


def test_no_ports_are_an_empty_list_and_lists_have_a_blank_after_colons():
    assert json.loads(messages.port_list([])) == {"Ports": []}
    text = messages.port_list([{"Name": "COM3", "IsOpen": True}, {"Name": "COM4", "IsOpen": False}])
    assert '"IsOpen": true' in text
    assert '"IsOpen": false' in text
    assert "\n\t" in text


def test_the_greeting_has_the_blanks_of_the_original():
    assert messages.spaced("Version", "1.7.1") == '{"Version" : "1.7.1"} '


def test_the_list_of_commands_is_no_json_to_a_page():
    with pytest.raises(ValueError, match="Expecting"):
        json.loads(messages.help_text(["list", "open"]))
