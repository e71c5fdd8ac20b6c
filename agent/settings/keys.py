"""The table of settings, read off the types of :mod:`agent.settings.config`."""

from __future__ import annotations

import difflib
import typing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from agent.errors import SettingRefused
from agent.settings.checks import check_value
from agent.settings.config import Config
from agent.settings.proxy import ProxyAddress
from agent.settings.text import clean_text
from agent.settings.toml_text import toml_literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Applies = Literal["now", "restart"]

NEAR: Final = 0.7
"""How alike two words must be for one to be taken for a slip of the other (0 to 1)."""
_TYPES: Final = {
    "string": "a text",
    "boolean": "true or false",
    "integer": "a whole number{range}",
    "number": "a number{range}",
    "array": "a list of texts, such as {example}",
    "object": "names with texts, such as {example}",
}


@dataclass(frozen=True, slots=True)
class Key:
    """One setting: ``section.field``."""

    section: str
    field: str
    title: str
    meaning: str
    applies: Applies
    schema: dict[str, Any]
    """JSON Schema of its value."""
    default: Any
    masked: bool
    """Its value may hold a password; it is shown without it."""
    variable: str | None
    """Of the environment, that takes its place."""
    kind: Any

    @property
    def name(self) -> str:
        """As people write it: ``bridge.first_port``."""
        return f"{self.section}.{self.field}"

    @property
    def wanted(self) -> str:
        """What it must be: ``a whole number from 1024 to 65535``."""
        if "enum" in self.schema:
            *words, last = (f'"{word}"' for word in self.schema["enum"])
            return f"{', '.join(words)} or {last}"
        low, high = self.schema.get("minimum"), self.schema.get("maximum")
        between = f" from {low} to {high}"
        example = next(iter(self.schema.get("examples", [])), "")
        return _TYPES[self.schema["type"]].format(range=between, example=toml_literal(example))

    def read(self, value: object) -> object:
        """``value`` of a file or a message as the setting; ValueError says what is wrong."""
        try:
            taken = msgspec.convert(value, self.kind, dec_hook=_proxy_from)
        except msgspec.ValidationError:
            # Its words are those of programs, and may quote the value.
            raise ValueError(f"must be {self.wanted}{self._too_long(value)}") from None
        problem = check_value(self.name, taken)
        if problem is not None:
            raise ValueError(problem)
        return taken

    def of(self, config: Config) -> object:
        """Its value there."""
        return getattr(getattr(config, self.section), self.field)

    def plain(self, value: object) -> object:
        """A value as people may see it."""
        return repr(value) if self.masked else value

    def _too_long(self, value: object) -> str:
        limit = self.schema.get("maxLength") or self.schema.get("maxItems")
        if limit and isinstance(value, str | list) and len(value) > limit:
            return f", at most {limit} {'characters' if isinstance(value, str) else 'of them'}"
        return ""


def all_keys() -> list[Key]:
    """Every setting, in the order of the sections."""
    return [
        _key(section, field)
        for section in msgspec.structs.fields(Config)
        for field in msgspec.structs.fields(section.type)
    ]


def sections() -> list[str]:
    """The names of all sections."""
    return list(Config.__struct_fields__)


def find_key(name: str) -> Key:
    """The setting of this name; raises :class:`SettingRefused` with the nearest one."""
    keys = all_keys()
    for key in keys:
        if key.name == name:
            return key
    section, _, field = name.rpartition(".")
    near = near_key(section, field, keys)
    hint = f"; did you mean {near.name}?" if near else ""
    raise SettingRefused(field=clean_text(name), problem=f"is not a setting{hint}")


def near_key(section: str, field: str, keys: Sequence[Key]) -> Key | None:
    """The setting that was probably meant by a name that none has."""
    own = [key for key in keys if key.section == section]
    for among in (own, keys):
        names = [key.field for key in among]
        near = difflib.get_close_matches(field, names, n=1, cutoff=NEAR)
        if near:
            return among[names.index(near[0])]
    return None


def build_config(values: Mapping[str, object]) -> Config:
    """The settings with these values by name, each as :meth:`Key.read` gave it."""
    given: dict[str, dict[str, object]] = {name: {} for name in sections()}
    for name, value in values.items():
        section, _, field = name.partition(".")
        given[section][field] = value
    kinds = {each.name: each.type for each in msgspec.structs.fields(Config)}
    return Config(**{name: kinds[name](**fields) for name, fields in given.items()})


def _key(section: msgspec.structs.FieldInfo, field: msgspec.structs.FieldInfo) -> Key:
    schema = msgspec.json.schema(field.type, schema_hook=_text_schema)
    words = typing.get_args(typing.get_args(field.type)[0])
    if "enum" in schema:
        schema["enum"] = list(words)  # In our order: msgspec sorts.
    default = field.default
    if default is msgspec.NODEFAULT:
        default = field.default_factory()
    return Key(
        section=section.name,
        field=field.name,
        title=schema.pop("title"),
        meaning=schema.pop("description"),
        applies=schema.pop("x-applies"),
        default=default,
        masked=schema.get("x-masked", False),
        variable=schema.pop("x-environment", None),
        kind=field.type,
        schema=schema,
    )


def _text_schema(kind: type) -> dict[str, Any]:
    if kind is ProxyAddress:
        return {"type": "string"}
    raise NotImplementedError(kind)


def _proxy_from(kind: type, value: object) -> object:
    """Msgspec ``dec_hook``."""
    if kind is ProxyAddress and isinstance(value, ProxyAddress):
        return value
    if kind is ProxyAddress and isinstance(value, str):
        return ProxyAddress(value)
    raise TypeError
