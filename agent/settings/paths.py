"""The folders of the agent (contract 3). ``MOORING_HOME`` puts all of them under one folder."""

from __future__ import annotations

import errno
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent.errors import FolderFailed, NotKept
from agent.settings.runtime_dir import choose_runtime_dir

if TYPE_CHECKING:
    from collections.abc import Mapping

APP_NAME = "mooring"


@dataclass(frozen=True, slots=True)
class Paths:
    """Where things are. Folders are made by :meth:`make`, readable by this user only."""

    config_dir: Path
    data_dir: Path
    state_dir: Path
    cache_dir: Path
    log_dir: Path
    runtime_dir: Path
    portable: bool = False
    """Everything is under one folder (``MOORING_HOME``): nothing is kept in the system's keyring."""

    @property
    def config_file(self) -> Path:
        """``config.toml``."""
        return self.config_dir / "config.toml"

    @property
    def journal_file(self) -> Path:
        """The SQLite journal of jobs."""
        return self.state_dir / "journal.sqlite3"

    @property
    def accounts_file(self) -> Path:
        """Cloud accounts when the system has no keyring (0600)."""
        return self.data_dir / "accounts.json"

    @property
    def vault_dir(self) -> Path:
        """What clouds gave to boards, encrypted."""
        return self.data_dir / "vault"

    @property
    def vault_keys_dir(self) -> Path:
        """Which key of the vault counts, and those keys that the keyring could not take (0600)."""
        return self.data_dir / "vault-keys"

    @property
    def nvs_dir(self) -> Path:
        """Copies of what boards had in their settings areas, until the new content is proven."""
        return self.data_dir / "nvs"

    @property
    def gateway_file(self) -> Path:
        """What a server gave to the agent as a gateway (0600)."""
        return self.data_dir / "gateway.json"

    @property
    def gateway_names_file(self) -> Path:
        """What boards are called on the gateway's server."""
        return self.data_dir / "gateway_boards.json"

    @property
    def gateway_networks_file(self) -> Path:
        """Names of the networks that the gateway's server may name."""
        return self.data_dir / "gateway_networks.json"

    @property
    def origins_file(self) -> Path:
        """Web pages that may use the agent."""
        return self.data_dir / "origins.json"

    @property
    def origins_lock(self) -> Path:
        """Held while the list of those pages is changed."""
        return self.runtime_dir / "origins.lock"

    @property
    def tray_file(self) -> Path:
        """Which board is marked in the tray, and which ones it has told of."""
        return self.data_dir / "tray.json"

    @property
    def updates_file(self) -> Path:
        """What was said last about newer versions."""
        return self.state_dir / "updates.json"

    @property
    def way_back_file(self) -> Path:
        """How this computer gets out of a board's network, while it is in one."""
        return self.state_dir / "access_point.json"

    @property
    def sketches_dir(self) -> Path:
        """The store of sketches."""
        return self.cache_dir / "sketches"

    @property
    def tools_dir(self) -> Path:
        """The store of upload tools. Data, so that they stay for a time without the Internet."""
        return self.data_dir / "tools"

    @property
    def uploads_dir(self) -> Path:
        """Files of pages, while a tool writes them to a board."""
        return self.cache_dir / "uploads"

    @property
    def settings_lock(self) -> Path:
        """Held while the settings are changed."""
        return self.runtime_dir / "settings.lock"

    @property
    def lock_file(self) -> Path:
        """Held by the running agent."""
        return self.runtime_dir / "agent.lock"

    @property
    def instance_file(self) -> Path:
        """Process id, port and token of the running agent (0600)."""
        return self.runtime_dir / "instance.json"

    @property
    def log_file(self) -> Path:
        """The rotated log."""
        return self.log_dir / "mooring.log"

    def make(self) -> NotKept | None:
        """Create the folders that do not exist yet.

        Returns what cannot be kept, where folders cannot be used. Without the one that says where
        the agent is there can be no agent: :class:`FolderFailed`.
        """
        problem = _problem(self.runtime_dir)
        if problem:
            raise FolderFailed(path=str(self.runtime_dir), detail=problem)
        failed = {
            folder: (problem, what)
            for folder, what in (
                (self.config_dir, "changed settings"),
                (self.data_dir, "accounts, allowed pages and what it learns about boards"),
                (self.state_dir, "what was done"),
                (self.cache_dir, "sketches that it fetches"),
                (self.log_dir, "its log"),
            )
            if (problem := _problem(folder))
        }
        if not failed:
            return None
        path = next(iter(failed)) if len(failed) == 1 else Path(os.path.commonpath(failed))
        details = dict.fromkeys(detail for detail, _ in failed.values())
        lost = ", ".join(what for _, what in failed.values())
        return NotKept(path=str(path), detail=", ".join(details), lost=lost)


def _problem(folder: Path) -> str:
    """Make it; why it cannot be used."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return ""
        if sys.platform != "win32" and os.statvfs(folder).f_flag & os.ST_RDONLY:
            return os.strerror(errno.EROFS)
    except OSError as error:
        return error.strerror or type(error).__name__
    return os.strerror(errno.EACCES)


def find_paths(environ: Mapping[str, str] = os.environ) -> Paths:
    """The folders for this user on this system, or those under ``MOORING_HOME``."""
    home = environ.get("MOORING_HOME")
    if home:
        base = Path(home).expanduser().absolute()
        return Paths(
            config_dir=base,
            data_dir=base / "data",
            state_dir=base / "state",
            cache_dir=base / "cache",
            log_dir=base / "log",
            runtime_dir=choose_runtime_dir(base / "run"),
            portable=True,
        )
    from platformdirs import PlatformDirs

    dirs = PlatformDirs(APP_NAME, appauthor=False)
    # Lock and token belong into a folder that ends with the login; only XDG_RUNTIME_DIR is one
    # that is surely ours (the common fallback below /tmp can be made by another user first).
    session = environ.get("XDG_RUNTIME_DIR", "")
    usable = Path(session).is_absolute() and os.access(session, os.W_OK)
    return Paths(
        config_dir=Path(dirs.user_config_dir),
        data_dir=Path(dirs.user_data_dir),
        state_dir=Path(dirs.user_state_dir),
        cache_dir=Path(dirs.user_cache_dir),
        log_dir=Path(dirs.user_log_dir),
        runtime_dir=choose_runtime_dir(
            Path(session) / APP_NAME if usable else Path(dirs.user_state_dir) / "run"
        ),
    )
