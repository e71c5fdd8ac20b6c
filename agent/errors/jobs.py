"""Jobs and their journal."""

from __future__ import annotations

from agent.errors.base import ExitStatus, MooringError


class UnknownJob(MooringError):
    """No such job in the journal."""

    code = "job-unknown"
    exit_status = ExitStatus.USAGE
    title = "There is no job {job}."
    meaning = "The journal does not know this number."
    remedy = "Look at the list of jobs (mooring jobs)."


class JobNotAsking(MooringError):
    """An answer for a job that asks nothing."""

    code = "job-not-asking"
    exit_status = ExitStatus.USAGE
    title = "Job {job} is not asking anything."
    meaning = "It was answered already, or it has ended."
    remedy = "Look at the job again."


class FolderFailed(MooringError):
    """A folder of Mooring cannot be made or written; ``path`` names it and ``detail`` says why."""

    code = "folder"
    exit_status = ExitStatus.NO_ACCESS
    title = "The folder {path} cannot be used: {detail}."
    meaning = "Mooring keeps its log and its journal in folders of this user."
    remedy = "See that it belongs to you, or set MOORING_HOME to a folder that you may write."


class NotKept(MooringError):
    """Folders of Mooring cannot be written, and it runs without; ``lost`` says what is not kept."""

    code = "not-kept"
    title = "Mooring cannot write into {path}: {detail}."
    meaning = "It runs all the same, but it does not keep {lost}."
    remedy = (
        "See that the folder belongs to you, that its disk has room and is not read-only, and start "
        "Mooring again; mooring doctor names what is wrong."
    )


class JournalFailed(MooringError):
    """The journal cannot be read or written; ``path`` names it and ``detail`` says why."""

    code = "journal"
    retryable = True
    title = "The journal {path} cannot be used: {detail}."
    meaning = "What is done to boards cannot be written down, so a crash could not be repaired."
    remedy = "Check that the disk has room and that the file belongs to you, and start again."


class DiskFull(JournalFailed):
    """There is no room to write down what is done to boards; ``detail`` says how little there is."""

    code = "disk-full"
    title = "The disk of {path} is full: {detail}."
    meaning = (
        "What is done to boards is written down before it is done: without room no job starts, and "
        "one that runs undoes what it began."
    )
    remedy = "Remove what you no longer need on that disk, and try again; no restart is needed."


class Interrupted(MooringError):
    """The agent ended in the middle of a job."""

    code = "interrupted"
    retryable = True
    title = "The agent stopped in the middle of this job."
    meaning = "{what}"
    remedy = "Start the job again."


class InternalError(MooringError):
    """A defect of Mooring itself."""

    code = "internal"
    title = "Mooring made a mistake ({kind})."
    meaning = "This is a defect of Mooring, not of your board. The log has the details."
    remedy = "Try again, and report it with the log if it stays."


class BatchRunning(MooringError):
    """Another process works on the batch."""

    code = "batch-running"
    exit_status = ExitStatus.NO_ACCESS
    retryable = True
    title = "The batch {name} is being worked on by another command."
    meaning = "Two of them would give the same row to two boards, so this one did nothing."
    remedy = "Wait for the other one or stop it; this one goes on where it was."


class BatchUnsure(MooringError):
    """A row was cut off on a board that cannot be told from the one that is in its socket now."""

    code = "batch-unsure"
    title = "It is not known whether the board in socket {socket} is still the one that was begun."
    meaning = (
        "The command was cut off while it worked on it, and the board has no serial number by which "
        "it could be known. What was made for it may be on it, so no other board gets that."
    )
    remedy = (
        "Leave that very board in its socket and try the row again (--again). Boards that are "
        "named by their hardware id never get into this."
    )


class BatchTwice(MooringError):
    """A board was done before, as another device; ``row`` and ``device`` say which."""

    code = "batch-twice"
    title = "This board was row {row} already, as {device}."
    meaning = (
        "It has no serial number by which it could be known before it was asked, and the list allows "
        "boards to become other devices. It is no longer {device}, whose row counts as done."
    )
    remedy = "Give it the settings of {device} again (mooring vault restore), and plug in another."


class ManifestWrong(MooringError):
    """Rows of a manifest cannot be used; ``count`` says how many things are wrong with ``file``."""

    code = "manifest"
    exit_status = ExitStatus.USAGE
    title = "{file} cannot be used. Mistakes: {count}; the first one: {first}"
    meaning = "Nothing was sent to any board or cloud."
    remedy = "Correct them and start again; docs/batch.md tells what a manifest can say."
