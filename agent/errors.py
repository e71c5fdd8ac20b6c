"""Every error a person can meet: what happened, what it means, what to do.

One hierarchy, ordered by who can act. A class fixes the stable code and the three sentences;
an instance carries the facts. The command line prints the sentences, the page receives them as
fields (:class:`ErrorReport`), the log gets the facts.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, ClassVar, TypeAlias

import msgspec

Fact: TypeAlias = str | int | float | bool | None


class ExitStatus(IntEnum):
    """Exit status of a command (contract 1)."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NO_BOARD = 3
    NO_ACCESS = 4
    INTERRUPTED = 130


class ErrorReport(msgspec.Struct, frozen=True, kw_only=True):
    """An error as it travels: JSON-RPC ``error.data``, journal, ``--json``."""

    code: str
    title: str
    meaning: str
    remedy: str
    retryable: bool
    facts: dict[str, Fact] = {}


class MooringError(Exception):
    """Root of all errors that people see.

    Facts are given as keyword arguments and fill the ``{placeholders}`` of the three sentences;
    a fact that is missing shows as ``?``. Never pass a secret as a fact.
    """

    code: ClassVar[str] = "error"
    exit_status: ClassVar[ExitStatus] = ExitStatus.FAILED
    retryable: ClassVar[bool] = False
    title: ClassVar[str] = "Something went wrong."
    meaning: ClassVar[str] = ""
    remedy: ClassVar[str] = ""

    def __init__(self, **facts: Fact) -> None:
        self.facts = facts
        super().__init__(self.report().title)

    def report(self) -> ErrorReport:
        """The three sentences with their facts filled in."""
        shown = _Shown(self.facts)
        return ErrorReport(
            code=self.code,
            title=self.title.format_map(shown),
            meaning=self.meaning.format_map(shown),
            remedy=self.remedy.format_map(shown),
            retryable=self.retryable,
            facts=dict(self.facts),
        )


