"""Whether the clouds can be reached: connection, proxy, certificates, and what time it is there.

Asks as the agent asks, through the same client, for the cloud's first page and without an account.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from agent.clouds.http import CloudHttp, Limits, Request
from agent.clouds.route import Routes
from agent.clouds.trust import parse_date
from agent.desktop.doctor.clock import skewed
from agent.desktop.doctor.found import fine, found, from_error
from agent.errors import ClockOff, CloudError, Level, Unreachable
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.desktop.doctor.found import Found

AREA: Final = "internet"
LIMITS: Final = Limits(connect_s=8.0, answer_s=12.0, body=1 << 20)
"""Shorter than for work: a person waits for the answer. Either is far above what a slow line needs.
The size is that of an error's page with room to spare."""
FIRST_PAGE: Final = Request("GET", "/", page=True, leads_on=True)


class CloudAddress(NamedTuple):
    """A cloud as the doctor knows it."""

    title: str
    base_url: str


class Internet:
    """Asks each cloud once, and looks at the certificates that this computer trusts."""

    area = AREA

    def __init__(
        self,
        clouds: Sequence[CloudAddress],
        *,
        routes: Routes | None = None,
        environ: Mapping[str, str] = os.environ,
        limits: Limits = LIMITS,
    ) -> None:
        """``routes`` are those of the agent; None: as this computer says, without settings."""
        self._clouds = list(clouds)
        self._routes = routes or Routes()
        self._environ = environ
        self._limits = limits

    async def look(self) -> Sequence[Found]:
        """One finding per cloud, one for each wrong setting, and the clock if it differs."""
        wrong = [
            one
            for name in ("SSL_CERT_FILE", "SSL_CERT_DIR")
            if (one := _missing_certificates(name, self._environ.get(name, ""))) is not None
        ]
        answers = await asyncio.gather(*(self._ask(cloud) for cloud in self._clouds))
        return [*wrong, *(one for each in answers for one in each)]

    async def _ask(self, cloud: CloudAddress) -> list[Found]:
        http = CloudHttp(
            title=cloud.title, base_url=cloud.base_url, limits=self._limits, routes=self._routes
        )
        try:
            answer = await http.send(FIRST_PAGE)
        except Unreachable as error:
            return [_explained(error)]
        except CloudError:
            # It answers, if not what was asked for.
            answer = None
        finally:
            await http.close()
        reached = self._reached(cloud)
        clock = skewed(parse_date(answer.date), cloud.title) if answer and answer.date else None
        return [reached] if clock is None else [reached, clock]

    def _reached(self, cloud: CloudAddress) -> Found:
        proxy = self._routes.to(cloud.base_url).proxy
        if proxy is None:
            return fine(AREA, f"{cloud.title} can be reached.", url=cloud.base_url)
        title = f"{cloud.title} can be reached through the proxy {proxy.server}."
        return fine(AREA, title, url=cloud.base_url, proxy=proxy.server)


def _explained(error: Unreachable) -> Found:
    off_s = error.facts.get("off_s")
    if isinstance(error, ClockOff) and isinstance(off_s, int):
        # Told as every other clock that is off, with the mend of this system.
        clock = skewed(time.time() - off_s, str(error.facts["cloud"]))
        if clock is not None:
            return clock
    return from_error(AREA, error, Level.PROBLEM)


def _missing_certificates(name: str, value: str) -> Found | None:
    if not value or Path(value).exists():
        return None
    return found(
        AREA,
        "certificate-file",
        Level.PROBLEM,
        f"{name} names a place that is not there: {clean_text(value, 200)}.",
        "What it was to vouch for is not trusted; without other certificates no cloud is.",
        f"Correct or remove {name} in the environment of whoever starts Mooring.",
        facts={"variable": name},
    )
