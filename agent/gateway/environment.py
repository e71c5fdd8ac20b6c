"""What the variables of the environment, and the vendor's own file, want of the gateway.

The same variables and the same order of what counts as in ThingsBoard's gateway 3.8.5 (the source:
cloud-thingsboard, section 10.1, and its ``tb_client`` and ``tb_utility``), as a pure function. Where
that gateway goes on with something else without a word, this raises :class:`GatewayUnset`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from agent.clouds.address import is_loopback
from agent.clouds.thingsboard.addresses import PORTS, Server, parse_server
from agent.errors import GatewayUnset, InputError
from agent.settings import Secret

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from agent.clouds.enrolment import CredentialsKind

PREFIX: Final = "TB_GW_"
PROVISIONING: Final = f"{PREFIX}PROVISIONING_DEVICE_"
FOLDER: Final = f"{PREFIX}CONFIG_DIR"
OLDER: Final = {
    "type": "TB_GW_SECURITY_TYPE",
    "accessToken": "TB_GW_ACCESS_TOKEN",
    "caCert": "TB_GW_CA_CERT",
    "privateKey": "TB_GW_PRIVATE_KEY",
    "cert": "TB_GW_CERT",
    "clientId": "TB_GW_CLIENT_ID",
    "username": "TB_GW_USERNAME",
    "password": "TB_GW_PASSWORD",
}
"""The variables that take the place of the file's section ``security``, by the name of its fields."""
SECRETS: Final = (
    f"{PROVISIONING}KEY",
    f"{PROVISIONING}SECRET",
    f"{PROVISIONING}ACCESS_TOKEN",
    f"{PROVISIONING}USERNAME",
    f"{PROVISIONING}PASSWORD",
    f"{PROVISIONING}CLIENT_ID",
    "TB_GW_ACCESS_TOKEN",
    "TB_GW_USERNAME",
    "TB_GW_PASSWORD",
    "TB_GW_CLIENT_ID",
)
UNUSED: Final = ("TB_GW_PROXY_HOST", "TB_GW_RATE_LIMITS", "TB_GW_DP_RATE_LIMITS")
"""Those without effect here that somebody may count on; limits come from the server."""
SAMPLE_TOKEN: Final = "YOUR_ACCESS_TOKEN"  # noqa: S105 - what the vendor's file has at first
KINDS: Final[dict[str, CredentialsKind]] = {
    "ACCESS_TOKEN": "access_token",
    "MQTT_BASIC": "mqtt_basic",
    "X509_CERTIFICATE": "certificate",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the gateway is to prove itself with; of files the names."""

    kind: CredentialsKind
    token: Secret = field(default_factory=Secret)
    client_id: str = field(default="", repr=False)
    username: str = field(default="", repr=False)
    password: Secret = field(default_factory=Secret)
    cert: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provisioning:
    """The right to register a gateway, and what it shall be. What is empty is invented."""

    key: Secret
    secret: Secret
    name: str
    proof: Proof


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayPlan:
    """What to do: connect with ``fixed``; else with what is kept; else with ``provisioning``."""

    server: Server
    fixed: Proof | None = None
    provisioning: Provisioning | None = None
    ca: str = ""
    """Name of the file with the authorities; relative to ``folder`` or as it is."""
    folder: str = ""
    """The configuration folder of the vendor's gateway."""
    remarks: tuple[str, ...] = ()
    """Sentences for the log, without secrets."""


def take_variables(environ: MutableMapping[str, str]) -> dict[str, str]:
    """The variables of the gateway; those that are secret are gone from ``environ`` then.

    So no program that is started later gets them.
    """
    taken = {name: value for name, value in environ.items() if name.startswith(PREFIX)}
    for name in SECRETS:
        environ.pop(name, None)
    return taken


def read_plan(
    variables: Mapping[str, str], section: Mapping[str, object] | None = None
) -> GatewayPlan | None:
    """What to do; None: nobody asks for a gateway.

    ``section`` is ``thingsboard`` of the vendor's ``tb_gateway.json``. Raises :class:`GatewayUnset`.
    """
    given = {name: text for name, text in variables.items() if name.startswith(PREFIX)}
    section = section or {}
    _check_pair(given)
    wanted = _wanted(given)
    older = {key: given[name] for key, name in OLDER.items() if given.get(name)}
    if not (wanted or older or section or given.get("TB_GW_HOST")):
        return None
    remarks = []
    # As in the gateway: one variable takes the place of the whole section.
    security = older or _texts(section.get("security"))
    sample = security.get("accessToken") == SAMPLE_TOKEN
    if sample and not wanted:
        remarks.append(
            f"The token {SAMPLE_TOKEN} of tb_gateway.json is its sample and is not used."
        )
    # An authority alone goes with the credentials that are kept.
    says_who = bool(set(security) - {"caCert", "tls"}) and not sample
    fixed = _fixed(security) if says_who and not wanted else None
    in_file = _texts(section.get("provisioning"))
    if in_file and wanted:
        remarks.append(f"The section provisioning of tb_gateway.json counts, not {PROVISIONING}….")
    wanted = in_file or wanted
    provisioning = _provisioning(wanted) if wanted and fixed is None else None
    proof = fixed or (provisioning.proof if provisioning is not None else None)
    chosen = security if provisioning is None else wanted
    ca = chosen.get("caCert", "")
    tls = bool(ca) or chosen.get("tls") == "True"
    tls = tls or (proof is not None and proof.kind == "certificate")
    server = _server(given, section, tls=tls)
    if provisioning is not None and not ca and server.encrypted:
        ca = security.get("caCert", "")
    unused = [
        OLDER[key] for key in older if provisioning is not None and not (ca and key == "caCert")
    ]
    if unused:
        remarks.append(f"{', '.join(sorted(unused))}: without effect beside {PROVISIONING}KEY.")
    if not server.encrypted and not is_loopback(server.host):
        remarks.append(
            f"What is said to {server.url} travels in clear, keys and secrets too; "
            "TB_GW_PORT=8883 encrypts it."
        )
    if unknown := ", ".join(name for name in UNUSED if given.get(name)):
        remarks.append(f"{unknown}: without effect in Mooring.")
    return GatewayPlan(
        server=server,
        fixed=fixed,
        provisioning=provisioning,
        ca=ca if server.encrypted else "",
        folder=given.get(FOLDER, ""),
        remarks=tuple(remarks),
    )


def _check_pair(given: Mapping[str, str]) -> None:
    """Key and secret count only together; the vendor's gateway goes on with another login then."""
    names = (f"{PROVISIONING}KEY", f"{PROVISIONING}SECRET")
    there = [name for name in names if given.get(name, "").strip()]
    others = [name for name in given if name.startswith(PROVISIONING)]
    if others and len(there) < len(names):
        missing = " and ".join(name for name in names if name not in there)
        verb = "are" if " and " in missing else "is"
        raise _unset(f"{missing} {verb} missing or empty, though {min(others)} is set.")


def _wanted(given: Mapping[str, str]) -> dict[str, str]:
    """The variables as the section ``provisioning`` would have them; empty without key and secret."""

    def of(word: str) -> str | None:
        return given.get(f"{PROVISIONING}{word}")

    key, secret = of("KEY") or "", of("SECRET") or ""
    if not (key and secret):
        return {}
    wanted = {"provisionDeviceKey": key, "provisionDeviceSecret": secret}
    wanted["deviceName"] = of("NAME") or ""
    basic = {word.lower(): of(word) for word in ("USERNAME", "PASSWORD", "CLIENT_ID")}
    token, ca = of("ACCESS_TOKEN"), of("CA_CERT_FILENAME")
    # The first of these that is there decides, even where it is empty.
    if token is not None:
        if not token and (any(basic.values()) or ca):
            raise _unset(f"{PROVISIONING}ACCESS_TOKEN is set and empty; remove it or give a token.")
        return wanted | {"type": "ACCESS_TOKEN", "access_token": token}
    if any(value is not None for value in basic.values()):
        return wanted | {"type": "MQTT_BASIC"} | {key: text or "" for key, text in basic.items()}
    if ca is not None:
        if not ca:
            raise _unset(f"{PROVISIONING}CA_CERT_FILENAME is set and empty; name the file.")
        return wanted | {"type": "X509_CERTIFICATE", "caCert": ca}
    return wanted | {"type": "ACCESS_TOKEN"}


def _provisioning(wanted: Mapping[str, str]) -> Provisioning:
    for name in ("provisionDeviceKey", "provisionDeviceSecret"):
        if not wanted.get(name, "").strip():
            raise _unset(f"{name} is missing in the section provisioning of tb_gateway.json.")
    kind = KINDS.get(wanted.get("type", "ACCESS_TOKEN").upper())
    if kind is None:
        raise _unset(f"The type of the section provisioning must be one of {', '.join(KINDS)}.")
    if kind == "certificate" and not wanted.get("caCert"):
        raise _unset("The section provisioning must name a caCert for X509_CERTIFICATE.")
    own = {"access_token": ("access_token",), "mqtt_basic": ("client_id", "username", "password")}
    texts = {name: wanted.get(name, "") for name in own.get(kind, ())}
    return Provisioning(
        key=Secret(wanted["provisionDeviceKey"].strip()),
        secret=Secret(wanted["provisionDeviceSecret"].strip()),
        name=wanted.get("deviceName", "").strip(),
        proof=Proof(
            kind=kind,
            token=Secret(texts.get("access_token", "")),
            client_id=texts.get("client_id", ""),
            username=texts.get("username", ""),
            password=Secret(texts.get("password", "")),
        ),
    )


def _fixed(security: Mapping[str, str]) -> Proof:
    said = security.get("type", "")
    kind = said or ("accessToken" if security.get("accessToken") else "")
    if kind in {"accessToken", "tlsAccessToken"}:
        if not security.get("accessToken"):
            raise _unset(f"TB_GW_ACCESS_TOKEN is missing, though the type is {kind}.")
        return Proof(kind="access_token", token=Secret(security["accessToken"]))
    if kind == "usernamePassword":
        if not (security.get("username") or security.get("clientId")):
            raise _unset("TB_GW_USERNAME is missing, and TB_GW_CLIENT_ID too.")
        return Proof(
            kind="mqtt_basic",
            client_id=security.get("clientId", ""),
            username=security.get("username", ""),
            password=Secret(security.get("password", "")),
        )
    if kind not in {"", "tls", "tlsPrivateKey", "x509Certificate"}:
        words = "accessToken, usernamePassword, tlsAccessToken or x509Certificate"
        raise _unset(f"TB_GW_SECURITY_TYPE (or the type in tb_gateway.json) must be {words}.")
    cert, key = security.get("cert", ""), security.get("privateKey", "")
    if cert and key:
        return Proof(kind="certificate", cert=cert, key=key)
    if kind or cert or key:
        raise _unset("TB_GW_CERT and TB_GW_PRIVATE_KEY are needed together.")
    if security.get("username") or security.get("clientId") or security.get("password"):
        raise _unset("TB_GW_SECURITY_TYPE must be usernamePassword for a user name to count.")
    raise _unset("Nothing says who connects: no token, no user name, no certificate.")


def _server(given: Mapping[str, str], section: Mapping[str, object], *, tls: bool) -> Server:
    host = (given.get("TB_GW_HOST") or str(section.get("host") or "")).strip()
    if not host:
        raise _unset("TB_GW_HOST is missing.")
    said = (given.get("TB_GW_PORT") or str(section.get("port") or "")).strip()
    if not said:
        # The gateway takes 1883 without encryption; to another computer that is not done unasked.
        said = str(PORTS["mqtt" if is_loopback(host) and not tls else "mqtts"])
    if not (said.isascii() and said.isdigit() and 0 < int(said) <= 0xFFFF):
        raise _unset("TB_GW_PORT must be a number from 1 to 65535.")
    scheme = "mqtts" if tls or int(said) == PORTS["mqtts"] else "mqtt"
    shown = f"[{host}]" if ":" in host else host
    try:
        # Who names a host and a port without TLS wants that.
        return parse_server("TB_GW_HOST", f"{scheme}://{shown}:{said}", insecure_host=host)
    except InputError as error:
        raise _unset(f"TB_GW_HOST {error.facts['problem']}.") from None


def _texts(section: object) -> dict[str, str]:
    if not isinstance(section, Mapping):
        return {}
    return {
        str(name): str(value)
        for name, value in section.items()
        if isinstance(value, str | int | float) and value != ""
    }


def _unset(detail: str) -> GatewayUnset:
    return GatewayUnset(detail=detail)
