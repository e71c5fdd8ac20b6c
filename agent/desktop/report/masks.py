"""Replaces what is personal by names that stay the same throughout: ``<network-1>``.

Two nets. What is known (:meth:`Masks.learn`) is found in whatever way it is written. What only
looks personal is found by its shape: addresses, ids, tokens, mail addresses, home folders.
"""

from __future__ import annotations

import ipaddress
import re
from functools import partial
from typing import TYPE_CHECKING, Final

from agent.desktop.report.variants import compact, cut_off, variants
from agent.settings.log import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PUBLIC_HOSTS: Final = ("arduino.cc", "github.com", "localhost")
"""Hosts, and those below them, that say nothing about a person."""
_MASK = re.compile(r"<(?:[a-z]+-\d+|secret|login)>")
_KEPT = re.compile(rf"{_MASK.pattern}|0000[0-9a-f]{{4}}-0000-1000-8000-00805f9b34fb", re.IGNORECASE)
"""Names that were given, and numbers that the Bluetooth specification assigns."""
_URL = re.compile(
    r"(?P<head>[a-z][a-z0-9+.-]*://)(?P<login>[^/\s@]*@)?(?P<host>\[[^\]\s]*\]|[^/\s:?#\"'”,;)]+)?"
    r"(?P<port>:\d+)?(?P<path>[^\s?#\"'”]*)(?P<query>[?#][^\s\"'”]*)?",
    re.IGNORECASE,
)
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_MAC = re.compile(
    r"(?<![0-9a-f])[0-9a-f]{2}(?P<between>[:-])(?:[0-9a-f]{2}(?P=between)){4,6}[0-9a-f]{2}(?![0-9a-f])",
    re.IGNORECASE,
)
_UUID = re.compile(
    r"(?<![0-9a-f])[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?![0-9a-f])", re.IGNORECASE
)
_IPV4 = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.]*\d)")
_IPV6 = re.compile(
    r"(?<![0-9a-z:])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?:%\w+)?(?![0-9a-z:])", re.IGNORECASE
)
_HOME = re.compile(
    r"(?P<head>/home/|/Users/|/media/|[a-z]:\\+Users\\+)(?P<name>[^/\\\s\"'”:,;)]+)", re.IGNORECASE
)
_LOCAL_NAME = re.compile(
    r"(?<![\w.-])[\w-]+\.(?:local|lan|home|internal|fritz\.box|home\.arpa)(?![\w.-])", re.IGNORECASE
)
_DEVICE = re.compile(
    r"(?P<head>/dev/(?:serial/by-id/|(?:cu|tty)\.(?:usbmodem|usbserial-?|wchusbserial)))(?P<name>[^\s\"'”,;)]+)"
)
_HEX = re.compile(
    r"(?<![0-9a-z])(?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{12,}(?![0-9a-z])", re.IGNORECASE
)
_IMEI = re.compile(r"(?<!\d)\d{15}(?!\d)")
"""The number of a modem; the same number of digits stands for next to nothing else."""
_OPAQUE = re.compile(
    r"(?<![\w+/=-])(?=[^\s]*[A-Z])(?=[^\s]*[a-z])(?=[^\s]*\d)(?:[A-Za-z0-9_-]{20,}|[A-Za-z0-9+]{16,})={0,2}(?![\w+-])"
)
"""Tokens and keys: long, with small and capital letters and digits, and without dots."""
_BLOCK = "\x1e"
_QUOTED = re.compile(r"“(?P<name>[^”]+)”")
_FREE = frozenset({"user", "users", "shared", "public", "default"})


