"""The board itself: its sketch, its firmware, its answers."""

from __future__ import annotations

from agent.errors.base import ExitStatus, MooringError


class BoardError(MooringError):
    """The board itself."""

    code = "board"


class AuthorisationNeeded(BoardError):
    """A device of Improv Wi-Fi takes settings only after somebody pressed something on it."""

    code = "board-authorisation"
    retryable = True
    title = "The device waits for somebody to press its button."
    meaning = "It takes settings only from people who can touch it, and only for about a minute."
    remedy = "Press the button on the device (its manual says which), then try again."


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


class ImprovSilent(BoardError):
    """No answer to Improv Wi-Fi within the limit."""

    code = "board-improv-silent"
    retryable = True
    title = "The device did not answer to Improv Wi-Fi within {seconds} s."
    meaning = "{why}"
    remedy = "Press its reset button and try again; if it stays, its firmware has no Improv Wi-Fi."


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
    """Another board is on the port than the one that the job began with.

    ``expected_board`` and ``found_board`` are hardware ids, or what devices without one say of themselves.
    """

    code = "board-other"
    title = "This is another board than before."
    meaning = "The job began with {expected_board}; what answers now is {found_board}."
    remedy = "Bring the first one back, or start a new job for this one."


class OtherInTheAir(BoardError):
    """What answers over Bluetooth LE has not the hardware id that the board is known to have."""

    code = "board-other-air"
    title = "Something else answers over Bluetooth in the place of this board."
    meaning = (
        "The board is known to have hardware id {expected_board}; what answers has {found_board}."
    )
    remedy = (
        "It was sent nothing. Everybody around can advertise as this board, so use the board itself "
        "over its cable: a hardware id that is read there is believed."
    )


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
    meaning = "{why}"
    remedy = "{action}"


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
