"""What a person reads who starts an agent while one runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent import __version__
from agent.desktop.handover import hand_over

if TYPE_CHECKING:
    from agent.cli.output import Output
    from agent.desktop.handover import HandedOver
    from agent.settings.paths import Paths


def is_second_start(output: Output, paths: Paths, page: str | None) -> bool:
    """Hand over to the agent that runs, and say so; False if none answers.

    ``page``: see :func:`hand_over`.
    """
    handed = hand_over(paths, page)
    if handed is None:
        return False
    tell_handed_over(output, handed, page)
    return True


def tell_handed_over(output: Output, handed: HandedOver, page: str | None) -> None:
    """Say that it runs and where; open the page here if the agent has no desktop for it."""
    from agent.desktop.browser import open_page, page_url
    from agent.desktop.sd_notify import READY, notify_systemd

    instance = handed.instance
    url = page_url(instance.url, page or "")
    output.note("The agent runs already.")
    if instance.version != __version__:
        output.note(f"It is Mooring {instance.version}; end it to have {__version__} start.")
    shown = handed.shown or (page is not None and open_page(url))
    if output.as_json:
        output.document({"url": url, "pid": instance.pid, "running": True, "shown": shown})
    else:
        output.line(f"The page: {url}", "bold")
    # A unit that ends without this word counts as failed, and would be started again and again.
    notify_systemd(READY)
