"""What a row of a manifest can say, each value checked: everything that is wrong, at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, get_args

from agent.errors import InputError
from agent.jobs.batch_row import (
    ANY,
    Row,
    RowKind,
    check_pattern,
    name_without_board,
    numbered,
)
from agent.jobs.batch_select import folded
from agent.jobs.enrol_base import HARDWARE_ID
from agent.jobs.enrol_effects import FILES
from agent.protocols.thingsboard.names import name_problem
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Wrong = tuple[str, str]
"""A field, and what is wrong with it."""

SELECTORS: Final = ("serial_number", "hardware_id", "port", "board")
CREDENTIALS: Final = {
    "token": "access_token",
    "basic": "mqtt_basic",
    "certificate": "certificate",
}
DELIVERIES: Final = {
    "auto": "",
    "console": "console",
    "repl": "repl",
    "nvs": "nvs",
    "header": "header",
    "image": "image",
}
FIELDS: Final = {
    **dict.fromkeys(SELECTORS, "text"),
    "model": "text",
    "count": "number",
    "job": "text",
    "cloud": "text",
    "name": "text",
    "ssid": "text",
    "network": "text",
    "credentials": "text",
    "delivery": "text",
    "sketch": "text",
    "file": "text",
    "confirmed": "flag",
}
DEFAULTS_ONLY: Final = frozenset({"batch"})
ROWS_ONLY: Final = (*SELECTORS, "count")
"""Fields that would mean the same board for all rows."""
USES: Final[dict[str, frozenset[str]]] = {
    "provision": frozenset(
        {"cloud", "name", "ssid", "network", "credentials", "delivery", "confirmed"}
    ),
    "configure": frozenset({"ssid", "network", "confirmed"}),
    "flash": frozenset({"sketch", "file", "confirmed"}),
}
COUNT_MAX: Final = 100_000
TEXT_CHARS: Final = 512
"""No name, number or path that was meant is longer."""
YES: Final = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known outside the manifest."""

    clouds: frozenset[str]
    enrol: frozenset[str]
    """Clouds that give credentials to boards."""
    models: frozenset[str]
    check_network: Callable[[str], None]
    """Look at a file with a network; raises :class:`InputError`."""
    check_file: Callable[[str], None]
    """Look at a sketch; raises :class:`InputError`."""


@dataclass(slots=True)
class RowChecker:
    """Makes rows, and remembers what may be there only once."""

    surroundings: Surroundings
    _boards: dict[tuple[str, str], str] = field(default_factory=dict)
    _names: dict[tuple[str, str], str] = field(default_factory=dict)
    _files: dict[tuple[str, str], str | None] = field(default_factory=dict)

    def check_defaults(self, values: Mapping[str, Any]) -> list[Wrong]:
        """What is wrong with them wherever they are used."""
        _, wrong = _typed(values)
        return wrong + [
            (name, "is told for each row, not for all of them")
            for name in ROWS_ONLY
            if name in values
        ]

    def rows(
        self, defaults: Mapping[str, Any], given: Mapping[str, Any], first: int, where: str
    ) -> tuple[list[Row], list[Wrong]]:
        """The rows that a line stands for; ``first``: number of the first one."""
        values, wrong = _typed(given)
        usual, _ = _typed(defaults)
        kind: Any = values.get("job") or usual.get("job") or "provision"
        if kind not in get_args(RowKind):
            known = ", ".join(get_args(RowKind))
            return [], [*wrong, ("job", f"is not one of {known}")]
        values = _usable(usual, kind, given) | values
        wrong += self._check(kind, values)
        count = values.get("count", 1)
        if not 1 <= count <= COUNT_MAX:
            return [], [*wrong, ("count", f"is not a number from 1 to {COUNT_MAX}")]
        by = [name for name in SELECTORS if values.get(name)]
        needs_board = _row(kind, by, values, first).needs_board
        wrong += self._check_board(by, values, count, where, needs_board=needs_board)
        if wrong:
            return [], wrong
        rows = [_row(kind, by, values, n) for n in range(first, first + count)]
        for row in rows:
            wrong += self._check_name(row, where)
            if wrong:
                return [], wrong
        return rows, []

    # Parts of it ---------------------------------------------------------------------------------

    def _check(self, kind: str, values: Mapping[str, Any]) -> Iterator[Wrong]:
        uses, cloud = USES[kind], values.get("cloud", "")
        for name in sorted({each for used in USES.values() for each in used} - uses):
            if values.get(name):
                yield name, f"is not used by {kind}"
        if kind == "provision":
            yield from self._check_cloud(cloud, values)
        if values.get("ssid") and values.get("network"):
            yield "network", "and ssid exclude each other"
        needs_network = kind == "configure" or (kind == "provision" and cloud == "none")
        if needs_network and not (values.get("ssid") or values.get("network")):
            yield "ssid", "or network is missing"
        if values.get("ssid") and len(values["ssid"].encode()) > 32:
            yield "ssid", "is longer than 32 bytes"
        if values.get("network"):
            yield from self._look("network", values["network"], self.surroundings.check_network)
        if kind == "flash":
            if bool(values.get("sketch")) is bool(values.get("file")):
                problem = (
                    "and file exclude each other" if values.get("file") else "or file is missing"
                )
                yield "sketch", problem
            if values.get("file"):
                yield from self._look("file", values["file"], self.surroundings.check_file)

    def _check_cloud(self, cloud: str, values: Mapping[str, Any]) -> Iterator[Wrong]:
        known = self.surroundings
        if not cloud:
            yield "cloud", f"is missing: {', '.join(sorted(known.clouds))}"
        elif cloud not in known.clouds:
            yield "cloud", f"is not one of {', '.join(sorted(known.clouds))}"
        enrols = cloud in known.enrol
        for name, table in (("credentials", CREDENTIALS), ("delivery", DELIVERIES)):
            value = values.get(name)
            if value and not enrols:
                yield name, f"is not used with {clean_text(cloud) or 'no cloud'}"
            elif value and value not in table:
                yield name, f"is not one of {', '.join(table)}"
        pattern = values.get("name", "")
        if cloud in known.clouds - known.enrol - {"none"} and not pattern:
            yield "name", "is missing"
        if problem := check_pattern(pattern):
            yield "name", problem
        elif HARDWARE_ID in pattern and not enrols:
            yield "name", f"has {HARDWARE_ID}, which is read too late here: use {{serial_number}}"
        elif (
            HARDWARE_ID in pattern
            and values.get("delivery") in FILES
            and not values.get("hardware_id")
        ):
            problem = "but no board is asked: tell it as hardware_id, or use {serial_number}"
            yield "name", f"has {HARDWARE_ID}, {problem}"

    def _look(self, name: str, value: str, look: Callable[[str], None]) -> Iterator[Wrong]:
        """Each file is looked at once."""
        if (name, value) not in self._files:
            try:
                look(value)
            except InputError as error:
                self._files[name, value] = error.report().title
            else:
                self._files[name, value] = None
        if problem := self._files[name, value]:
            yield name, problem

    def _check_board(
        self, by: list[str], values: Mapping[str, Any], count: int, where: str, *, needs_board: bool
    ) -> Iterator[Wrong]:
        model = values.get("model", "")
        usb_ids = len(model) == 9 and model[4] == ":"
        if model and model != ANY and not usb_ids and model not in self.surroundings.models:
            yield (
                "model",
                f"{clean_text(model, 60)} is not in the catalogue, nor USB ids (303a:1001)",
            )
        if len(by) > 1:
            yield by[1], f"and {by[0]} exclude each other"
            return
        if not by:
            if not model and needs_board:
                problem = "is missing: the next free board of which model? (any: of all)"
                yield "model", problem
            return
        if count > 1:
            yield "count", f"does not go with {by[0]}, which is one board"
        key = by[0], folded(values[by[0]])
        if key in self._boards:
            yield by[0], f"is the board of {self._boards[key]} too"
        self._boards.setdefault(key, where)

    def _check_name(self, row: Row, where: str) -> Iterator[Wrong]:
        if row.kind != "provision" or not row.name:
            return
        name = row.name if row.needs_board else name_without_board(row)
        plain = name.replace(HARDWARE_ID, "0" * 12)
        if row.cloud in self.surroundings.enrol:
            certificate = row.credentials == CREDENTIALS["certificate"]
            if problem := name_problem(plain, certificate=certificate):
                yield "name", problem
                return
        if "{" in name:
            return
        key = row.cloud, name
        if key in self._names and row.cloud != "none":
            yield "name", f"is that of {self._names[key]} too: put {{n}} into it"
        self._names.setdefault(key, where)


