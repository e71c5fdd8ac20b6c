"""Whatever is killed, damaged or lost: no proven credentials vanish unsaid, no secret is in a file."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keyring
import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from keyring.backend import KeyringBackend

from agent.clouds.vault import EARLIER_MAX
from agent.clouds.vault_entry import Damaged, parse_entry, parse_key
from agent.errors import VaultUnknown, VaultUnreadable
from tests.clouds.killing import run, run_and_kill
from tests.clouds.vaults import Clock, add, basic, certificate, require_absent, settings, token
from tests.clouds.vaults import vault_in as vault_below

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from agent.clouds.vault import Vault
    from agent.clouds.vault_view import VaultList
    from agent.settings.credentials import CloudSettings

BOARDS = ("b0", "b1")
KINDS = (token, basic, certificate)

MEMORY = next(iter(Path("/dev").glob("shm")), None)
"""Thousands of writes wait for the disk else, and no power cut is played here."""

pick = st.integers(0, 99)
kills = st.integers(0, 11)
"""Before which change to the disk; a call makes some five, so that it often comes to its end."""


class FileKeyring(KeyringBackend):
    """A keyring that the children of this process have, too; it can be locked."""

    priority = 1

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.locked = False

    def read(self) -> dict[str, str]:
        if self.locked:
            raise keyring.errors.KeyringLocked
        found: dict[str, str] = json.loads(self.path.read_text()) if self.path.exists() else {}
        return found

    def get_password(self, service: str, username: str) -> str | None:
        del service
        return self.read().get(username)

    def set_password(self, service: str, username: str, password: str) -> None:
        del service
        entries = {**self.read(), username: password}
        draft = self.path.with_suffix(".draft")
        draft.write_text(json.dumps(entries))
        draft.replace(self.path)


@dataclass
class Known:
    """What must not be lost."""

    board: str
    settings: CloudSettings
    proven: int = 0
    """Number of the last proof; 0: none."""


class VaultMachine(RuleBasedStateMachine):
    """One vault, used by processes that are killed, on a disk that changes bytes."""

    use_keyring = False

    @initialize()
    def begin(self) -> None:
        self.home = Path(tempfile.mkdtemp(dir=MEMORY))
        self.clock = Clock()
        self.known: dict[str, Known] = {}
        self.broken: dict[str, bytes] = {}
        self.away: dict[Path, bytes] = {}
        self.secrets: list[str] = []
        self.proofs = 0
        self.before = keyring.get_keyring()
        self.ring = FileKeyring(self.home / "keyring.json")
        if self.use_keyring:
            keyring.set_keyring(self.ring)

    def teardown(self) -> None:
        if hasattr(self, "home"):
            keyring.set_keyring(self.before)
            shutil.rmtree(self.home)

    # What programs do ---------------------------------------------------------------------------

    @rule(board=st.sampled_from(BOARDS), kind=st.sampled_from(KINDS), kill=kills)
    def keep_new(self, board: str, kind: Callable[[str], Any], kill: int) -> None:
        given = self.settings(kind)
        self.work(lambda vault: add(vault, board, given), kill)
        new = [entry for entry in self.ids() if entry not in self.known]
        assert len(new) <= 1
        for entry in new:
            self.known[entry] = Known(board, given)
            assert self.read(entry) == given

    @precondition(lambda self: self.usable())
    @rule(which=pick, kind=st.sampled_from(KINDS), kill=kills)
    def take_answer(self, which: int, kind: Callable[[str], Any], kill: int) -> None:
        entry = self.choose(which, self.usable())
        known = self.known[entry]
        given = self.settings(kind)
        if known.proven:
            with pytest.raises(ValueError, match="proven"):
                run(self.vault().replace(entry, given))
            return
        done = self.work(lambda vault: vault.replace(entry, given), kill)
        found = self.read(entry)
        assert found == given if done else found in (given, known.settings)
        assert found is not None
        known.settings = found

    @precondition(lambda self: self.usable())
    @rule(which=pick, kill=kills)
    def prove(self, which: int, kill: int) -> None:
        entry = self.choose(which, self.usable())
        before = self.states()[entry]
        done = self.work(lambda vault: vault.prove(entry), kill)
        after = self.states()[entry]
        assert not done or after == "proven"
        if after == "proven" and before != "proven":
            self.proofs += 1
            self.known[entry].proven = self.proofs

    @precondition(lambda self: self.known)
    @rule(which=pick, kill=kills)
    def forget(self, which: int, kill: int) -> None:
        entry = self.choose(which, sorted(self.known))
        done = self.work(lambda vault: vault.forget(entry), kill)
        assert not (done and entry in self.ids())
        if entry not in self.ids():
            del self.known[entry]
            self.broken.pop(entry, None)

    # What happens to files ----------------------------------------------------------------------

    @precondition(lambda self: self.known)
    @rule(which=pick, at=st.integers(0, 10_000), change=st.integers(1, 255))
    def change_byte(self, which: int, at: int, change: int) -> None:
        file = self.file(self.choose(which, sorted(self.known)))
        data = bytearray(file.read_bytes())
        if data:
            data[at % len(data)] ^= change
            self.damage(file, bytes(data))

    @precondition(lambda self: self.known)
    @rule(which=pick, length=st.integers(0, 10_000), zeros=st.booleans())
    def cut_off(self, which: int, length: int, zeros: bool) -> None:
        file = self.file(self.choose(which, sorted(self.known)))
        data = file.read_bytes()
        rest = len(data) - length % (len(data) + 1)
        self.damage(file, data[: len(data) - rest] + (b"\0" * rest if zeros else b""))

    @precondition(lambda self: self.broken)
    @rule(which=pick)
    def put_file_back(self, which: int) -> None:
        entry = self.choose(which, sorted(self.broken))
        self.file(entry).write_bytes(self.broken.pop(entry))

    @rule(which=pick, damage=st.sampled_from([None, b"", b"00" * 32]))
    def lose_keys(self, which: int, damage: bytes | None) -> None:
        files = self.key_files()
        if not files:
            return
        file = files[which % len(files)]
        self.away.setdefault(file, file.read_bytes())
        if damage is None or file == self.ring.path:
            file.unlink()
        else:
            file.write_bytes(damage)

    @precondition(lambda self: self.away)
    @rule()
    def bring_keys_back(self) -> None:
        for file, data in self.away.items():
            if file == self.ring.path:
                now = json.loads(file.read_text()) if file.exists() else {}
                data = json.dumps({**json.loads(data), **now}).encode()
            file.write_bytes(data)
        self.away.clear()

    @precondition(lambda self: self.use_keyring)
    @rule(locked=st.booleans())
    def lock_keyring(self, locked: bool) -> None:
        self.ring.locked = locked

    @rule(content=st.binary(max_size=40))
    def leave_draft(self, content: bytes) -> None:
        folder = self.home / "vault"
        if folder.is_dir():
            (folder / f".{'0' * 16}-{'0' * 8}.json.{'0' * 12}").write_bytes(content)

    # What must hold -----------------------------------------------------------------------------

    @invariant()
    def nothing_is_lost_unsaid(self) -> None:
        if not hasattr(self, "home"):
            return
        shown, read = run(self.look())
        listed = {each.id: each for each in shown.entries}
        for entry, known in list(self.known.items()):
            if entry not in listed:
                self.require_replaced(known)
                del self.known[entry]
                self.broken.pop(entry, None)
                continue
            assert read[entry] in (None, known.settings)
            assert (read[entry] is None) == bool(listed[entry].problem)
            if entry not in self.broken:
                assert (read[entry] is not None) == (self.key_of(entry) in self.key_ids())
                assert listed[entry].board == known.board
        self.require_last_proof({entry: each.state for entry, each in listed.items()})

    def require_last_proof(self, states: dict[str, str | None]) -> None:
        """Of each board the one that was proven last is the proven one, and no other."""
        usable = self.usable()
        for board in BOARDS:
            ours = [entry for entry in usable if self.known[entry].board == board]
            proven = sorted((self.known[e].proven, e) for e in ours if self.known[e].proven)
            shown = [entry for entry in ours if states[entry] == "proven"]
            assert shown == [proven[-1][1]] if proven else not shown

    @invariant()
    def no_secret_is_in_a_file(self) -> None:
        if not hasattr(self, "home"):
            return
        everything = b"\0".join(p.read_bytes() for p in self.home.rglob("*") if p.is_file())
        for secret in self.secrets:
            require_absent(secret, everything, "the files")

    # --------------------------------------------------------------------------------------------

    def vault(self) -> Vault:
        """Another process."""
        return vault_below(self.home, use_keyring=self.use_keyring, now=self.clock)

    def work(self, what: Callable[[Vault], Coroutine[Any, Any, object]], kill: int) -> bool:
        self.clock()  # the child's clock is gone with it
        return run_and_kill(lambda: what(self.vault()), self.home, kill)

    async def look(self) -> tuple[VaultList, dict[str, CloudSettings | None]]:
        """As one more process sees it."""
        vault = self.vault()
        shown = await vault.list()
        read: dict[str, CloudSettings | None] = {}
        for each in shown.entries:
            try:
                read[each.id] = await vault.entry(each.id)
            except VaultUnreadable:
                read[each.id] = None
        return shown, read

    def shown(self) -> VaultList:
        return run(self.vault().list())

    def ids(self) -> list[str]:
        return [each.id for each in self.shown().entries]

    def states(self) -> dict[str, str | None]:
        return {each.id: each.state for each in self.shown().entries}

    def read(self, entry: str) -> CloudSettings | None:
        try:
            return run(self.vault().entry(entry))
        except VaultUnreadable:
            return None

    def usable(self) -> list[str]:
        keys = self.key_ids()
        return [e for e in sorted(self.known) if e not in self.broken and self.key_of(e) in keys]

    def require_replaced(self, known: Known) -> None:
        """It may be gone only as one of many that were proven before."""
        later = [e for e in self.known.values() if e.board == known.board]
        assert known.proven, "one that was not proven is gone"
        assert sum(each.proven > known.proven for each in later) > EARLIER_MAX

    def choose(self, which: int, entries: list[str]) -> str:
        return entries[which % len(entries)]

    def settings(self, kind: Callable[[str], Any]) -> CloudSettings:
        secret = f'"MARKER-{len(self.secrets)}-ü/+'
        self.secrets.append(secret)
        return settings(f"device-{len(self.secrets)}", kind(secret))

    def file(self, entry: str) -> Path:
        (found,) = (self.home / "vault").glob(f"*-{entry}.json")
        return found

    def damage(self, file: Path, data: bytes) -> None:
        entry = file.stem.partition("-")[2]
        self.broken.setdefault(entry, file.read_bytes())
        file.write_bytes(data)

    def key_of(self, entry: str) -> str:
        try:
            return parse_entry(self.broken.get(entry) or self.file(entry).read_bytes()).plain.key
        except (Damaged, ValueError):
            return ""

    def key_files(self) -> list[Path]:
        files = sorted((self.home / "vault-keys").glob("*.key"))
        return files + [path for path in [self.ring.path] if path.exists()]

    def key_ids(self) -> set[str]:
        held = {p.stem: p.read_bytes().decode() for p in self.key_files() if p.suffix == ".key"}
        if self.use_keyring and not self.ring.locked:
            held |= {name.removeprefix("vault-key-"): t for name, t in self.ring.read().items()}
        return {number for number, text in held.items() if parse_key(text, number)}


class KeyringMachine(VaultMachine):
    """The same with a keyring, which can be wiped and locked."""

    use_keyring = True


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(dir=MEMORY))
    yield made
    shutil.rmtree(made)


@pytest.mark.system("linux", "darwin")
@pytest.mark.timeout(100)
@pytest.mark.parametrize("machine", [VaultMachine, KeyringMachine])
def test_no_proven_credentials_are_lost_unsaid(machine: type[VaultMachine]) -> None:
    run_state_machine_as_test(
        machine, settings=hypothesis_settings(max_examples=8, stateful_step_count=20)
    )


@pytest.mark.system("linux", "darwin")
@pytest.mark.timeout(100)
def test_an_entry_is_whole_wherever_its_program_is_killed(folder: Path) -> None:
    """Every change of every call, one after the other."""
    calls: dict[str, Callable[[Vault, str], Coroutine[Any, Any, object]]] = {
        "add": lambda vault, _: add(vault, "b1", settings("new")),
        "replace": lambda vault, entry: vault.replace(entry, settings("new")),
        "prove": lambda vault, entry: vault.prove(entry),
        "forget": lambda vault, entry: vault.forget(entry),
    }
    for name, call in calls.items():
        done, at = False, 0
        while not done:
            home = folder / f"{name}-{at}"
            former = run(_proven(home))
            entry = run(add(vault_below(home), "b1", settings("sent")))
            done = run_and_kill(lambda: call(vault_below(home), entry), home, at)  # noqa: B023 - runs at once
            assert run(vault_below(home).entry(former)) == settings("former")
            try:
                found = run(vault_below(home).entry(entry))
            except VaultUnknown:
                assert name == "forget"
            else:
                assert found in (settings("sent"), settings("new"))
            listed = run(vault_below(home).list()).entries
            assert sum(each.state == "proven" for each in listed) == 1
            assert all(each.problem == "" for each in listed)
            at += 1
        assert at > 2, name


async def _proven(home: Path) -> str:
    vault = vault_below(home)
    entry = await add(vault, "b1", settings("former"))
    await vault.prove(entry)
    return entry
