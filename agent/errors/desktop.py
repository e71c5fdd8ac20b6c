"""What the desktop or the system around the agent does not let it do."""

from __future__ import annotations

from agent.errors.base import ExitStatus, MooringError


class AutostartFailed(MooringError):
    """Start at login cannot be changed; ``place`` is the file, key or program."""

    code = "autostart-failed"
    exit_status = ExitStatus.NO_ACCESS
    title = "Start at login cannot be changed: {place}."
    meaning = "{detail}. What starts at login is as it was."
    remedy = "Mend what is named, or have the desktop's own settings start “mooring run”."


class AgentSilent(MooringError):
    """An agent of this user holds the lock and cannot be talked to."""

    code = "agent-silent"
    exit_status = ExitStatus.NO_ACCESS
    retryable = True
    title = "An agent of yours runs already, but it does not answer."
    meaning = "It was waited for during {seconds} seconds. It holds {lock}; its process is {pid}."
    remedy = "End that process, and start Mooring again."
