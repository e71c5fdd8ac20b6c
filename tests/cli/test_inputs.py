"""Network settings from options, files, standard input and the environment."""

from __future__ import annotations

import io
import sys

import pytest

from agent.cli.inputs import (
    FILE_BYTES,
    PASSWORD_VARIABLE,
    first_line,
    load_network,
    optional_network,
    read_field,
    read_network,
    require_yes,
)
from agent.errors import InputError
from agent.settings import Secret


@pytest.fixture
def stdin(monkeypatch):
    def give(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))

    give(b"")
    monkeypatch.delenv(PASSWORD_VARIABLE, raising=False)
    return give


def test_the_password_comes_from_the_first_line_of_standard_input(stdin):
    stdin(b"correct horse\r\nsecond line\n")
    assert read_network("Home", None, password_stdin=True) == {
        "kind": "wifi",
        "ssid": "Home",
        "password": Secret("correct horse"),
    }


def test_blanks_in_a_password_are_kept(stdin):
    stdin(b"  blank around \n")
    assert read_network("Home", None, password_stdin=True)["password"] == Secret("  blank around ")


def test_the_password_comes_from_the_environment(stdin, monkeypatch):
    monkeypatch.setenv(PASSWORD_VARIABLE, "from the air")
    assert read_network("Home", None, password_stdin=False)["password"] == Secret("from the air")


def test_standard_input_counts_more_than_the_environment(stdin, monkeypatch):
    monkeypatch.setenv(PASSWORD_VARIABLE, "from the air")
    stdin(b"from the line\n")
    assert read_network("Home", None, password_stdin=True)["password"] == Secret("from the line")


def test_an_empty_password_means_an_open_network(stdin, monkeypatch):
    monkeypatch.setenv(PASSWORD_VARIABLE, "")
    assert not read_network("Cafe", None, password_stdin=False)["password"]


def test_an_empty_line_is_an_open_network_and_nothing_at_all_is_an_error(stdin):
    stdin(b"\n")
    assert not read_network("Cafe", None, password_stdin=True)["password"]
    stdin(b"")
    with pytest.raises(InputError, match="standard input is empty"):
        read_network("Cafe", None, password_stdin=True)


@pytest.mark.parametrize("line", [b"four word \n", b"four word \r\n", b"four word "])
def test_the_end_of_the_line_is_no_part_of_the_password(stdin, line):
    stdin(line)
    assert read_network("Cafe", None, password_stdin=True)["password"].reveal() == "four word "


def test_without_a_person_a_missing_password_is_an_error(stdin):
    with pytest.raises(InputError, match=PASSWORD_VARIABLE):
        read_network("Home", None, password_stdin=False)


def test_a_password_that_is_not_text_is_refused(stdin):
    stdin(b"\xff\xfe\xfd\xfc\xfb\n")
    with pytest.raises(InputError, match="password"):
        read_network("Home", None, password_stdin=True)


@pytest.mark.system("linux", "darwin")
def test_a_name_that_is_not_text_travels_as_its_bytes(stdin, monkeypatch):
    monkeypatch.setenv(PASSWORD_VARIABLE, "")
    assert read_network("caf\udce9", None, password_stdin=False)["ssid_hex"] == "636166e9"


@pytest.mark.parametrize(
    "text",
    [
        '{"kind": "wifi", "ssid": "Home", "password": "correct horse"}',
        'kind = "wifi"\nssid = "Home"\npassword = "correct horse"\n',
        '\ufeff{"kind": "wifi", "ssid": "Home", "password": "correct horse"}',
    ],
)
def test_a_file_is_json_or_toml(stdin, tmp_path, text):
    path = tmp_path / "network"
    path.write_text(text, encoding="utf-8")
    assert read_network(None, str(path), password_stdin=False) == {
        "kind": "wifi",
        "ssid": "Home",
        "password": Secret("correct horse"),
    }
    stdin(text.encode())
    assert load_network("-")["ssid"] == "Home"


def test_a_file_may_leave_the_password_to_standard_input(stdin, tmp_path):
    path = tmp_path / "network.toml"
    path.write_text('kind = "wifi"\nssid = "Home"\n')
    stdin(b"correct horse\n")
    setting = read_network(None, str(path), password_stdin=True)
    assert setting["password"] == Secret("correct horse")


def test_a_file_may_leave_the_password_to_the_environment(stdin, tmp_path, monkeypatch):
    monkeypatch.setenv(PASSWORD_VARIABLE, "from the air")
    path = tmp_path / "network.toml"
    path.write_text('kind = "wifi"\nssid = "Home"\n')
    setting = read_network(None, str(path), password_stdin=False)
    assert setting["password"] == Secret("from the air")
    path.write_text('kind = "wifi"\nssid = "Home"\npassword = "of the file"\n')
    setting = read_network(None, str(path), password_stdin=False)
    assert setting["password"] == Secret("of the file")


@pytest.mark.parametrize("secret", ["pin", "password"])
def test_secrets_of_other_kinds_are_secrets_too(stdin, tmp_path, secret):
    path = tmp_path / "network.toml"
    path.write_text(f'kind = "gsm"\n{secret} = "123456"\n')
    assert "123456" not in repr(read_network(None, str(path), password_stdin=False))


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe",
        b"{",
        b'{"password": "MARKERMARKER"',
        b"password = MARKERMARKER",
        b'{"kind": "wifi", "ssid": "Home", "password": ["MARKERMARKER"]}',
        b"[" * 100_000,
        b"x" * (FILE_BYTES + 1),
        b"",
    ],
)
def test_a_file_that_cannot_be_used_is_named_and_not_quoted(stdin, tmp_path, content):
    path = tmp_path / "network.txt"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_network(None, str(path), password_stdin=False)
    title = caught.value.report().title
    assert "MARKER" not in title
    assert title


def test_a_network_may_be_left_out_but_not_by_half(stdin):
    assert optional_network(None, None, password_stdin=False) is None
    stdin(b"correct horse\n")
    given = optional_network("Home", None, password_stdin=True)
    assert given is not None
    assert given["ssid"] == "Home"
    with pytest.raises(InputError, match="belongs to a network"):
        optional_network(None, None, password_stdin=True)


def test_without_a_person_yes_must_be_said():
    require_yes(True, "the sketch is overwritten")
    with pytest.raises(InputError, match="the sketch is overwritten") as caught:
        require_yes(False, "the sketch is overwritten")
    assert caught.value.facts["field"] == "--yes"


def test_a_line_that_may_be_missing_is_empty_then(stdin):
    stdin(b"one\n")
    assert first_line("secret", optional=True).reveal() == "one"
    assert first_line("secret", optional=True).reveal() == ""
    with pytest.raises(InputError, match="standard input is empty"):
        first_line("secret")


def test_a_field_may_be_the_content_of_a_file(tmp_path):
    file = tmp_path / "word"
    file.write_bytes(b"-----BEGIN-----\nsecond line\n-----END-----\n")
    assert read_field("ca", str(file)).reveal() == "-----BEGIN-----\nsecond line\n-----END-----"


@pytest.mark.parametrize("data", [None, b"MARKER\xff", b"MARKER" + b"x" * FILE_BYTES])
def test_a_file_that_is_no_field_is_refused_without_showing_it(tmp_path, data):
    file = tmp_path / "word"
    if data is not None:
        file.write_bytes(data)
    with pytest.raises(InputError) as caught:
        read_field("provision_secret", str(file))
    assert caught.value.facts["field"] == "provision_secret"
    assert "MARKER" not in str(caught.value)
