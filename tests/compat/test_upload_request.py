"""The body of an upload: which fields it needs, in which order, and what no file may be called."""

from __future__ import annotations

import base64
import json
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.compat.upload_request import (
    EXTRA_FILES_MAX,
    UploadFile,
    decode_file,
    inside,
    parse_upload,
)
from agent.errors import UploadRefused, UploadUnsigned

BODY = {
    "port": "/dev/ttyACM0",
    "board": "arduino:samd:mkrwifi1010",
    "commandline": "tool",
    "signature": "00",
    "hex": base64.b64encode(b"program").decode(),
    "filename": "sketch.bin",
}


def parse(**fields):
    """The upload of a body with some fields changed; None takes one out."""
    checked: list[tuple[str, str]] = []
    body = {name: value for name, value in (BODY | fields).items() if value is not None}
    found = parse_upload(json.dumps(body).encode(), lambda *words: checked.append(words))
    return found, checked


def problem(**fields) -> str:
    with pytest.raises(UploadRefused) as caught:
        parse(**fields)
    text = str(caught.value.facts["problem"])
    assert "\n" not in text
    return text


def test_a_body_as_the_client_sends_it_is_understood():
    files = [{"hex": "AAE=", "filename": "a/b.bin"}, {"hex": "", "filename": "c"}]
    extra = {
        "use_1200bps_touch": True,
        "wait_for_upload_port": True,
        "network": False,
        "auth": {"password": "x"},
    }
    found, checked = parse(
        extra=extra, extrafiles=files, data="x", pid="0x8054", dialogCustomizations={}, more=[1]
    )
    assert (found.port, found.fqbn) == ("/dev/ttyACM0", "arduino:samd:mkrwifi1010")
    assert found.command_line == "tool"
    assert found.sketch == UploadFile("sketch.bin", b"program")
    assert found.extra_files == (UploadFile("a/b.bin", b"\0\1"), UploadFile("c", b""))
    assert found.touch
    assert found.wait_for_port
    assert checked == [("tool", "00")]
    assert parse(rewrite="arduino:avr:uno")[0].fqbn == "arduino:avr:uno"
    assert not parse(extra={"wait_for_upload_port": True})[0].wait_for_port
    assert parse(hex=None, extra=None)[0].sketch.data == b""


def test_fields_are_asked_for_in_the_order_of_the_original():
    gone: dict[str, None] = {}
    said = []
    for name in ("commandline", "signature", "board", "port"):
        gone[name] = None
        said.append(problem(filename="../x", **gone))
    assert said == [
        "commandline is required for local board",
        "signature is required",
        "board is required",
        "port is required",
    ]


def test_the_signature_counts_before_any_file_is_looked_at():
    def refuse(_text: str, _signature: str) -> None:
        raise UploadUnsigned(detail="no")

    with pytest.raises(UploadUnsigned):
        parse_upload(json.dumps(BODY | {"filename": "../x", "hex": "!"}).encode(), refuse)


def test_a_network_upload_needs_no_signature_and_is_told_later():
    found, checked = parse(extra={"network": True}, commandline=None, signature=None)
    assert found.network
    assert checked == []


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b'{"port": 5}', b"\xff", b"[" * 9999])
def test_a_body_that_is_no_upload_is_refused(body):
    with pytest.raises(UploadRefused, match=r"payload"):
        parse_upload(body, lambda _text, _signature: None)


@pytest.mark.parametrize("text", ["AAE", "A", "AA=A", "AAE==", "é", "AA-_", "A A="])
def test_base64_without_padding_or_of_another_kind_is_refused(text):
    assert "illegal base64 data" in problem(hex=text)
    assert "illegal base64 data" in problem(extrafiles=[{"hex": text, "filename": "a"}])


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=200))
def test_base64_comes_back_also_in_lines(data):
    assert decode_file(base64.encodebytes(data).decode()) == data


BAD = [
    "../x",
    "/etc/passwd",
    "..",
    "",
    ".",
    "a\\b",
    "C:x",
    "-D",
    "nul",
    "a.",
    "a\nb",
    'x" -R "y',
    "$(id)",
    "a;b",
    "{build.path}",
    "x" * 200,
    "\u202egpj",
    "COM\u00b9.bin",
    "lpt3 .bin",
]


@pytest.mark.parametrize("name", BAD)
def test_a_name_that_leads_elsewhere_or_means_more_is_refused(name):
    assert "unsafe path join" in problem(filename=name)
    assert "unsafe path join" in problem(extrafiles=[{"hex": "", "filename": name}])


def test_only_extra_files_may_lie_in_folders():
    assert "unsafe path join" in problem(filename="a/b")
    assert "unsafe path join" in problem(extrafiles=[{"hex": "", "filename": "a/../../b"}])


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet='./\\:ab- \x00é{"', max_size=10))
def test_a_name_is_refused_or_stays_inside_on_every_system(name):
    try:
        inside(name)
    except UploadRefused:
        return
    for kind in (PurePosixPath, PureWindowsPath):
        assert not kind(name).is_absolute()
        assert not kind(name).drive
        assert ".." not in kind(name).parts


def test_extra_files_are_bounded_and_none_comes_twice():
    many = [{"hex": "", "filename": str(n)} for n in range(EXTRA_FILES_MAX + 1)]
    assert "more than" in problem(extrafiles=many)
    for names in (["a", "A"], ["a", "a/b"], ["a/b", "a"], ["\u00e9", "e\u0301"]):
        twice = [{"hex": "", "filename": name} for name in names]
        assert "twice" in problem(extrafiles=twice)


@pytest.mark.parametrize("port", ["-p", "a b", "x;y", "{fqbn}", "a\nb", "x" * 300])
def test_a_port_that_could_be_taken_for_more_is_refused(port):
    assert "port" in problem(port=port)


@pytest.mark.parametrize("board", ["uno", "a:b", "a:b:c -x", "a:b:c\n"])
def test_a_board_that_is_no_fqbn_is_refused(board):
    assert "FQBN" in problem(board=board)