class Masks:
    """The names given in one report. Not for several reports: they must not be linked."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._given: dict[tuple[str, str], str] = {}
        self.counts: dict[str, int] = {}
        """How many different things of each kind were replaced."""

    def learn(self, kind: str, value: str) -> None:
        """Replace ``value`` by a name of ``kind`` wherever it is found."""
        value = value.strip()
        if value and not _MASK.fullmatch(value):
            self._known.setdefault(value, kind)

    def name(self, kind: str, value: str) -> str:
        """The name that stands for ``value``."""
        if kind == "secret":
            self.counts[kind] = self.counts.get(kind, 0) + 1
            return "<secret>"
        kind = self._known.get(value.strip(), kind)
        given = self._given.get((kind, value.lower()))
        if given is None:
            self.counts[kind] = number = self.counts.get(kind, 0) + 1
            given = self._given[kind, value.lower()] = f"<{kind}-{number}>"
        return given

    def clean(self, text: str, *, quoted: bool = False) -> str:
        """See :meth:`clean_all`."""
        return self.clean_all([(text, quoted)])[0]

    def clean_all(self, blocks: Sequence[tuple[str, bool]]) -> list[str]:
        """Texts without what is personal; those with True also without what is quoted.

        In the log and in what jobs say, names that came from outside stand in “ ”.
        """
        whole = self._without_known(_BLOCK.join(text.replace(_BLOCK, "") for text, _ in blocks))
        if "…" in whole:
            whole = "\n".join(map(self._without_cut, whole.split("\n")))
        texts = [redact(text) for text in whole.split(_BLOCK)]
        return [
            self._without_shapes(self._without_quoted(text) if quoted else text)
            for text, (_, quoted) in zip(texts, blocks, strict=True)
        ]

    def _without_known(self, text: str) -> str:
        lowered = text.lower()
        close = compact(lowered)
        found: list[tuple[str, str, str]] = []
        for value, kind in self._known.items():
            found += [
                (variant.pattern, value, kind)
                for variant in variants(value)
                if variant.needle in (close if variant.compact else lowered)
            ]
        # Longest first, so that what is inside another value does not take it apart.
        for pattern, value, kind in sorted(found, key=lambda each: len(each[0]), reverse=True):
            wanted = re.compile(pattern, re.IGNORECASE)
            text = _outside(text, partial(wanted.sub, lambda _, v=value, k=kind: self.name(k, v)))
        return text

    def _without_quoted(self, text: str) -> str:
        def put(found: re.Match[str]) -> str:
            name = found["name"]
            return found[0] if _MASK.fullmatch(name) else f"“{self.name('name', name)}”"

        return _QUOTED.sub(put, text)

    def _without_cut(self, line: str) -> str:
        """A line that was cut may end in the beginning of something known."""
        head, mark, tail = line.rpartition("…")
        if not mark:
            return line
        kept = head.rstrip()
        for value, kind in self._known.items():
            count = cut_off(value, kept)
            if count:
                return f"{kept[:-count]}{self.name(kind, value)}…{tail}"
        return line

    def _without_shapes(self, text: str) -> str:
        shapes: Sequence[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]] = (
            (_URL, self._url),
            (_MAIL, lambda m: self.name("mail", m[0])),
            (_UUID, lambda m: self.name("id", m[0])),
            (_MAC, lambda m: self.name("hardware", m[0])),
            (_IPV4, self._address),
            (_IPV6, self._address),
            (_HOME, self._home),
            (_LOCAL_NAME, lambda m: self.name("computer", m[0])),
            (_DEVICE, lambda m: m["head"] + self.name("serial", m["name"])),
            (_IMEI, lambda m: self.name("hardware", m[0])),
            (_HEX, lambda m: self.name("id", m[0])),
            (_OPAQUE, lambda m: self.name("id", m[0])),
        )
        for shape, put in shapes:
            text = _outside(text, partial(shape.sub, put))
        return text

    def _url(self, found: re.Match[str]) -> str:
        if found["head"].lower() == "ble://":
            return found[0]
        host = found["host"] or ""
        shown = host
        if host and not _is_public(host):
            shown = self.name("host", host)
        login = "<login>@" if found["login"] else ""
        query = found["query"][0] + "…" if found["query"] else ""
        return f"{found['head']}{login}{shown}{found['port'] or ''}{found['path']}{query}"

    def _address(self, found: re.Match[str]) -> str:
        try:
            address = ipaddress.ip_address(found[0].partition("%")[0])
        except ValueError:
            return found[0]
        if address.is_loopback or address.is_unspecified:
            return found[0]
        return self.name("address", found[0])

    def _home(self, found: re.Match[str]) -> str:
        name = found["name"]
        if name.lower() in _FREE:
            return found[0]
        return found["head"] + self.name("user", name)


def _is_public(host: str) -> bool:
    name = host.lower()
    if any(name == each or name.endswith(f".{each}") for each in PUBLIC_HOSTS):
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def _outside(text: str, change: Callable[[str], str]) -> str:
    """Change what stands between what is kept."""
    parts: list[str] = []
    at = 0
    for kept in _KEPT.finditer(text):
        parts += [change(text[at : kept.start()]), kept[0]]
        at = kept.end()
    return "".join([*parts, change(text[at:])])
