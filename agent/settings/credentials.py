"""What a board needs to prove itself to its cloud, and where that cloud is.

Limits are bytes of UTF-8. They are ours: they hold what clouds give out with room to spare, and
bound what a board has to keep. Which key of a board holds which field is the delivery's matter.
"""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias, TypeVar

import msgspec

from agent.errors import InputError
from agent.settings.network import NetworkSetting, secret_from
from agent.settings.secret import Secret

TOKEN_BYTES: Final = 255
"""ThingsBoard's console takes 32 characters, its interface more; its own are 20 long."""
LOGIN_BYTES: Final = 255
"""Client id, user name and password of MQTT, each."""
CERTIFICATE_BYTES: Final = 8192
"""A certificate on P-256 takes 600 bytes as PEM, one for RSA 4096 with its issuer 4000."""
KEY_BYTES: Final = 4096
"""The longest key in use, RSA 4096, takes 3300 bytes as PEM."""
CA_BYTES: Final = 16384
"""A few authorities; a whole store is not for a board."""
NAME_BYTES: Final = 255
"""Device name; ThingsBoard keeps so many characters."""
HOST_BYTES: Final = 253
"""The longest name that DNS carries."""

Scheme: TypeAlias = Literal["mqtt", "mqtts", "http", "https", "coap", "coaps"]
ENCRYPTED: Final[frozenset[str]] = frozenset({"mqtts", "https", "coaps"})
"""Schemes with TLS or DTLS."""

_T = TypeVar("_T")


class AccessToken(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="access_token"):
    """One text that is both name and proof."""

    token: Secret

    def check(self) -> None:
        """Raise :class:`InputError` that names the first field that is wrong."""
        if not self.token:
            raise InputError(field="token", problem="is empty")
        _check_text("token", self.token.reveal(), TOKEN_BYTES)


class MqttBasic(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="mqtt_basic"):
    """What an MQTT client says when it connects; client id or user name may be empty."""

    client_id: str = ""
    username: str = ""
    password: Secret = msgspec.field(default_factory=Secret)

    def check(self) -> None:
        """Raise :class:`InputError` that names the first field that is wrong."""
        if not (self.client_id or self.username):
            raise InputError(field="username", problem="is missing, and so is the client id")
        if self.password and not self.username:
            raise InputError(field="username", problem="is needed where there is a password")
        _check_text("client_id", self.client_id, LOGIN_BYTES)
        _check_text("username", self.username, LOGIN_BYTES)
        _check_text("password", self.password.reveal(), LOGIN_BYTES)


class Certificate(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="certificate"):
    """A certificate and its private key, both PEM, the key without a passphrase."""

    certificate: str
    key: Secret

    def check(self) -> None:
        """Raise :class:`InputError` that names the first field that is wrong."""
        _check_pem("certificate", self.certificate, "CERTIFICATE", CERTIFICATE_BYTES)
        key = self.key.reveal()
        _check_pem("key", key, "PRIVATE KEY", KEY_BYTES)
        if "ENCRYPTED" in key:
            raise InputError(field="key", problem="has a passphrase, which a board cannot be asked")


Credentials: TypeAlias = AccessToken | MqttBasic | Certificate


class CloudSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The device that a board is in a cloud: where, by what name, with what proof."""

    cloud: str
    """Id of the cloud: ``thingsboard``."""
    name: str
    """Name of the device there."""
    host: str
    """Name or address of the server that the board connects to, without brackets."""
    port: int
    scheme: Scheme
    credentials: Credentials
    ca: str = ""
    """PEM of the authorities that the board trusts; empty: those that it knows."""

    @property
    def encrypted(self) -> bool:
        """Whether the connection is TLS or DTLS."""
        return self.scheme in ENCRYPTED

    def check(self) -> None:
        """Raise :class:`InputError` that names the first field that is wrong."""
        for field in ("cloud", "name", "host"):
            if not getattr(self, field):
                raise InputError(field=field, problem="is empty")
        _check_text("name", self.name, NAME_BYTES)
        _check_text("host", self.host, HOST_BYTES)
        if not self.host.isascii() or set(self.host) & set(" /@[]?#\\%"):
            raise InputError(field="host", problem="is not the name or address of a server alone")
        if not 1 <= self.port <= 65535:
            raise InputError(field="port", problem="is not between 1 and 65535")
        if self.ca:
            _check_pem("ca", self.ca, "CERTIFICATE", CA_BYTES)
            if not self.encrypted:
                raise InputError(field="ca", problem=f"is of no use with {self.scheme}")
        self.credentials.check()
        if isinstance(self.credentials, MqttBasic) and self.scheme not in {"mqtt", "mqtts"}:
            raise InputError(field="scheme", problem="must be MQTT for these credentials")
        # A certificate proves itself in the handshake only, and the server has none over HTTP.
        if isinstance(self.credentials, Certificate) and self.scheme not in {"mqtts", "coaps"}:
            raise InputError(field="scheme", problem="must be mqtts or coaps for a certificate")


class BoardSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What is delivered to a board; None: what it has stays."""

    network: NetworkSetting | None = None
    cloud: CloudSettings | None = None

    def check(self) -> None:
        """Raise :class:`InputError` that names the first field that is wrong."""
        if self.network is None and self.cloud is None:
            raise InputError(field="cloud", problem="is missing, and so is the network")
        if self.network is not None:
            self.network.check()
        if self.cloud is not None:
            self.cloud.check()


def parse_settings(data: object, kind: type[_T]) -> _T:
    """One of these structs out of plain data (decoded JSON); not yet checked.

    Raises :class:`InputError`, which names the field and never its value.
    """
    try:
        return msgspec.convert(data, kind, dec_hook=secret_from)
    except msgspec.ValidationError as error:
        problem, _, path = str(error).partition(" - at `$")
        field = path.rstrip("`").lstrip(".") or "settings"
        shown = problem[:1].lower() + problem[1:]
        if "Invalid value" in problem:  # msgspec quotes it, and it may be a secret out of place
            shown = "is not one of the known kinds"
        raise InputError(field=field, problem=shown) from None


def reveal_settings(settings: BoardSettings | CloudSettings | Credentials) -> dict[str, Any]:
    """As plain data with every secret in clear: for the wire, the keyring or an encrypted file."""
    plain: dict[str, Any] = msgspec.to_builtins(settings, enc_hook=_reveal)
    return plain


def _reveal(value: object) -> object:
    if isinstance(value, Secret):
        return value.reveal()
    raise NotImplementedError(type(value))


def _check_text(field: str, text: str, limit: int) -> None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise InputError(field=field, problem="is not valid text (UTF-8)") from None
    if size > limit:
        raise InputError(field=field, problem=f"is {size} bytes long; at most {limit} fit")
    if not all(char.isprintable() for char in text):
        raise InputError(field=field, problem="has a character that cannot be shown")


def _check_pem(field: str, text: str, what: str, limit: int) -> None:
    size = len(text.encode(errors="replace"))
    if size > limit:
        raise InputError(field=field, problem=f"is {size} bytes long; at most {limit} fit")
    lines = text.strip().splitlines()
    armoured = lines and lines[0].startswith("-----BEGIN ") and lines[-1].startswith("-----END ")
    if not armoured or f"{what}-----" not in lines[0] or not text.isascii():
        raise InputError(field=field, problem="is not in the form PEM (-----BEGIN …)")
