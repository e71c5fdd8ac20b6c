"""Vaults for tests, what is put in them, and where their secrets may not be found."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from agent.clouds.vault import Vault
from agent.clouds.vault_file import VaultFolder
from agent.clouds.vault_key import VaultKeys
from agent.settings import Secret
from agent.settings.credentials import AccessToken, Certificate, CloudSettings, MqttBasic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from agent.errors import ErrorReport
    from agent.settings.credentials import Credentials

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
MARKER = 'MARKER-vault-7c1e/+"ü'


def token(text: str = MARKER) -> AccessToken:
    return AccessToken(token=Secret(text))


def basic(text: str = MARKER) -> MqttBasic:
    return MqttBasic(client_id="c", username="u", password=Secret(text))


def certificate(text: str = MARKER) -> Certificate:
    key = f"-----BEGIN EC PRIVATE KEY-----\n{text}\n-----END EC PRIVATE KEY-----\n"
    return Certificate(certificate=PEM, key=Secret(key))


def settings(name: str = "bench-7", credentials: Credentials | None = None) -> CloudSettings:
    return CloudSettings(
        cloud="thingsboard",
        name=name,
        host="tb.test",
        port=8883,
        scheme="mqtts",
        credentials=credentials or token(),
        ca=PEM,
    )


class Clock:
    """Each look is a second later."""

    def __init__(self) -> None:
        self.at = 1_700_000_000.0

    def __call__(self) -> float:
        self.at += 1.0
        return self.at


def vault_in(
    home: Path,
    *,
    use_keyring: bool = False,
    limit: int = 10_000,
    wait_s: float = 10.0,
    keyring_limit_s: float = 5.0,
    now: Callable[[], float] | None = None,
    on_problem: Callable[[ErrorReport | None], None] = lambda _: None,
) -> Vault:
    """A vault whose files are below ``home``; each call is one more process."""
    folder = VaultFolder(home / "vault", limit=limit, wait_s=wait_s)
    keys = VaultKeys(
        home / "vault-keys",
        use_keyring=use_keyring,
        service="mooring-test",
        keyring_limit_s=keyring_limit_s,
    )
    return Vault(folder, keys, now=now or Clock(), on_problem=on_problem)


async def add(
    vault: Vault, board: str = "b1", given: CloudSettings | None = None, hardware_id: str = ""
) -> str:
    given = given or settings()
    return await vault.add(
        board=board,
        board_name="UNO R4 WiFi",
        cloud=given.cloud,
        device=given.name,
        job="12",
        settings=given,
        hardware_id=hardware_id,
    )


async def add_proven(vault: Vault, board: str = "b1", given: CloudSettings | None = None) -> str:
    entry = await add(vault, board, given)
    await vault.prove(entry)
    return entry


async def states(vault: Vault) -> dict[str, str | None]:
    return {each.id: each.state for each in (await vault.list()).entries}


def entry_files(home: Path) -> list[Path]:
    return sorted((home / "vault").glob("*.json"))


def spellings(secret: str) -> Iterator[bytes]:
    """A secret as it could be written by accident."""
    plain = secret.encode()
    yield plain
    yield plain[::-1]
    yield msgspec.json.encode(secret)[1:-1]
    yield quote(secret, safe="").encode()
    yield secret.encode("utf-16-le")
    yield plain.hex().encode()
    yield plain.hex().upper().encode()
    for shift in range(3):
        # What is the same in base64 whatever stands before and after.
        coded = base64.b64encode(b"\0" * shift + plain + b"\0" * 3)
        inside = coded[4 if shift else 0 : (shift + len(plain)) // 3 * 4]
        yield inside
        yield inside.translate(bytes.maketrans(b"+/", b"-_"))


def require_absent(secret: str, data: bytes, place: str) -> None:
    for spelling in spellings(secret):
        assert len(spelling) >= 8
        assert spelling not in data, f"{spelling!r} in {place}"
