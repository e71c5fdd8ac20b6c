"""A validator for the part of JSON Schema that the published document uses.

An unknown keyword is an error, so that nothing in the document goes unchecked.
"""

from __future__ import annotations

import re
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list, tuple),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_SAID_ELSEWHERE = {"title", "description", "default", "discriminator", "format", "x-max-bytes"}


def check(value: Any, schema: dict[str, Any], components: dict[str, Any], at: str = "$") -> None:
    """Raise AssertionError that names the place where ``value`` does not fit."""
    for keyword, wanted in schema.items():
        if keyword in _SAID_ELSEWHERE:
            continue
        if keyword in {"properties", "required", "additionalProperties"}:
            _check_object(value, schema, components, at)
            continue
        _KEYWORDS[keyword](value, wanted, components, at)


def _ref(value: Any, wanted: str, components: dict[str, Any], at: str) -> None:
    prefix = "#/components/schemas/"
    assert wanted.startswith(prefix), wanted
    check(value, components[wanted.removeprefix(prefix)], components, at)


def _type(value: Any, wanted: str, _components: dict[str, Any], at: str) -> None:
    fits = isinstance(value, _TYPES[wanted])
    if isinstance(value, bool) and wanted != "boolean":
        fits = False
    assert fits, f"{at}: {value!r} is no {wanted}"


def _any_of(value: Any, wanted: list[dict[str, Any]], components: dict[str, Any], at: str) -> None:
    problems = []
    for option in wanted:
        try:
            check(value, option, components, at)
        except AssertionError as error:
            problems.append(str(error))
        else:
            return
    raise AssertionError(f"{at}: {value!r} fits none: {problems}")


def _enum(value: Any, wanted: list[Any], _components: dict[str, Any], at: str) -> None:
    assert value in wanted, f"{at}: {value!r} is not one of {wanted}"


def _items(value: Any, wanted: dict[str, Any], components: dict[str, Any], at: str) -> None:
    for index, item in enumerate(value):
        check(item, wanted, components, f"{at}[{index}]")


def _bound(value: Any, *, fits: bool, at: str) -> None:
    assert fits, f"{at}: {value!r} is out of bounds"


def _check_object(value: Any, schema: dict[str, Any], components: dict[str, Any], at: str) -> None:
    assert isinstance(value, dict), f"{at}: {value!r} is no object"
    properties = schema.get("properties", {})
    for name in schema.get("required", []):
        assert name in value, f"{at}.{name} is missing"
    others = schema.get("additionalProperties", True)
    for name, item in value.items():
        if name in properties:
            check(item, properties[name], components, f"{at}.{name}")
        elif isinstance(others, dict):
            check(item, others, components, f"{at}.{name}")
        else:
            assert others, f"{at}.{name} is not in the schema"


_KEYWORDS: dict[str, Any] = {
    "$ref": _ref,
    "type": _type,
    "anyOf": _any_of,
    "enum": _enum,
    "const": lambda value, wanted, _c, at: _enum(value, [wanted], _c, at),
    "items": _items,
    "minimum": lambda v, w, _c, at: _bound(v, fits=v >= w, at=at),
    "exclusiveMinimum": lambda v, w, _c, at: _bound(v, fits=v > w, at=at),
    "maximum": lambda v, w, _c, at: _bound(v, fits=v <= w, at=at),
    "maxLength": lambda v, w, _c, at: _bound(v, fits=len(v) <= w, at=at),
    "minLength": lambda v, w, _c, at: _bound(v, fits=len(v) >= w, at=at),
    "maxItems": lambda v, w, _c, at: _bound(v, fits=len(v) <= w, at=at),
    "pattern": lambda v, w, _c, at: _bound(v, fits=re.search(w, v) is not None, at=at),
}