def _usable(usual: Mapping[str, Any], kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults that are meant for a row of this kind that says ``given``."""
    other = {"ssid": "network", "network": "ssid", "sketch": "file", "file": "sketch"}
    used = USES[kind] | {"model", "job"}
    return {
        name: value
        for name, value in usual.items()
        if name in used and not given.get(other.get(name, ""))
    }


def _typed(given: Mapping[str, Any]) -> tuple[dict[str, Any], list[Wrong]]:
    """Texts of a CSV file as what they mean."""
    values: dict[str, Any] = {}
    wrong: list[Wrong] = []
    for name, value in given.items():
        match FIELDS.get(name):
            case "text" if isinstance(value, str) and len(value) <= TEXT_CHARS:
                values[name] = value.strip()
            case "text" if isinstance(value, str):
                wrong.append((name, f"is longer than {TEXT_CHARS} characters"))
            case "number" if isinstance(value, int) and not isinstance(value, bool):
                values[name] = value
            case "number" if isinstance(value, str) and value.isascii() and value.isdigit():
                values[name] = int(value[:9])
            case "flag" if isinstance(value, bool):
                values[name] = value
            case "flag" if isinstance(value, str) and value.casefold() in YES:
                values[name] = YES[value.casefold()]
            case "text":
                wrong.append((name, "is not text"))
            case "number":
                wrong.append((name, "is not a whole number"))
            case "flag":
                wrong.append((name, "is neither yes nor no"))
    return values, wrong


def _row(kind: RowKind, by: list[str], values: Mapping[str, Any], n: int) -> Row:
    network = ""
    if values.get("ssid"):
        network = f"ssid:{values['ssid']}"
    elif values.get("network"):
        network = f"file:{values['network']}"
    selector: Any = by[0] if by else "next"
    model = values.get("model", "")
    return Row(
        n=n,
        kind=kind,
        by=selector,
        value=values[selector] if by else "",
        model=model.casefold() if ":" in model else model,
        name=numbered(values.get("name", ""), n) if kind == "provision" else "",
        cloud=values.get("cloud", "") if kind == "provision" else "",
        network=network if kind != "flash" else "",
        credentials=CREDENTIALS.get(values.get("credentials", ""), ""),
        delivery=DELIVERIES.get(values.get("delivery", ""), ""),
        sketch=values.get("sketch", "") if kind == "flash" else "",
        file=values.get("file", "") if kind == "flash" else "",
        confirmed=values.get("confirmed", False),
    )
