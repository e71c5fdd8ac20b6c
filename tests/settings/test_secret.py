"""A secret shows itself nowhere."""

from __future__ import annotations

import copy
import logging
import pickle
import traceback

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from agent.settings import Secret

MARKER = "correct horse battery"

# Texts long enough that they are not part of "***" or of a class name by chance.
texts = st.text(min_size=8).filter(lambda text: text not in repr(Secret) + "***")


@given(texts)
def test_every_way_of_printing_shows_stars(text):
    secret = Secret(text)
    for shown in (str(secret), repr(secret), f"{secret}", f"{secret!r:>40}", "%s" % secret):  # noqa: UP031 - one more way
        assert text not in shown
        assert "***" in shown


@given(st.text())
def test_the_text_comes_back_unchanged_when_revealed(text):
    assert Secret(text).reveal() == text


@given(st.text(), st.text())
def test_secrets_are_equal_when_their_texts_are(one, other):
    assume("\ud800" not in one + other)
    assert (Secret(one) == Secret(other)) == (one == other)
    if one == other:
        assert hash(Secret(one)) == hash(Secret(other))


def test_a_secret_is_not_equal_to_its_text():
    assert Secret(MARKER) != MARKER


def test_an_empty_secret_is_false():
    assert not Secret()
    assert Secret(" ")


def test_containers_and_structs_show_stars():
    class Holder(msgspec.Struct):
        secret: Secret

    shown = repr([Holder(Secret(MARKER)), {"key": Secret(MARKER)}])
    assert MARKER not in shown
    assert shown.count("***") == 2


def test_a_log_record_shows_stars(caplog):
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("agent.test").info("joining with %s", Secret(MARKER))
    assert MARKER not in caplog.text
    assert "***" in caplog.text


def test_a_traceback_with_locals_shows_stars():
    def join(secret: Secret) -> None:
        raise ValueError(secret)

    try:
        join(Secret(MARKER))
    except ValueError as error:
        shown = "".join(
            traceback.TracebackException.from_exception(error, capture_locals=True).format()
        )
    assert "secret = ***" in shown
    # The line that made the secret is source text, not a value.
    assert MARKER not in shown


def test_a_secret_is_not_pickled():
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Secret(MARKER))
    with pytest.raises(TypeError):
        copy.copy(Secret(MARKER))


def test_a_secret_is_not_encoded_as_json():
    with pytest.raises(TypeError):
        msgspec.json.encode({"password": Secret(MARKER)})


def test_a_secret_has_no_attributes_to_look_into():
    with pytest.raises(TypeError):
        vars(Secret(MARKER))
