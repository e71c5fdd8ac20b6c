"""Values as messages: nothing lost, nothing too large, and as the server reads them."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.protocols.thingsboard.gateway_pack import (
    OWN,
    Sample,
    attributes,
    own_attributes,
    split_sample,
    telemetry_of,
)

names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
values = st.dictionaries(names, st.integers() | st.text(max_size=30) | st.booleans(), max_size=8)
samples = st.builds(Sample, names, st.integers(0, 2**45), values)


@settings(max_examples=50)
@given(st.lists(samples, max_size=6))
def test_a_message_says_what_was_put_in_and_knows_its_size(added):
    message = telemetry_of("a sub-device")
    for sample in added:
        part = sample.encoded()
        wanted = message.grown(sample.device, part)
        message.add(sample.device, part, len(sample.values))
        assert message.size == wanted
    payload = message.payload()
    assert len(payload) <= message.size
    read: dict[str, list[Any]] = {}
    for sample in added:
        entry = {"ts": sample.at_ms, "values": dict(sample.values)}
        read.setdefault(sample.device, []).append(entry)
    assert json.loads(payload) == read
    assert sum(message.points.values()) == sum(len(each.values) for each in added)


def test_the_gateways_own_values_are_a_list_on_its_own_topic():
    message = telemetry_of(OWN)
    for moment in (1, 2):
        sample = Sample(OWN, moment, {"boards": moment})
        message.add(OWN, sample.encoded(), 1)
    assert message.topic == "v1/devices/me/telemetry"
    assert json.loads(message.payload()) == [
        {"ts": 1, "values": {"boards": 1}},
        {"ts": 2, "values": {"boards": 2}},
    ]
    assert len(message.payload()) <= message.size


@given(samples, st.integers(1, 5), st.integers(120, 400))
def test_a_sample_is_split_so_that_each_part_fits(sample, most_points, most_bytes):
    parts = split_sample(sample, most_points, most_bytes)
    found: dict[str, Any] = {}
    for part in parts:
        assert (part.device, part.at_ms) == (sample.device, sample.at_ms)
        assert len(part.values) <= most_points or part.values == sample.values == {}
        message = telemetry_of(part.device)
        assert message.grown(part.device, part.encoded()) <= most_bytes
        found |= part.values
    left_out = {name: value for name, value in sample.values.items() if name not in found}
    assert {**found, **left_out} == sample.values
    for name, value in left_out.items():
        alone = Sample(sample.device, sample.at_ms, {name: value})
        message = telemetry_of(sample.device)
        assert message.grown(sample.device, alone.encoded()) > most_bytes


@settings(max_examples=50)
@given(st.dictionaries(names, values, max_size=4), st.integers(1, 10), st.integers(60, 400))
def test_attributes_go_out_in_as_many_messages_as_it_takes(wanted, most_points, most_bytes):
    left = {name: dict(told) for name, told in wanted.items() if told}
    found: dict[str, dict[str, Any]] = {}
    while left:
        message, said = attributes(left.items(), most_points, most_bytes)
        assert said
        assert sum(message.points.values()) <= most_points
        payload = message.payload()
        assert len(payload) <= message.size
        if message.parts:
            assert len(payload) <= most_bytes
        for name, told in json.loads(payload).items():
            found.setdefault(name, {}).update(told)
        for name, keys in said.items():
            for key in keys:
                left[name].pop(key)
        left = {name: told for name, told in left.items() if told}
    for name, told in found.items():
        assert told.items() <= wanted[name].items()


def test_attributes_of_several_devices_share_a_message():
    changes = {"a": {"model": "x"}, "b": {"model": "y", "unique_id": "1"}}
    message, said = attributes(changes.items(), 100, 1000)
    assert message.topic == "v1/gateway/attributes"
    assert json.loads(message.payload()) == changes
    assert said == {"a": ["model"], "b": ["model", "unique_id"]}


def test_the_gateways_own_attributes_are_one_object():
    assert json.loads(own_attributes({"version": "1"})) == {"version": "1"}
