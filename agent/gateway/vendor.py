"""The folder of ThingsBoard's own gateway: read, and never written.

Who changes from that gateway to Mooring keeps device and variables: its settings and the
credentials that it was given count here as they do there.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from agent.errors import GatewayUnset, InputError
from agent.gateway.stored import Kept
from agent.protocols.thingsboard.replies import Issued, StoredCertificate, parse_reply
from agent.settings import Secret, clean_text
from agent.settings.credentials import CA_BYTES, CERTIFICATE_BYTES, KEY_BYTES, Certificate

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger(__name__)

SETTINGS: Final = "tb_gateway.json"
CREDENTIALS: Final = ".credentials"
CERTIFICATE: Final = "cert.pem"
KEY: Final = "key.pem"
FILE_BYTES: Final = 1 << 20
"""Its settings with a section for each of some hundred connectors."""


def read_section(folder: str) -> Mapping[str, Any] | None:
    """The section ``thingsboard`` of its settings; None: there is no such folder or file.

    Raises :class:`GatewayUnset` for a file that cannot be read.
    """
    if not folder:
        return None
    path = Path(folder) / SETTINGS
    try:
        said = msgspec.json.decode(_read(path, FILE_BYTES))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, error.strerror or type(error).__name__) from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise _unreadable(path, "it is no JSON") from None
    section = said.get("thingsboard") if isinstance(said, dict) else None
    if not isinstance(section, dict):
        raise _unreadable(path, "it has no section “thingsboard”")
    return section


def read_credentials(folder: str) -> Kept | None:
    """What that gateway was given; None: nothing, or nothing that can be used, which is logged."""
    if not folder:
        return None
    path = Path(folder) / CREDENTIALS
    try:
        reply = parse_reply(_read(path, CERTIFICATE_BYTES * 2))
        if not isinstance(reply, Issued):
            log.warning("%s holds no credentials that can be used", path)
            return None
        if not isinstance(reply.credentials, StoredCertificate):
            return Kept(name="", credentials=reply.credentials)
        own = read_certificate(folder, CERTIFICATE, KEY)
    except FileNotFoundError:
        return None
    except (OSError, InputError, GatewayUnset) as error:
        log.warning("%s cannot be used: %s", path, error)
        return None
    if not reply.credentials.is_of(own.certificate):
        log.warning("%s is for another certificate than %s", path, CERTIFICATE)
        return None
    return Kept(name="", credentials=own)


def read_certificate(folder: str, cert: str, key: str) -> Certificate:
    """A certificate and its key; raises :class:`GatewayUnset`, :class:`InputError`."""
    own = Certificate(
        certificate=read_text(folder, cert, CERTIFICATE_BYTES),
        key=Secret(read_text(folder, key, KEY_BYTES)),
    )
    own.check()
    return own


def read_text(folder: str, name: str, limit: int = CA_BYTES) -> str:
    """A file of PEM: in ``folder`` if there is such a one, else as it is named.

    Raises :class:`GatewayUnset`.
    """
    path = Path(name)
    if folder and (Path(folder) / name).exists():
        path = Path(folder) / name
    try:
        return _read(path, limit).decode("ascii")
    except OSError as error:
        raise _unreadable(path, error.strerror or type(error).__name__) from None
    except UnicodeDecodeError:
        raise _unreadable(path, "it is not in the form PEM") from None


def _read(path: Path, limit: int) -> bytes:
    with path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise _unreadable(path, f"it is longer than {limit} bytes")
    return data


def _unreadable(path: Path, why: str) -> GatewayUnset:
    return GatewayUnset(detail=f"{clean_text(str(path))} cannot be read: {clean_text(why)}.")
