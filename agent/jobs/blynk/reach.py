"""Opens a session with the board of a lease: over its console, or over Bluetooth LE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.jobs.blynk.effects import Found, Looked
from agent.protocols.blynk.console import BAUD

if TYPE_CHECKING:
    from agent.jobs.blynk.deliver import Pace
    from agent.jobs.surroundings import Lease
    from agent.sessions.blynk import BlynkSession


async def open_session(lease: Lease, pace: Pace) -> tuple[BlynkSession, Found]:
    """The session, and what the board said; what the link raises, and :class:`SketchHalted`."""
    session = await (_by_air(lease, pace) if lease.via == "ble" else _by_cable(lease, pace))
    try:
        board = await session.info()
    except BaseException:
        await session.close()
        raise
    looked = [Looked(session.way, "answers")]
    if session.way == "console":
        looked.append(Looked("ble", "untried", "The console answers."))
    looked.append(Looked("http", "untried", "The computer keeps its own network."))
    return session, Found(session.way, board, tuple(looked))


async def _by_cable(lease: Lease, pace: Pace) -> BlynkSession:
    from agent.sessions.blynk_console import open_blynk_console

    session = await open_blynk_console(await lease.open(BAUD))
    session.configure_limit_s = pace.configure_s
    session.look_every_s = pace.look_s or session.look_every_s
    return session


async def _by_air(lease: Lease, pace: Pace) -> BlynkSession:
    from agent.sessions.blynk_ble import BLYNK, BlynkBle

    return BlynkBle(await lease.open_gatt(BLYNK), configure_limit_s=pace.configure_s)
