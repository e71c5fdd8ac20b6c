"""What a web page may do, and the question to the person whether it may."""

from __future__ import annotations

from agent.errors.base import ExitStatus
from agent.errors.bridge import BridgeError


class ScopeRefused(BridgeError):
    """An allowed page wants something that it was not allowed."""

    code = "scope-refused"
    exit_status = ExitStatus.NO_ACCESS
    title = "This page may not do that: it was not allowed “{scopes}”."
    meaning = "It was allowed “{may}” only. Nothing was done."
    remedy = "The page can ask for it; the question then appears on the agent's own page."


class OriginSilenced(BridgeError):
    """A page asks although a person said no within a day."""

    code = "origin-silenced"
    exit_status = ExitStatus.NO_ACCESS
    title = "Somebody at this computer said no to {origin}."
    meaning = "For a day after a no, the page cannot ask again."
    remedy = (
        "Allow it under Settings on the agent's own page, or run: mooring origins allow {origin}"
    )


class AskBusy(BridgeError):
    """More questions than a person can read."""

    code = "ask-busy"
    retryable = True
    title = "Too many pages ask at the moment."
    meaning = "The question of this page was not shown to anybody."
    remedy = "Answer or close the other pages that ask, wait a minute, and let this one ask again."


class AskExpired(BridgeError):
    """Nobody answered."""

    code = "ask-expired"
    retryable = True
    title = "Nobody answered whether {origin} may use this agent."
    meaning = "The question was open for {seconds} seconds, and is gone now."
    remedy = "Let the page ask again and answer on the agent's own page or in its menu."


class AskGone(BridgeError):
    """An answer to a question that is no longer open."""

    code = "ask-gone"
    exit_status = ExitStatus.USAGE
    title = "This question is no longer open."
    meaning = "{how} This answer counts for nothing."
    remedy = "Look at the list of pages (mooring origins); it says what each may do now."


class OriginsFull(BridgeError):
    """As many pages are allowed as there can be."""

    code = "origins-full"
    exit_status = ExitStatus.USAGE
    title = "{count} pages are allowed already."
    meaning = "This one was not added: a longer list is a mistake of some program."
    remedy = "Revoke one that you no longer use (mooring origins revoke URL), then try again."


class OriginsBroken(BridgeError):
    """The file of allowed pages is not one."""

    code = "origins-broken"
    title = "The list of allowed pages could not be read."
    meaning = "No page is allowed until you allow it again. The old file was kept as {kept}."
    remedy = "Let your pages ask again, or allow them by hand (mooring origins allow URL)."


class OriginsUnsaved(BridgeError):
    """The list of pages could not be written."""

    code = "origins-unsaved"
    retryable = True
    title = "The list of allowed pages could not be saved: {detail}."
    meaning = "{effect}"
    remedy = "Make room on the disk, or make {folder} writable, and do it again."
