"""One agent per user: a lock that the operating system frees, and a file that says where it is.

The lock is the truth. The file beside it (``instance.json``, 0600) tells programs of this user
the port and the token; without a holder of the lock it is left over from a crash and ignored.
"""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

import msgspec

from agent.settings import Secret
from agent.settings.files import write_private
from agent.settings.network import secret_from

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from filelock import BaseFileLock

    from agent.settings.paths import Paths

LOCK_WAIT_S = 0.3
"""A program that looks for the agent holds the lock for well under a millisecond; an agent that
runs holds it for good. So a start waits this long before it calls the lock taken."""

_POLL_S = 0.01

START_S = 10.0
"""An agent that starts answers within a second, and one that ends is gone within two; what takes
longer than this is stuck."""


class Instance(msgspec.Struct, frozen=True, kw_only=True):
    """The running agent, as programs of this user find it."""

    pid: int
    """Process id; for people and logs, never to decide anything."""
    port: int
    """Port of the bridge on 127.0.0.1."""
    token: Secret
    """Proves to the bridge that a program belongs to this user."""
    version: str

    @property
    def url(self) -> str:
        """Address of the page."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def rpc_url(self) -> str:
        """Address for JSON-RPC; the token goes into the ``Authorization`` header."""
        return f"ws://127.0.0.1:{self.port}/rpc"


class InstanceLock:
    """The right to be the agent. Freed by the system when the process ends, however it ends."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._lock = _file_lock(paths)

    def acquire(self, wait_s: float = LOCK_WAIT_S) -> bool:
        """Take the lock; False if an agent of this user runs already."""
        from filelock import Timeout

        try:
            self._lock.acquire(timeout=wait_s, poll_interval=_POLL_S)
        except Timeout:
            return False
        # What a killed agent left must not be taken for this one.
        self._paths.instance_file.unlink(missing_ok=True)
        return True

    def is_free(self) -> bool:
        """Whether nobody holds it now."""
        from filelock import Timeout

        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            return False
        except OSError:
            return True  # Who cannot open it cannot hold it either.
        self._lock.release(force=True)
        return True

    def publish(self, *, port: int, token: Secret, version: str) -> Instance:
        """Write ``instance.json``; call it once the bridge answers on ``port``."""
        instance = Instance(pid=os.getpid(), port=port, token=token, version=version)
        data = msgspec.to_builtins(instance, enc_hook=_reveal)
        write_private(self._paths.instance_file, msgspec.json.encode(data))
        return instance

    def release(self) -> None:
        """Remove the file and free the lock; may be called again."""
        if self._lock.is_locked:
            self._paths.instance_file.unlink(missing_ok=True)
            self._lock.release(force=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def new_token() -> Secret:
    """A token for one run of the agent (256 random bits)."""
    return Secret(secrets.token_urlsafe(32))


def find_instance(paths: Paths) -> Instance | None:
    """The agent that runs now, or None; a file that a crash left is ignored.

    Takes a few milliseconds. None as well while an agent starts and has no port yet.
    """
    if not paths.instance_file.exists() or InstanceLock(paths).is_free():
        return None
    try:
        return msgspec.json.decode(
            paths.instance_file.read_bytes(), type=Instance, dec_hook=secret_from
        )
    except (OSError, msgspec.DecodeError):
        return None


def _file_lock(paths: Paths) -> BaseFileLock:
    from filelock import FileLock

    paths.runtime_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Not thread-local: the tray's thread may release what the main thread took.
    return FileLock(paths.lock_file, mode=0o600, thread_local=False)


def _reveal(value: object) -> object:
    if isinstance(value, Secret):
        return value.reveal()
    raise NotImplementedError(type(value))
