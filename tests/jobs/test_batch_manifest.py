"""Manifests: three forms that say the same, and everything that is wrong told at once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import InputError
from agent.jobs.batch_fields import FIELDS, Surroundings
from agent.jobs.batch_manifest import ROWS_MAX, Manifest, read_manifest
from agent.jobs.batch_row import batch_id


def absent(name: str) -> None:
    if "absent" in name:
        raise InputError(field=name, problem="cannot be read")


AROUND = Surroundings(
    clouds=frozenset({"arduino", "none", "thingsboard"}),
    enrol=frozenset({"thingsboard"}),
    models=frozenset({"esp32", "uno_r4_wifi"}),
    check_network=absent,
    check_file=absent,
)


def read(text: str, suffix: str = "") -> Manifest:
    return read_manifest(text.encode(), AROUND, suffix)


def wrong(text: str, suffix: str = "") -> list[tuple[str, str]]:
    return [(each.where, each.field) for each in read(text, suffix).problems]


CSV = """\
# batch = May
# cloud = thingsboard
# name = line3-{n:03}
# ssid = Factory
# A remark about the day.
serial_number;model;count;credentials
3CC661051A2B;esp32;;certificate

;303A:1001;2;
"""
TOML = """\
batch = "May"
cloud = "thingsboard"
name = "line3-{n:03}"
ssid = "Factory"

[[rows]]
serial_number = "3CC661051A2B"
model = "esp32"
credentials = "certificate"

