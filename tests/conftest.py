"""What holds for every test: no network but loopback, no child left behind, no skip under --all.

Fixtures of one part live in the ``conftest.py`` of its own folder.
"""

from __future__ import annotations

import ipaddress
import json
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import psutil
import pytest

from tests import system_parts

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

LEFT_CHILD_LIMIT_S = 2.0
"""A child that was told to end may need this long on a busy machine; after it, it was forgotten."""

LINUX_ONLY = [
    "boards/test_ble_boards.py",
    "boards/test_service_air.py",
    "desktop/doctor/test_bluetooth.py",
    "desktop/doctor/test_tray.py",
    "desktop/tray/test_agent.py",
    "desktop/tray/test_dbus_menu.py",
    "desktop/tray/test_notify.py",
    "desktop/tray/test_status_notifier.py",
    "jobs/blynk/test_point_flow.py",
    "links/test_access_point_nm.py",
    "links/test_access_point_nm_back.py",
    "links/test_access_point_nm_bus.py",
    "links/test_ble.py",
    "links/test_ble_cancel.py",
    "links/test_ble_connect.py",
    "links/test_ble_drops.py",
    "links/test_ble_faults.py",
    "links/test_ble_gatt.py",
    "links/test_ble_idle.py",
    "links/test_ble_radio.py",
    "links/test_ble_service.py",
    "links/test_ble_vectors.py",
    "sessions/test_ble.py",
    "sessions/test_ble_secrets.py",
    "sessions/test_blynk_air.py",
    "sessions/test_improv_air.py",
    "sessions/test_improv_att.py",
    "simulator/test_air.py",
    "simulator/test_air_process.py",
    "simulator/test_ble_bluez.py",
    "simulator/test_ble_bumble.py",
    "simulator/test_ble_by_bleak.py",
    "simulator/test_ble_outbox.py",
    "test_access_point_flow.py",
    "test_app_access_point.py",
]
"""They import the D-Bus library or Bumble, which are not installed on other systems."""
collect_ignore_glob = [] if sys.platform == "linux" else LINUX_ONLY

KINDS_OF_VECTORS = {
    "cbor_from_board",
    "cbor_to_board",
    "frames",
    "serial_reactions",
    "sessions",
    "v1_sessions",
}
"""Kinds that the tests named "vectors" take; files of other kinds are left alone."""

hypothesis.settings.register_profile(
    "mooring",
    # Speed is measured in tests/benchmarks; on a busy machine a deadline only finds the load.
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    print_blob=True,
)
hypothesis.settings.load_profile("mooring")


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--all``: the run that counts before a change lands."""
    parser.addoption("--all", action="store_true", help="a skipped test is a failure")


def pytest_configure() -> None:
    """Refuse a folder of vectors of which no test would run."""
    folder = os.environ.get("MOORING_VECTORS")
    if folder and not any(_holds_vectors(path) for path in Path(folder).glob("*.json")):
        msg = f"MOORING_VECTORS={folder} holds no vectors of a kind that the tests know"
        raise pytest.UsageError(msg)


def _holds_vectors(path: Path) -> bool:
    content = json.loads(path.read_text(encoding="utf-8"))
    return content.get("kind") in KINDS_OF_VECTORS and bool(content.get("vectors"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests of another operating system: they are not skipped, they do not exist here."""
    here: list[pytest.Item] = []
    elsewhere: list[pytest.Item] = []
    for item in items:
        systems = [name for mark in item.iter_markers("system") for name in mark.args]
        (elsewhere if systems and sys.platform not in systems else here).append(item)
    if elsewhere:
        config.hook.pytest_deselected(items=elsewhere)
        items[:] = here


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose part of the system is absent, with the words that help to get it."""
    for mark in item.iter_markers("needs"):
        for name in mark.args:
            part = system_parts.PARTS[name]
            if not part.there():
                pytest.skip(f"needs {name}: {part.how_to_get()}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Under ``--all`` a skip is a failure."""
    report = yield
    if item.config.getoption("--all") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which --all does not allow: {report.longrepr[2]}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, Any]:
    """Under ``--all`` a file that skips itself is a failure."""
    report = yield
    if collector.config.getoption("--all") and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped, which --all does not allow: {report.longrepr}"
    return report


class _Watch:
    """Sees every connection and every child of this process (``sys.addaudithook``)."""

    def __init__(self) -> None:
        self.refused: list[str] = []
        self.started_child = False

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if event in {"socket.connect", "socket.sendto"}:
            sock, address = args[0], args[1]
            if sock.family in {socket.AF_INET, socket.AF_INET6} and not _is_loopback(address[0]):
                self._refuse(f"connection to {address}")
        elif event == "socket.getaddrinfo":
            if args[0] and not _is_loopback(args[0]):
                self._refuse(f"look-up of {args[0]!r}")
        elif event in {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn"}:
            self.started_child = True

    def _refuse(self, what: str) -> None:
        self.refused.append(what)
        msg = f"tests may use loopback only: {what}"
        raise RuntimeError(msg)


def _is_loopback(host: str | bytes) -> bool:
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if name == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    # The unspecified address is what a server binds to for "any of mine".
    return address.is_loopback or address.is_unspecified


_watch = _Watch()
sys.addaudithook(_watch)


@pytest.fixture(scope="session", autouse=True)
def _own_surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the folders, the keyring and the proxy of whoever runs the tests out of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOORING_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
        for name in list(os.environ):
            if name.lower().endswith("_proxy") or name in {"IOT_API_URL", "FORCE_COLOR"}:
                patch.delenv(name)
        # Each program that a test starts would compile the agent anew, for half of its time.
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        yield


@pytest.fixture(autouse=True)
def _only_loopback() -> Iterator[None]:
    """Fail a test that tried to leave this computer, even if the code caught the refusal."""
    _watch.refused.clear()
    yield
    assert not _watch.refused, f"tests may use loopback only: {_watch.refused}"


@pytest.fixture(autouse=True)
def _no_child_left() -> Iterator[None]:
    """Fail a test that leaves a process running, and end that process."""
    before = _children()
    yield
    left = [child for child in _children() if child not in before]
    _, alive = psutil.wait_procs(left, timeout=LEFT_CHILD_LIMIT_S)
    told = [" ".join(_command(child)) for child in alive]
    for child in alive:
        child.kill()
    psutil.wait_procs(alive, timeout=LEFT_CHILD_LIMIT_S)
    assert not told, f"processes left behind: {told}"


def _children() -> list[psutil.Process]:
    """Running children of this process; none is looked for before the first was started."""
    if not _watch.started_child:
        return []
    return [child for child in psutil.Process().children() if _running(child)]


def _running(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()[:6] or [process.name()]
    except psutil.Error:
        return [f"process {process.pid}"]