class _Shown(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


class ReportedError(MooringError):
    """An error that arrived as a report, from the running agent or the journal."""

    code = "reported"

    def __init__(self, report: ErrorReport, exit_status: ExitStatus = ExitStatus.FAILED) -> None:
        self._report = report
        self.reported_exit_status = exit_status
        super().__init__(**report.facts)

    def report(self) -> ErrorReport:
        """The report as it arrived."""
        return self._report


# --- wrong input: nothing was sent -----------------------------------------------------------


class InputError(MooringError):
    """What the person gave cannot be used; ``field`` names it and ``problem`` says why."""

    code = "input"
    exit_status = ExitStatus.USAGE
    title = "{field}: {problem}"
    meaning = "Nothing was sent to the board or the cloud."
    remedy = "Correct this field and try again."


class UnknownBoard(MooringError):
    """No board matches what the person named."""

    code = "board-unknown"
    exit_status = ExitStatus.NO_BOARD
    title = "No board matches “{wanted}”."
    meaning = "The board is not connected, or it has another name."
    remedy = "Plug the board in and look at the list of boards (mooring boards)."


class AmbiguousBoard(MooringError):
    """Several boards match what the person named."""

    code = "board-ambiguous"
    exit_status = ExitStatus.NO_BOARD
    title = "“{wanted}” matches {count} boards: {matches}."
    meaning = "Nothing was done, because it is not clear which board is meant."
    remedy = "Give more of the board's id, its serial number or its port."


# --- ports -----------------------------------------------------------------------------------


class PortError(MooringError):
    """The computer's side of the connection to a board."""

    code = "port"


class PortBusy(PortError):
    """Something holds the port; ``holder`` names it when known."""

    code = "port-busy"
    exit_status = ExitStatus.NO_ACCESS
    retryable = True
    title = "{port} is in use by {holder}."
    meaning = "Only one program or job can talk to a board at a time."
    remedy = "Wait until it has finished, or close it, and try again."


class NoPermission(PortError):
    """The operating system refuses to open the port."""

    code = "port-permission"
    exit_status = ExitStatus.NO_ACCESS
    title = "This account may not open {port}."
    meaning = "The operating system gives the serial port to other users only."
    remedy = "Add your account to the group that owns the port ({group}), log in again and retry."


class PortGone(PortError):
    """The port vanished: unplugged, reset, or switched off."""

    code = "port-gone"
    retryable = True
    title = "The board on {port} is no longer there."
    meaning = "It was unplugged, or it restarted, or its cable or hub lost contact."
    remedy = "Plug the board in again, if possible directly into the computer, and retry."


class PortFailed(PortError):
    """Any other error of the operating system at a port; ``detail`` is its own text."""

    code = "port-failed"
    retryable = True
    title = "{port} cannot be used: {detail}."
    meaning = "The operating system reported an error that has no more exact meaning."
    remedy = "Unplug the board, plug it in again and retry; if it stays, try another USB socket."


# --- boards ----------------------------------------------------------------------------------


class BoardError(MooringError):
    """The board itself."""

    code = "board"


class BoardSilent(BoardError):
    """Nothing that looks like provisioning came within the limit."""

    code = "board-silent"
    retryable = True
    title = "The board did not answer within {seconds} s."
    meaning = "Its sketch does not speak provisioning 2.0, or the board is stuck."
    remedy = "Unplug the board, plug it in again and retry, or flash the provisioning sketch."


class ReceiverStuck(BoardError):
    """The board enumerates but its receiver no longer reads (protocol-v2, 1.1)."""

    code = "board-stuck"
    retryable = True
    title = "The board no longer listens."
    meaning = "Its receiver was stopped by a broken message. Only a restart of the board helps."
    remedy = "Press the reset button or unplug the board, and try again."


class NoNetworkList(BoardError):
    """The list of networks did not fit into the board's buffer (protocol-v2, 4.2)."""

    code = "board-no-list"
    retryable = True
    title = "The board sent no list of networks."
    meaning = (
        "With twelve or more networks with long names around, its message buffer is too small."
    )
    remedy = "Wait two minutes and try again, or move to a place with fewer networks."


class OtherBoard(BoardError):
    """Another board is on the port than the one that the job began with."""

    code = "board-other"
    title = "This is another board than before."
    meaning = "The job began with hardware id {expected}; the board that is there now has {found}."
    remedy = "Plug the first board in again, or start a new job for this one."


class WrongSketch(BoardError):
    """The sketch on the board cannot do what is asked."""

    code = "board-wrong-sketch"
    title = "The sketch on this board cannot do this: {what}."
    meaning = "{why}"
    remedy = "Flash the provisioning sketch, then try again."


class OldFirmware(BoardError):
    """A version on the board is below the minimum."""

    code = "board-old-firmware"
    title = "The {part} of this board is {found}; {needed} or newer is needed."
    meaning = "The cloud does not accept older versions."
    remedy = "Update the {part} of the board, then try again."


class StatusReported(BoardError):
    """The board reported a negative status; ``status`` and ``name`` say which."""

    code = "board-status"
    title = "The board reported {name} ({status})."
    meaning = "{text}"
    remedy = "{action}"


class BoardBusy(BoardError):
    """The board still works on another request (status -6, protocol-v2, 7.4)."""

    code = "board-busy"
    retryable = True
    title = "The board is still busy with an earlier request."
    meaning = "It answers one request at a time, and this one does not end by itself."
    remedy = "Press the reset button or unplug the board, and try again."


class NotSupported(BoardError):
    """The model cannot do what is asked."""

    code = "board-not-supported"
    exit_status = ExitStatus.USAGE
    title = "{model} cannot do this: {what}."
    meaning = "{why}"
    remedy = "{action}"


class NotProvisioned(BoardError):
    """A board that may be in the RUN state must be reset before it is changed (protocol-v2, 8.3)."""

    code = "board-in-run"
    title = "This board may be online, and then it accepts no new settings."
    meaning = "Its provisioning sketch serves settings only before it goes online."
    remedy = "{action}"


class SketchHalted(BoardError):
    """The provisioning sketch of 1.0 says nothing: it stopped at its start, or another one runs."""

    code = "board-sketch-halted"
    retryable = True
    title = "The sketch on the board did not answer within {seconds} s."
    meaning = "{why}"
    remedy = "Press the reset button once and try again; if it stays, flash the sketch once more."


class CommandRefused(BoardError):
    """A 1.0 sketch answered a command with something else than ACK; ``answer`` is what came."""

    code = "board-command-refused"
    title = "The board refused the command “{command}” (answer {answer})."
    meaning = "Its secure element could not do it, or the command arrived damaged."
    remedy = "Press the reset button and start again; if it stays, its secure element is faulty."


class AnswerMissing(BoardError):
    """A 1.0 sketch fell silent; what it missed the end of it may still carry out later."""

    code = "board-answer-missing"
    retryable = True
    title = "The board did not answer the command “{command}” within {seconds} s."
    meaning = "It may still carry the command out later, so nothing more was sent to it."
    remedy = "Press the reset button and start again; the board then makes a new key."


# --- networks --------------------------------------------------------------------------------


class NetworkError(MooringError):
    """Joining the network failed; other settings may help."""

    code = "network"
    retryable = True


class JoinFailed(NetworkError):
    """Status -1 or -3: wrong name or password, no coverage, no cable."""

    code = "network-join"
    title = "The board could not join {network}."
    meaning = "{why}"
    remedy = "{action}"


class NetworkNotFound(NetworkError):
    """The chosen network is not in the board's own scan."""

    code = "network-not-found"
    title = "The board does not see {network}."
    meaning = "{why}"
    remedy = "Move the board closer, check the name, or choose one of the networks that it sees."


class NoInternet(NetworkError):
    """Status -8: joined, but no way to the Internet."""

    code = "network-no-internet"
    title = "The board joined {network} but cannot reach the Internet."
    meaning = (
        "The password is right, but the network has no uplink or a firewall blocks the time server."
    )
    remedy = "Check the uplink or firewall of the network and try again, or choose another network."


class NetworkModuleFailed(NetworkError):
    """Status -101 or -102: the radio or modem of the board."""

    code = "network-module"
    title = "The network module of the board reported an error."
    meaning = "{why}"
    remedy = "Unplug the board for a few seconds, check antenna, SIM or cable, and try again."


# --- clouds ----------------------------------------------------------------------------------


class CloudError(MooringError):
    """The cloud's side."""

    code = "cloud"


class NotSignedIn(CloudError):
    """No account is stored for this cloud."""

    code = "cloud-not-signed-in"
    exit_status = ExitStatus.NO_ACCESS
    title = "You are not signed in to {cloud}."
    meaning = "Mooring needs an account of {cloud} to register the board there."
    remedy = "Enter the account under Clouds on the page, or run: mooring cloud login {id}"


class NotAuthorised(CloudError):
    """The cloud refuses the account."""

    code = "cloud-not-authorised"
    exit_status = ExitStatus.NO_ACCESS
    title = "{cloud} does not accept these account details."
    meaning = "{detail}"
    remedy = "Check the client id, the client secret and the organisation, and sign in again."


class QuotaReached(CloudError):
    """Plan limit or request limit."""

    code = "cloud-quota"
    retryable = True
    title = "{cloud} refuses more requests or devices."
    meaning = "{detail}"
    remedy = "Wait a minute and try again; if it stays, check the limits of the plan."


class Unreachable(CloudError):
    """No answer from the cloud within the limit, or a server error that stayed."""

    code = "cloud-unreachable"
    retryable = True
    title = "{cloud} cannot be reached."
    meaning = "{detail}"
    remedy = "Check this computer's Internet connection and proxy, and try again."


class ClaimRefused(CloudError):
    """The cloud refused the claim; ``err_code`` is the cloud's own number."""

    code = "cloud-claim-refused"
    title = "{cloud} refused the claim: {detail}."
    meaning = "Error code {err_code} of the cloud."
    remedy = "Try again; if it stays, ask the cloud's support and quote hardware id {uhwid}."


class KeyMismatch(CloudError):
    """err_code 3: the cloud knows another key for this board."""

    code = "cloud-key-mismatch"
    title = "{cloud} knows this board with another key."
    meaning = "The key on the board is not the one that was registered for it (error code 3)."
    remedy = "Only the cloud's support can mend this. Quote hardware id {uhwid}."


class NotOnline(CloudError):
    """The board did not appear online within the limit."""

    code = "cloud-not-online"
    retryable = True
    title = "The board did not come online in {cloud} within {seconds} s."
    meaning = "The network works, but the cloud has not seen the board yet."
    remedy = "Wait a little longer, or stop and undo the claim and try again."


class ClaimOpen(CloudError):
    """A job ended, but its claim could not be undone; Mooring goes on trying."""

    code = "cloud-claim-open"
    retryable = True
    title = "The claim of {name} in {cloud} is still open."
    meaning = "{cause} The claim could not be brought to an end: {detail}"
    remedy = (
        "Mooring tries again by itself, also at its next start. To do it yourself, "
        "remove claim {claim} (hardware id {uhwid}) in {cloud}."
    )


class ClaimUndone(CloudError):
    """A claim that stayed open at the end of its job was undone later."""

    code = "cloud-claim-undone"
    retryable = True
    title = "{cause}"
    meaning = "The claim in {cloud} stayed open at first; it was undone later. Nothing is left."
    remedy = "Start the job again."


class DeviceRefused(CloudError):
    """The cloud makes no device of this board (provisioning 1.0, LoRa, secret key)."""

    code = "cloud-device-refused"
    title = "{cloud} does not take this board as a device."
    meaning = "{detail}"
    remedy = "Look in {cloud} for an older device of this board, and at the limits of the plan."


class DeviceLeft(CloudError):
    """A procedure failed, and the device that it had made could not be deleted."""

    code = "cloud-device-left"
    retryable = True
    title = "{cause}"
    meaning = "The device that was made for this board is still in {cloud}: {detail}"
    remedy = "Delete device {device} in {cloud}, then start again."


class CertificateRefused(CloudError):
    """The cloud does not sign the certificate request, or signs one that the board cannot hold."""

    code = "cloud-certificate-refused"
    title = "{cloud} gave no certificate that this board can use."
    meaning = "{detail}"
    remedy = "Start again; the board then makes a new key. If it stays, ask the cloud's support."


class CloudAnswer(CloudError):
    """An answer that does not fit the cloud's documented interface."""

    code = "cloud-answer"
    title = "{cloud} gave an unexpected answer."
    meaning = "{detail}"
    remedy = "Try again; if it stays, update Mooring and report this."


# --- flashing --------------------------------------------------------------------------------


class FlashError(MooringError):
    """Writing a sketch or firmware."""

    code = "flash"


class ImageRefused(FlashError):
    """The file does not fit the board; found before anything was touched."""

    code = "flash-image"
    exit_status = ExitStatus.USAGE
    title = "{name} cannot be written to {model}: {problem}."
    meaning = "Nothing was erased or sent; the board is as it was."
    remedy = "Choose a file that was built for this board."


class ToolMissing(FlashError):
    """A program that this method needs is not on this computer; ``mend`` says how to get it."""

    code = "flash-tool"
    title = "{tool} is needed to flash this board and was not found."
    meaning = "{why}"
    remedy = "{mend}"


class NoBootloader(FlashError):
    """No bootloader came or answered; ``manual`` is the catalogue's way to enter it by hand."""

    code = "flash-no-bootloader"
    retryable = True
    title = "The bootloader of the board was not found: {detail}."
    meaning = "The board did not restart into it, or something else is on its port."
    remedy = "{manual} Then start again."


class LoaderRefused(FlashError):
    """The system does not let us talk to a bootloader that is there; ``action`` is the mend."""

    code = "flash-access"
    exit_status = ExitStatus.NO_ACCESS
    retryable = True
    title = "This account may not talk to the bootloader of the board."
    meaning = "It is there, but the system refuses: {detail}. Nothing was erased."
    remedy = "{action}"


class VerifyFailed(FlashError):
    """What the board holds is not what was written, also after a second try."""

    code = "flash-verify"
    retryable = True
    title = "The board does not hold what was written to it (at {address})."
    meaning = (
        "Its check value is {found} instead of {expected}. "
        "The board stays in its bootloader, so nothing is lost but the sketch."
    )
    remedy = "Start again, with another USB cable or socket if it stays."


class FlashFailed(FlashError):
    """A run broke off; ``stage`` says where and ``detail`` why."""

    code = "flash-failed"
    retryable = True
    title = "Flashing broke off ({stage}): {detail}."
    meaning = "The sketch on the board may be incomplete or gone; its bootloader is still there."
    remedy = "Plug the board in again, directly into the computer if possible, and start again."


class SketchUnknown(FlashError):
    """Nothing, or more than one thing, in the store of sketches matches what the person named."""

    code = "sketch-unknown"
    exit_status = ExitStatus.USAGE
    title = "{count} sketches in the store match “{wanted}”."
    meaning = "Nothing was changed, because it is not clear which one is meant."
    remedy = "Give more of the id that the list of sketches shows (mooring sketches)."


class NoSketch(FlashError):
    """No sketch of this kind can be had for a board; ``detail`` says why."""

    code = "sketch-none"
    title = "There is no {kind} sketch for {model}."
    meaning = "{detail}"
    remedy = "{action}"


class SketchDamaged(FlashError):
    """A sketch is not what its size and SHA-256 say; nothing of it was used."""

    code = "sketch-damaged"
    retryable = True
    title = "The sketch {name} is damaged: {problem}."
    meaning = "It is not the file that was published, so it was not used. No board was touched."
    remedy = "Fetch it again; if it stays, the source itself or something on the way is broken."


class IndexRefused(FlashError):
    """The public list of sketches cannot be trusted; the last good one stays."""

    code = "sketch-index"
    title = "The list of sketches from {source} cannot be trusted: {problem}."
    meaning = "It was not used. Sketches that are in the store already can be used as before."
    remedy = "Try again on another network; if it stays, give the sketch as a file."


class StoreFailed(FlashError):
    """The store of sketches cannot be read or written; ``path`` names it."""

    code = "sketch-store"
    retryable = True
    title = "The store of sketches {path} cannot be used: {detail}."
    meaning = "Sketches cannot be kept or read on this computer."
    remedy = "Check that the disk has room and that the folder belongs to you, and try again."


# --- bridge ----------------------------------------------------------------------------------


class BridgeError(MooringError):
    """Between pages, programs and the agent."""

    code = "bridge"


class OriginRefused(BridgeError):
    """A page that nobody allowed."""

    code = "origin-refused"
    exit_status = ExitStatus.NO_ACCESS
    title = "The page {origin} may not use this agent."
    meaning = "Only the agent's own page and pages that you allowed may use your boards."
    remedy = "To allow it, run: mooring origins allow {origin}"


class TokenRefused(BridgeError):
    """A program that did not prove that it belongs to this user."""

    code = "token-refused"
    exit_status = ExitStatus.NO_ACCESS
    title = "This program may not use the agent."
    meaning = "It sent neither the address of an allowed page nor the token of this agent."
    remedy = "Send the token of instance.json, which only this user can read, as a bearer token."


class NotAllowed(BridgeError):
    """A method that only the agent's own page and programs of this user may call."""

    code = "not-allowed"
    exit_status = ExitStatus.NO_ACCESS
    title = "{method} is not open to web pages."
    meaning = "Accounts and permissions are managed on the agent's own page only."
    remedy = "Open the agent's own page for this."


class RateExceeded(BridgeError):
    """More requests or connections than the limit."""

    code = "rate-exceeded"
    retryable = True
    title = "Too many {what}: the limit is {limit}."
    meaning = "The request was not processed."
    remedy = "Wait a moment and try again."


class BadMessage(BridgeError):
    """A message that is not a JSON-RPC 2.0 request."""

    code = "bad-message"
    exit_status = ExitStatus.USAGE
    title = "This message cannot be read: {problem}."
    meaning = "It was not processed."
    remedy = "Send one JSON-RPC 2.0 object per message; /openrpc.json describes them."


class UnknownMethod(BridgeError):
    """A method that this agent does not have."""

    code = "method-unknown"
    exit_status = ExitStatus.USAGE
    title = "This agent has no method {method}."
    meaning = "The page or program may be made for another version of Mooring."
    remedy = "Update Mooring or the page; /openrpc.json lists what this agent can do."


class NoFreePort(BridgeError):
    """Every port of the bridge's range is taken."""

    code = "no-free-port"
    exit_status = ExitStatus.NO_ACCESS
    title = "The ports {first} to {last} of this computer are all in use."
    meaning = "The page needs one of them."
    remedy = "Close the programs that hold them, or set other ports under [bridge] in config.toml."


class SlowReader(BridgeError):
    """A page or program that does not read what it asked for."""

    code = "slow-reader"
    retryable = True
    title = "This connection reads too slowly."
    meaning = "More than {limit} bytes were waiting for it."
    remedy = "Connect again; the state of boards and jobs is sent anew."


class AgentGone(BridgeError):
    """The running agent ended while a command used it."""

    code = "agent-gone"
    retryable = True
    title = "The agent has stopped."
    meaning = "The command was talking to the running agent, and the connection was lost."
    remedy = "Start the agent again; it finishes or undoes what was begun."


# --- jobs ------------------------------------------------------------------------------------


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


class JournalFailed(MooringError):
    """The journal cannot be read or written; ``path`` names it and ``detail`` says why."""

    code = "journal"
    retryable = True
    title = "The journal {path} cannot be used: {detail}."
    meaning = "What is done to boards cannot be written down, so a crash could not be repaired."
    remedy = "Check that the disk has room and that the file belongs to you, and start again."


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