[[rows]]
model = "303A:1001"
count = 2
"""
DATA: dict[str, Any] = {
    "batch": "May",
    "cloud": "thingsboard",
    "name": "line3-{n:03}",
    "ssid": "Factory",
    "rows": [
        {"serial_number": "3CC661051A2B", "model": "esp32", "credentials": "certificate"},
        {"model": "303A:1001", "count": 2},
    ],
}


@pytest.mark.parametrize("text", [CSV, "\ufeff" + CSV, CSV.replace("\n", "\r\n"), TOML])
def test_every_form_says_the_same(text: str):
    manifest, other = read(text), read(json.dumps(DATA))
    assert manifest.problems == other.problems == []
    assert manifest.rows == other.rows
    assert manifest.name == other.name == "May"
    assert [row.name for row in manifest.rows] == ["line3-001", "line3-002", "line3-003"]
    assert [row.by for row in manifest.rows] == ["serial_number", "next", "next"]
    assert manifest.rows[0].credentials == "certificate"
    assert manifest.networks == ["ssid:Factory"]
    assert batch_id("May", manifest.rows) == batch_id("May", other.rows)
    assert batch_id("June", manifest.rows) != batch_id("May", manifest.rows)


def test_a_spreadsheet_may_fill_the_lines_of_defaults_up():
    text = '"# cloud = none",,\n# ssid = Factory;;,\nmodel,count,name\nany,2,x{n}\n'
    manifest = read(text)
    assert manifest.problems == []
    assert [(row.cloud, row.name) for row in manifest.rows] == [("none", "x1"), ("none", "x2")]


@pytest.mark.parametrize(
    ("head", "row", "field"),
    [
        ("cloud", "thingsbord", "cloud"),
        ("cloud,credentials", "thingsboard,lwm2m", "credentials"),
        ("cloud,credentials", "none,token", "credentials"),
        ("cloud,delivery", "thingsboard,post", "delivery"),
        ("cloud,name", "arduino,", "name"),
        ("cloud,name", "arduino,a-{hardware_id}", "name"),
        ("cloud,name", "thingsboard,{nr}", "name"),
        ("cloud,name", "thingsboard,{n", "name"),
        ("cloud,name", "thingsboard," + "x" * 256, "name"),
        ("cloud,name,credentials", "thingsboard," + "x" * 65 + ",certificate", "name"),
        ("cloud,name,delivery", "thingsboard,a-{hardware_id},header", "name"),
        ("cloud,ssid,network", "none,a,b.toml", "network"),
        ("cloud,ssid", "none,", "ssid"),
        ("cloud,ssid", "none," + "x" * 33, "ssid"),
        ("cloud,network", "none,absent.toml", "network"),
        ("cloud,count", "thingsboard,0", "count"),
        ("cloud,count", "thingsboard,many", "count"),
        ("cloud,confirmed", "thingsboard,perhaps", "confirmed"),
        ("cloud,sketch", "thingsboard,provisioning", "sketch"),
        ("job", "fly", "job"),
        ("job", "configure", "ssid"),
        ("job", "flash", "sketch"),
        ("job,sketch,file", "flash,provisioning,a.bin", "sketch"),
        ("job,file", "flash,absent.bin", "file"),
        ("job,sketch,cloud", "flash,provisioning,none", "cloud"),
    ],
)
def test_a_wrong_value_is_told_with_its_line_and_field(head: str, row: str, field: str):
    assert ("line 2", field) in wrong(f"model,{head}\nesp32,{row}\n")


@pytest.mark.parametrize(
    ("head", "row", "field"),
    [
        ("model", "teapot", "model"),
        ("name", "a", "model"),
        ("serial_number,port", "A1B2C3,1-2", "port"),
        ("serial_number,count", "A1B2C3,2", "count"),
    ],
)
def test_a_row_says_which_board_it_means(head: str, row: str, field: str):
    assert ("line 3", field) in wrong(f"# cloud = thingsboard\n{head}\n{row}\n")


def test_what_is_there_only_once_is_not_named_twice():
    text = (
        "# cloud = thingsboard\nserial_number,name\n3C:C6:61:05:1A:2B,a\n3cc661051a2b,b\nA1B2,a\n"
    )
    assert wrong(text) == [("line 4", "serial_number"), ("line 5", "name")]


def test_everything_that_is_wrong_is_told_at_once():
    text = (
        "# clud = none\n# count = 2\nmodel,cloud,password\nany,none,x\nteapot,none,\nany,never,\n"
    )
    told = read(text).problems
    assert [(each.where, each.field) for each in told] == [
        ("defaults", "clud"),
        ("defaults", "count"),
        ("line 4", "password"),
        ("line 4", "ssid"),
        ("line 5", "ssid"),
        ("line 5", "model"),
        ("line 6", "cloud"),
    ]
    assert "cloud" in told[0].problem
    assert "secret" in told[2].problem
    assert "x" not in str(told[2]).split(":")[-1].split()


def test_defaults_are_for_the_rows_that_have_a_use_for_them():
    text = (
        "# cloud = thingsboard\n# ssid = Factory\n# credentials = basic\n"
        "job,model,network,sketch\n,any,other.toml,\nconfigure,any,,\nflash,any,,provisioning\n"
    )
    manifest = read(text)
    assert manifest.problems == []
    first, second, third = manifest.rows
    assert (first.network, first.credentials) == ("file:other.toml", "mqtt_basic")
    assert (second.network, second.cloud, second.credentials) == ("ssid:Factory", "", "")
    assert (third.sketch, third.network) == ("provisioning", "")


@pytest.mark.parametrize(
    ("text", "suffix", "where"),
    [
        ("", "", "manifest"),
        ("# cloud = none\n", "", "manifest"),
        ("model,cloud\n", "", "manifest"),
        ("{", "", "line 1"),
        ("[]", ".json", "manifest"),
        ('{"rows": {}}', "", "manifest"),
        ("[[rows]]\nmodel = ", "", "manifest"),
        ('cloud = "none"', ".toml", "manifest"),
        ('model\n"an', "", "line 2"),
        ("model,count\nany,99999\nany,99999\n", "", "line 3"),
    ],
)
def test_what_is_no_manifest_is_refused(text: str, suffix: str, where: str):
    text = (
        text.replace("model,count", "# cloud = thingsboard\nmodel,count")
        if where == "line 3"
        else text
    )
    found = read(text, suffix).problems
    assert found
    assert found[-1].where in {where, "line 4"}


def test_bytes_that_are_no_text_are_refused():
    (problem,) = read_manifest(b"model\n\xff\xfe", AROUND).problems
    assert "UTF-8" in problem.problem


def test_a_line_with_too_many_cells_is_told():
    assert ("line 3", "a column without a name") in wrong(
        "# cloud = thingsboard\nmodel,name\nany,a,b\n"
    )


def test_ten_thousand_rows_are_one_line():
    manifest = read("# cloud = thingsboard\n# name = line3-{n:05}\nmodel,count\nany,10000\n")
    assert len(manifest.rows) == 10_000 <= ROWS_MAX
    assert manifest.rows[-1].name == "line3-10000"


_CELL = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(
    st.lists(st.sampled_from([*FIELDS, "other"]), min_size=1, max_size=5),
    st.lists(st.lists(_CELL, max_size=6), max_size=5),
)
def test_whatever_is_read_ends_with_rows_or_with_what_is_wrong(
    head: list[str], cells: list[list[str]]
):
    text = "\n".join([",".join(head), *(",".join(row) for row in cells)])
    for suffix in ("", ".csv", ".toml", ".json"):
        manifest = read(text, suffix)
        assert manifest.rows or manifest.problems


_VALUE = st.one_of(st.none(), st.booleans(), st.integers(), _CELL, st.lists(st.integers()))


@given(st.lists(st.dictionaries(st.sampled_from([*FIELDS]), _VALUE), max_size=4))
def test_values_of_every_type_are_taken_or_told(given_rows: list[dict[str, Any]]):
    manifest = read(json.dumps({"cloud": "thingsboard", "rows": given_rows}), ".json")
    assert manifest.rows or manifest.problems
    for problem in manifest.problems:
        assert problem.problem
        assert str(problem)


FILES = "# cloud = thingsboard\n# delivery = image\n"


def test_rows_that_become_files_need_only_a_name():
    manifest = read(f"{FILES}name\ngate-north\ngate-south\n")
    assert manifest.problems == []
    assert [(row.name, row.needs_board) for row in manifest.rows] == [
        ("gate-north", False),
        ("gate-south", False),
    ]


@pytest.mark.parametrize(
    ("lines", "field"),
    [
        ("name\na-{serial_number}\n", "model"),
        ("name,hardware_id\na-{hardware_id},\n", "name"),
        ("name,count\na-{model},2\n", "model"),
        ("name,model\na-{model},esp32\na-{model},esp32\n", "name"),
        ("name,hardware_id\na-{hardware_id},24A1\na-24a1,\n", "name"),
    ],
)
def test_what_no_board_can_tell_is_told_by_the_row(lines: str, field: str):
    assert field in [name for _, name in wrong(FILES + lines)]
    named = read(f"{FILES}name,hardware_id\na-{{hardware_id}},24A1\na-{{hardware_id}},24A2\n")
    assert named.problems == []
