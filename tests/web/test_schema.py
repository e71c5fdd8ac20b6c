"""Forms out of JSON Schema: which fields, which values, what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agent.settings.network import network_schema

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.asyncio(loop_scope="session")]

FIELDS = """async ([schema, root]) => {
  const { fieldsOf } = await import("/lib/schema.js");
  return fieldsOf(schema, root ?? schema);
}"""
PARSE = """async ([schema, text]) => {
  const { fieldsOf, parse } = await import("/lib/schema.js");
  return parse(fieldsOf({ properties: { it: schema } })[0], text);
}"""
KINDS = """async (schema) => {
  const { kindSchemas } = await import("/lib/networks.js");
  return Object.fromEntries(kindSchemas(schema));
}"""


async def test_every_kind_of_network_becomes_a_form(modules: Page) -> None:
    schema = network_schema()
    kinds = await modules.evaluate(KINDS, schema)
    assert set(kinds) == {"wifi", "ethernet", "gsm", "nb", "catm1", "cellular", "lora"}
    for kind, part in kinds.items():
        fields = await modules.evaluate(FIELDS, [part, schema])
        names = [field["name"] for field in fields]
        assert names == [name for name in part["properties"] if name != "kind"], kind
        assert all(field["title"] for field in fields)


async def test_secrets_become_password_fields_with_their_limit(modules: Page) -> None:
    schema = network_schema()
    wifi = schema["$defs"]["WiFi"]
    fields = await modules.evaluate(FIELDS, [wifi, schema])
    (password,) = [field for field in fields if field["name"] == "password"]
    assert (password["type"], password["maxBytes"]) == ("password", 63)


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "string"}, "text"),
        ({"type": "string", "format": "password"}, "password"),
        ({"type": "integer"}, "integer"),
        ({"type": "number"}, "number"),
        ({"type": "boolean"}, "switch"),
        ({"type": "array", "items": {"type": "integer"}}, "integers"),
        ({"enum": ["A", "B"]}, "choice"),
        ({"oneOf": [{"const": "a", "title": "A"}, {"const": "b"}]}, "choice"),
        ({"type": "string", "format": "multiline"}, "multiline"),
        ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, "integer"),
    ],
)
async def test_types_become_inputs(modules: Page, schema: dict[str, Any], kind: str) -> None:
    fields = await modules.evaluate(FIELDS, [{"properties": {"it": schema}}, None])
    assert [field["type"] for field in fields] == [kind]


@pytest.mark.parametrize(
    ("schema", "text", "outcome"),
    [
        ({"type": "integer", "minimum": -1, "maximum": 255}, "20", {"value": 20}),
        ({"type": "integer", "minimum": -1, "maximum": 255}, "-2", {"problem": "is at least -1"}),
        ({"type": "integer", "minimum": -1, "maximum": 255}, "256", {"problem": "is at most 255"}),
        ({"type": "integer"}, "1.5", {"problem": "is a whole number"}),
        ({"type": "integer"}, "", {}),
        ({"type": "array", "maxItems": 2}, "1, 0xC0004", {"value": [1, 0xC0004]}),
        ({"type": "array", "maxItems": 1}, "1 2", {"problem": "takes at most 1 numbers"}),
        (
            {"type": "array"},
            "1 two",
            {"problem": "takes whole numbers, with commas between"},
        ),
        ({"type": "string", "minLength": 1}, "", {"problem": "is needed"}),
        (
            {"type": "string", "pattern": "[a-z]+"},
            "garden sensor 🧀",
            {"value": "garden sensor 🧀"},
        ),
        ({"type": "string", "pattern": "^[a-z]+$"}, "abc", {"value": "abc"}),
        (
            {"type": "string", "pattern": "^[a-z]+$"},
            "a b",
            {"problem": "has characters that do not fit"},
        ),
        ({"type": "string", "pattern": "(?<broken"}, "any", {"value": "any"}),
        ({"type": "number"}, "2.5", {"value": 2.5}),
        ({"type": "number"}, " 2,5 ", {"value": 2.5}),
        ({"type": "number"}, "-.5", {"value": -0.5}),
        ({"type": "number"}, "1e3", {"problem": "is a number"}),
        ({"type": "number", "exclusiveMinimum": 0}, "0", {"problem": "is more than 0"}),
        ({"type": "number", "maximum": 10}, "10.1", {"problem": "is at most 10"}),
        ({"type": "string"}, " blanks stay ", {"value": " blanks stay "}),
    ],
)
async def test_typed_text_becomes_a_value_or_a_problem(
    modules: Page, schema: dict[str, Any], text: str, outcome: dict[str, Any]
) -> None:
    assert await modules.evaluate(PARSE, [schema, text]) == outcome


async def test_choices_keep_the_words_that_people_have_for_them(modules: Page) -> None:
    schema = {"oneOf": [{"const": "a", "title": "An A"}, {"const": "b"}], "default": "a"}
    (field,) = await modules.evaluate(FIELDS, [{"properties": {"it": schema}}, None])
    assert (field["choices"], field["initial"]) == (["a", "b"], "a")
    assert field["labels"] == {"a": "An A", "b": "b"}


async def test_a_group_is_folded_away_until_something_in_it_matters(modules: Page) -> None:
    schema = {
        "properties": {
            "late": {"type": "string", "title": "Late", "x-group": "Rarely"},
            "first": {"type": "string", "title": "First"},
            "known": {"type": "string", "title": "Known", "x-group": "Filled"},
        }
    }
    drawn = await modules.evaluate(
        """async (schema) => {
          const { SchemaFields } = await import("/parts/schema-fields.js");
          const form = new SchemaFields(schema, { values: { known: "yes" } });
          document.body.append(form);
          const groups = [...form.querySelectorAll("details")];
          const before = groups.map((group) => [group.firstChild.textContent, group.open]);
          form.showProblem("first", "is wrong without it (late)");
          const said = form.querySelector(".field-error").textContent;
          const named = groups[0].open;
          groups[0].open = false;
          form.showProblem("late", "is wrong");
          return { first: form.querySelector("input").name, before, said, named, after: groups[0].open };
        }""",
        schema,
    )
    assert drawn == {
        "first": "first",
        "before": [["Rarely", False], ["Filled", True]],
        "said": "First: is wrong without it (“Late”)",
        "named": True,
        "after": True,
    }


async def test_drawn_fields_have_labels_limits_and_errors_tied_to_them(modules: Page) -> None:
    drawn = await modules.evaluate(
        """async (schema) => {
          const { SchemaFields } = await import("/parts/schema-fields.js");
          const form = new SchemaFields(schema, { values: { ssid: "HomeNet" } });
          document.body.append(form);
          const input = form.querySelector("input[name=password]");
          input.value = "é".repeat(32);
          input.dispatchEvent(new Event("input"));
          const good = form.check();
          const described = input.getAttribute("aria-describedby").split(" ");
          return {
            good,
            focused: document.activeElement === input,
            label: input.labels[0].textContent,
            invalid: input.getAttribute("aria-invalid"),
            said: described.map((id) => document.getElementById(id).textContent),
            values: form.values,
          };
        }""",
        network_schema()["$defs"]["WiFi"],
    )
    assert drawn["good"] is False
    assert drawn["focused"] is True
    assert drawn["label"] == "Password"
    assert drawn["invalid"] == "true"
    assert drawn["said"][0] == "Password: is 64 bytes long; at most 63 fit"
    assert "64 of 63 bytes" in drawn["said"]
    assert drawn["values"]["ssid"] == "HomeNet"
