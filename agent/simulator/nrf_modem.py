"""A simulated modem of an nRF91: AT commands in, answers out.

Source: AT command reference of nRF91x1; nrfcredstore 2.1.0, which needs these and no others.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from agent.protocols.nrf import cme, cmng
from agent.protocols.nrf.cmng import CredentialType
from agent.protocols.nrf.keygen import with_null

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.simulator.nrf_config import NrfConfig
    from agent.simulator.nrf_identity import ModemIdentity

ROOM: Final = 40
"""Credentials; the real store has some hundred kilobytes."""
_COMMAND: Final = re.compile(r"AT([+%][A-Z]+)(=\?|\?|=)?(.*)", re.DOTALL | re.IGNORECASE)
_WRITE: Final = re.compile(r'0,(\d+),(\d+),"(.*?)"(?:,"[^"]*")?', re.DOTALL)
_KEYGEN: Final = re.compile(r'(\d+),2,([01])(?:,"([^"]*)"(?:,"[01]{9}")?)?')
_NONCE: Final = re.compile(r'"([0-9A-Fa-f]{32})"')
_READABLE: Final = {CredentialType.ROOT_CA, CredentialType.CLIENT_CERTIFICATE}
_OFF: Final = {0, 4}
_NOT_READABLE: Final = 514
_FULL: Final = 515
_MODELS: Final = {
    "nrf9160_dk": ("nRF9160-SIAA", "mfw_nrf9160_1.3.7"),
    "thingy91": ("nRF9160-SIAA", "mfw_nrf9160_1.3.7"),
}
_NEWER: Final = ("nRF9151-LACA", "mfw_nrf91x1_2.0.2")


class RefusedByModem(Exception):
    """Answered with an error; ``code`` None without a number."""

    def __init__(self, code: int | None = None) -> None:
        super().__init__(code)
        self.code = code


class SimulatedModem:
    """One modem; its store outlives the power."""

    def __init__(self, config: NrfConfig, identity: ModemIdentity) -> None:
        self.identity = identity
        self.store: dict[tuple[int, int], str] = {}
        self.mode = 1
        """Of ``+CFUN``: 1 with the radio on, 4 flight mode, 0 off."""
        self.refuse = dict(config.refuse)
        self.commands: list[str] = []
        """Names of what was asked, in order."""
        self.keeps: Callable[[str], str] = lambda content: content
        """What is left of what is written."""
        self.says_of_key: Callable[[str], str] = lambda said: said
        """What is left of what it says of a key that it made."""
        self._config = config
        self._numbers = 0
        self._known: dict[str, Callable[[str, str], list[str]]] = {
            "+CMEE": self._cmee,
            "+CFUN": self._cfun,
            "+CGSN": lambda *_: [identity.imei],
            "+CGMM": lambda *_: [_MODELS.get(config.model, _NEWER)[0]],
            "+CGMR": lambda *_: [_MODELS.get(config.model, _NEWER)[1]],
            "+CPIN": self._cpin,
            "%ATTESTTOKEN": self._attest,
            "%KEYGEN": self._keygen,
            "%CMNG": self._cmng,
        }

    def restart(self) -> None:
        """What a restart of the board forgets."""
        self.mode, self._numbers = 1, 0

    def execute(self, text: str) -> list[str]:
        """The lines of the answer, the last of them ``OK`` or an error."""
        if text.strip().upper() == "AT":
            return ["OK"]
        try:
            return [*self._run(text.strip()), "OK"]
        except RefusedByModem as refused:
            if refused.code is None or not self._numbers:
                return ["ERROR"]
            return [f"+CME ERROR: {refused.code}"]

    def write(self, tag: int, kind: int, content: str) -> None:
        """Put a credential in its place."""
        self._require_off()
        if (tag, kind) not in self.store and len(self.store) >= ROOM:
            raise RefusedByModem(_FULL)
        if tag > cmng.HIGHEST_TAG or not content:
            raise RefusedByModem(_NOT_READABLE)
        self.store[tag, kind] = self.keeps(content)

    def delete(self, tag: int, kind: int) -> None:
        """Empty a place."""
        self._require_off()
        if tag in cmng.OWN:
            raise RefusedByModem(_NOT_READABLE)
        if self.store.pop((tag, kind), None) is None:
            raise RefusedByModem(cme.NOT_FOUND)

    def make_key(self, tag: int, attributes: str = "", *, public: bool = False) -> str:
        """Make a private key in a place; the signed request for it, or its public half."""
        self._require_off()
        if (tag, CredentialType.CLIENT_KEY) in self.store:
            raise RefusedByModem(cme.EXISTS)
        key = ec.generate_private_key(ec.SECP256R1())
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        try:
            request = self.identity.request(key, attributes)
        except (KeyError, ValueError):
            raise RefusedByModem(None) from None
        self.store[tag, CredentialType.CLIENT_KEY] = private.decode("ascii")
        if public:
            form = serialization.PublicFormat.SubjectPublicKeyInfo
            half = key.public_key().public_bytes(serialization.Encoding.DER, form)
            return self.says_of_key(self.identity.sign_key(half, sec_tag=tag, request=False))
        if self._config.old_requests:
            request = with_null(request)
        return self.says_of_key(self.identity.sign_key(request, sec_tag=tag, request=True))

    # --- inside ------------------------------------------------------------------------------

    def _run(self, text: str) -> list[str]:
        found = _COMMAND.fullmatch(text)
        name = found[1].upper() if found else ""
        self.commands.append(name)
        if name in self.refuse:
            raise RefusedByModem(self.refuse[name])
        if found is None or name not in self._known:
            raise RefusedByModem
        return self._known[name](found[2] or "", found[3])

    def _cmee(self, form: str, rest: str) -> list[str]:
        if form == "?":
            return [f"+CMEE: {self._numbers}"]
        if rest not in {"0", "1"}:
            raise RefusedByModem
        self._numbers = int(rest)
        return []

    def _cfun(self, form: str, rest: str) -> list[str]:
        if form == "?":
            return [f"+CFUN: {self.mode}"]
        if rest not in {"0", "1", "4", "20", "21", "30", "31"}:
            raise RefusedByModem
        self.mode = int(rest)
        return []

    def _cpin(self, form: str, rest: str) -> list[str]:
        if form != "?" or rest:
            raise RefusedByModem
        if not self._config.sim:
            raise RefusedByModem(cme.NO_SIM[0])
        return ["+CPIN: READY"]

    def _attest(self, form: str, rest: str) -> list[str]:
        nonce = _NONCE.fullmatch(rest)
        if form not in {"", "="} or (rest and not nonce):
            raise RefusedByModem
        wanted = bytes.fromhex(nonce[1]) if nonce and not self._config.stale_nonce else None
        return [f'%ATTESTTOKEN: "{self.identity.attest(wanted)}"']

    def _keygen(self, form: str, rest: str) -> list[str]:
        found = _KEYGEN.fullmatch(rest)
        if form != "=" or found is None:
            raise RefusedByModem
        return [f'%KEYGEN: "{self._key_for(found)}"']

    def _key_for(self, found: re.Match[str]) -> str:
        return self.make_key(int(found[1]), found[3] or "", public=found[2] == "1")

    def _cmng(self, form: str, rest: str) -> list[str]:
        if form == "=" and (found := _WRITE.fullmatch(rest)):
            self.write(int(found[1]), int(found[2]), found[3])
            return []
        words = rest.split(",")
        if form != "=" or not all(word.isascii() and word.isdigit() for word in words):
            raise RefusedByModem
        match [int(word) for word in words]:
            case [1, *place] if len(place) <= 2:
                return self._list(place)
            case [2, tag, kind]:
                return self._read(tag, kind)
            case [3, tag, kind]:
                self.delete(tag, kind)
                return []
        raise RefusedByModem

    def _list(self, place: list[int]) -> list[str]:
        own = {(tag, kind): f"own {tag}" for tag, kind in zip(cmng.OWN, (11, 10, 6), strict=True)}
        everything = {**self.store, **own}
        return [
            f'%CMNG: {tag},{kind},"{hashlib.sha256(content.encode()).hexdigest().upper()}"'
            for (tag, kind), content in sorted(everything.items())
            if [tag, kind][: len(place)] == place
        ]

    def _read(self, tag: int, kind: int) -> list[str]:
        content = self.store.get((tag, kind))
        if content is None:
            raise RefusedByModem(cme.NOT_FOUND)
        if kind not in _READABLE:
            raise RefusedByModem(_NOT_READABLE)
        digest = hashlib.sha256(content.encode()).hexdigest().upper()
        return [f'%CMNG: {tag},{kind},"{digest}","{content}"']

    def _require_off(self) -> None:
        if self.mode not in _OFF:
            raise RefusedByModem(cme.ACTIVE)
