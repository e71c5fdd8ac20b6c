"""The settings: a file that cannot be used, a value that is refused, a file that cannot be written."""

from __future__ import annotations

from agent.errors.base import ExitStatus, MooringError
from agent.errors.wrong_input import InputError


class SettingsBroken(MooringError):
    """The file cannot be used; facts: path, line (None: all of it), key, problem, mend, more."""

    code = "settings-broken"
    exit_status = ExitStatus.USAGE
    title = "The settings cannot be used: {place}: {problem}."
    meaning = "Until that is mended none of them counts, and Mooring does not change the file."
    remedy = "{mend} “mooring config check” tells whether it is right then."


class SettingRefused(InputError):
    """A setting cannot have this value; ``field`` names it and ``problem`` says why."""

    code = "setting-refused"
    meaning = "The settings are as they were."
    remedy = "Correct this value and try again."


class SettingsFailed(MooringError):
    """The file cannot be written; ``path`` and ``detail`` say which and why."""

    code = "settings-failed"
    exit_status = ExitStatus.NO_ACCESS
    title = "The settings cannot be written to {path}: {detail}."
    meaning = "The settings are as they were."
    remedy = "See that this file and its folder can be written and the disk has room."
