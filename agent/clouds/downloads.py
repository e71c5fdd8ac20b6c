"""Public files of a cloud: no account is sent, and what arrives is bounded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from agent.clouds.address import is_loopback
from agent.clouds.http import CloudHttp, Limits, Request
from agent.errors import CloudAnswer, CloudError, Unreachable
from agent.settings import clean_text

if TYPE_CHECKING:
    from agent.clouds.clock import Clock
    from agent.clouds.route import Routes

ANSWER_LIMIT_S: Final = 120.0
"""One file: 250 kB take a minute on the slowest line on which anybody would try it."""
LIST_ANSWER_LIMIT_S: Final = 10.0
"""One list of some kilobytes: a server that says nothing must not hold up what the store has."""
HOPS_LIMIT: Final = 5
"""Redirects of one download; a content network needs one or two."""
NOT_FOUND: Final = frozenset({404, 410})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class DownloadedFile:
    """A file that arrived whole."""

    data: bytes = field(repr=False)
    etag: str | None = None


class Downloads:
    """Downloads files; it keeps nothing open between two of them."""

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        clock: Clock | None = None,
        routes: Routes | None = None,
    ) -> None:
        """``limits`` are for one file; its size limit is given with each download."""
        self._limits = limits or Limits(answer_s=ANSWER_LIMIT_S)
        self._clock = clock
        self._routes = routes

    async def get(self, url: str, *, limit: int) -> DownloadedFile:
        """The file at ``url``, which is https, or http to this computer.

        Redirects are followed under the same rule. Raises :class:`agent.errors.CloudError`: no
        answer, none such (``status``), longer than ``limit`` bytes, an address that is not safe.
        """
        for _ in range(HOPS_LIMIT + 1):
            parts = urlsplit(url)
            host = clean_text(parts.hostname or url)
            if parts.scheme != "https" and not (
                parts.scheme == "http" and is_loopback(parts.hostname or "")
            ):
                raise CloudAnswer(cloud=host, detail="It leads to an address that is not safe.")
            http = CloudHttp(
                title=host,
                base_url=f"{parts.scheme}://{parts.netloc}",
                clock=self._clock,
                limits=Limits(self._limits.connect_s, self._limits.answer_s, limit),
                routes=self._routes,
            )
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            request = Request(
                "GET", path, headers={"Accept": "*/*"}, repeatable=True, leads_on=True
            )
            try:
                answer = await http.send(request)
            finally:
                await http.close()
            if answer.ok:
                return DownloadedFile(answer.body, answer.etag)
            if answer.status not in _REDIRECTS or not answer.location:
                raise _refused(host, answer.status)
            url = follow(url, answer.location)
        raise CloudAnswer(cloud=host, detail=f"It redirects more than {HOPS_LIMIT} times.")


def follow(url: str, location: str) -> str:
    """Where a redirect leads.

    :class:`CloudAnswer` if that is no address, or is less safe than where it began.
    """
    host = clean_text(urlsplit(url).hostname or url)
    try:
        there = urljoin(url, location)
        scheme = urlsplit(there).scheme
    except ValueError:
        raise CloudAnswer(cloud=host, detail="It leads to something that is no address.") from None
    if urlsplit(url).scheme == "https" and scheme != "https":
        raise CloudAnswer(cloud=host, detail="It leads to an address that is not safe.")
    return there


def _refused(host: str, status: int) -> CloudError:
    if status in NOT_FOUND:
        return CloudAnswer(cloud=host, detail="It does not have this file.", status=status)
    detail = f"It does not give this file out (HTTP status {status})."
    return Unreachable(cloud=host, detail=detail, status=status, sent=True)
