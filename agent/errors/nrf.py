"""nRF Cloud's side: claims, commands, device records. Limits and faults are those of all clouds."""

from __future__ import annotations

from agent.errors.base import ExitStatus
from agent.errors.clouds import CloudError

__all__ = [
    "NrfChipUnknown",
    "NrfClaimRefused",
    "NrfClaimUnsure",
    "NrfCloudError",
    "NrfCommandFailed",
    "NrfCommandGone",
    "NrfCommandRefused",
    "NrfCommandStays",
    "NrfCommandUnsure",
    "NrfCommandWaiting",
    "NrfCommandsBlocked",
    "NrfDeviceAmbiguous",
    "NrfDeviceUnknown",
    "NrfFileUnsure",
    "NrfKeyRefused",
    "NrfNotOnboarded",
    "NrfNothingQueued",
    "NrfOwnedElsewhere",
    "NrfQueueFull",
    "NrfRecordAbsent",
    "NrfRoleTooLow",
    "NrfTokenRefused",
    "NrfUnclaimed",
    "NrfUnfinished",
]


class NrfCloudError(CloudError):
    """nRF Cloud's side."""

    code = "nrf-cloud"


class NrfKeyRefused(NrfCloudError):
    """401: the key is wrong, or was deleted."""

    code = "nrf-cloud-key"
    exit_status = ExitStatus.NO_ACCESS
    title = "{cloud} does not accept this API key."
    meaning = "It is not complete, or it was replaced, or it belongs to another team. {detail}"
    remedy = (
        "Copy the API key of your team again (in the portal: your name, then User Account), and "
        "sign in with it: mooring cloud login {id}"
    )


class NrfRoleTooLow(NrfCloudError):
    """403: the key's role may not do this."""

    code = "nrf-cloud-role"
    exit_status = ExitStatus.NO_ACCESS
    title = "The role of this API key may not {action} in {cloud}."
    meaning = "Editors, admins and owners of a team may; viewers may only look. {detail}"
    remedy = "Let the owner of the team give you a higher role, or use the key of one who has it."


class NrfTokenRefused(NrfCloudError):
    """400 to a claim: the token is malformed, cut, or signed by something else."""

    code = "nrf-cloud-token"
    title = "{cloud} does not accept the attestation token of this board."
    meaning = "It was changed on its way, or the end of it is missing. {detail}"
    remedy = (
        "Read it again from the board, over the cable; a token that is pasted must be copied whole, "
        "also where a terminal broke its line."
    )


class NrfChipUnknown(NrfCloudError):
    """404 to a claim: the identity service does not know the chip."""

    code = "nrf-cloud-chip"
    title = "{cloud} does not know the chip of this board (device id {device})."
    meaning = "Its identity is not registered with the service, as that of an engineering sample. {detail}"
    remedy = (
        "Ask the vendor's support with the device id, or bring the board in without the "
        "provisioning service: with a certificate and an onboarding file."
    )


class NrfOwnedElsewhere(NrfCloudError):
    """409 (or 400, 422) to a claim, and the team's own list does not have the device."""

    code = "nrf-cloud-owned"
    title = "The board with device id {device} belongs to another team in {cloud}."
    meaning = "A board has one owner, and only that one can release it. {detail}"
    remedy = (
        "Let its owner unclaim it; what {cloud} keeps of it is lost by that. Then claim it again."
    )


class NrfClaimRefused(NrfCloudError):
    """A claim is refused for another reason."""

    code = "nrf-cloud-claim"
    title = "{cloud} refuses the claim of device id {device}."
    meaning = "{detail}"
    remedy = "Read the token again and retry; if it stays, look at the team's limits in the portal."


class NrfClaimUnsure(NrfCloudError):
    """The answer to a claim was lost, and nobody could look what became of it."""

    code = "nrf-cloud-claim-unsure"
    retryable = True
    title = "Whether {cloud} has claimed device id {device} is not known."
    meaning = "The answer was lost, and so was the one to the question after it. {detail}"
    remedy = "Try again: a board that is claimed already by your team is taken as it is."


class NrfUnclaimed(NrfCloudError):
    """404: the device is not claimed by this team."""

    code = "nrf-cloud-not-claimed"
    title = "Your team has no board with device id {device} in {cloud}."
    meaning = "It was never claimed, or it was unclaimed, or another team has it. {detail}"
    remedy = "Claim the board first, with a token read from it over the cable."


class NrfDeviceUnknown(NrfCloudError):
    """No device of the team is what the person named."""

    code = "nrf-cloud-device"
    exit_status = ExitStatus.USAGE
    title = "“{wanted}” is none of the boards that your team has claimed in {cloud}."
    meaning = "It is no device id, nor at least four characters that one begins with, no IMEI and no name."
    remedy = "Look at the team's devices with mooring nrf devices, and give one as it stands there."


class NrfDeviceAmbiguous(NrfCloudError):
    """Several devices of the team are what the person named."""

    code = "nrf-cloud-ambiguous"
    exit_status = ExitStatus.USAGE
    title = "“{wanted}” may be {count} devices in {cloud}: {matches}."
    meaning = "Nothing was done, because it is not clear which of them is meant."
    remedy = "Give the device id, or more of it."


class NrfCommandsBlocked(NrfCloudError):
    """A command failed earlier, so that the board does nothing that is queued behind it."""

    code = "nrf-cloud-blocked"
    title = "An earlier command of the board with device id {device} failed: {names}."
    meaning = (
        "The board carries out nothing that stands behind a command that failed, so that nothing "
        "new was queued. {detail}"
    )
    remedy = (
        "Queue what failed once more (mooring nrf commands {device} --again), or delete it (mooring "
        "nrf commands {device} --delete failed); then start again."
    )


class NrfCommandStays(NrfCloudError):
    """The service does not delete a command."""

    code = "nrf-cloud-command-stays"
    title = "{cloud} did not delete commands of the board with device id {device}: {names}."
    meaning = "They are still in its list, and those behind one that failed wait for it. {detail}"
    remedy = (
        "Discard them in the portal: Security Services, Claimed Devices, the board, then the "
        "command; then start again."
    )


class NrfCommandGone(NrfCloudError):
    """404: the command is not there any more."""

    code = "nrf-cloud-command-gone"
    title = "{cloud} has no command {command} for device id {device} any more."
    meaning = "Somebody discarded it, or the board was unclaimed meanwhile. {detail}"
    remedy = "Look at the board's commands in the portal, and queue them again if they are needed."


class NrfQueueFull(NrfCloudError):
    """422: the device has 20 commands."""

    code = "nrf-cloud-queue-full"
    title = (
        "The board with device id {device} has {present} commands in {cloud}; {limit} are allowed."
    )
    meaning = "{count} more do not fit. Those that are done count as well. {detail}"
    remedy = (
        "Delete those that are done (mooring nrf commands {device} --delete done), or reset or "
        "discard commands of this board in the portal; then try again."
    )


class NrfCommandRefused(NrfCloudError):
    """400, 413, 422: the service does not take the command."""

    code = "nrf-cloud-command"
    title = "{cloud} does not take the command {name} for device id {device}."
    meaning = "A certificate in it may be too large, or a field is not as it should be. {detail}"
    remedy = (
        "Correct what it says, or split the certificates into two commands, and queue it again."
    )


class NrfCommandUnsure(NrfCloudError):
    """The answer to a command was lost, and the list of commands cannot be read."""

    code = "nrf-cloud-command-unsure"
    retryable = True
    title = "Whether {cloud} has queued {name} for device id {device} is not known."
    meaning = "{detail} Queued twice, it is carried out twice."
    remedy = "Look at the board's commands in the portal before you queue it again."


class NrfCommandFailed(NrfCloudError):
    """A command ended as anything but done."""

    code = "nrf-cloud-command-failed"
    title = "The board with device id {device} could not carry out {name}: {status}."
    meaning = "Commands behind it stay as they are, until this one is reset or discarded. {detail}"
    remedy = (
        "Look at the board's log, and whether its modem firmware is new enough. Then queue the "
        "command once more (mooring nrf commands {device} --again) and let the board ask again."
    )


class NrfCommandWaiting(NrfCloudError):
    """Ten minutes, and the board has not reported."""

    code = "nrf-cloud-command-waiting"
    retryable = True
    title = "The board with device id {device} has not carried out {name} within {minutes} minutes."
    meaning = "It is still queued in {cloud} ({status}): the board did not ask, or cannot report."
    remedy = (
        "Is the SIM active, is the antenna on, is there LTE-M or NB-IoT here? Let the board ask "
        "again (button, restart or “att_cloud provision”); the command stays and need not be queued."
    )


class NrfRecordAbsent(NrfCloudError):
    """404 of device management: the device has not been onboarded."""

    code = "nrf-cloud-record"
    title = "{cloud} has no device {device} yet."
    meaning = "A board gets there when it has made its key for the cloud and reported it. {detail}"
    remedy = (
        "Let the board come online: it does its commands then, or over its cable: mooring provision "
        "BOARD --cloud nrf. The device of an older firmware is called “nrf-” and the IMEI."
    )


class NrfNotOnboarded(NrfCloudError):
    """The device did not appear within the time for it."""

    code = "nrf-cloud-not-onboarded"
    retryable = True
    title = "Device id {device} has not appeared in {cloud} within {minutes} minutes."
    meaning = (
        "The board is claimed, but has not made its key for the cloud, or could not report it."
    )
    remedy = (
        "Is the SIM active, is the antenna on, does an active rule have the board's tag? Then let "
        "the board ask again and wait once more."
    )


class NrfFileUnsure(NrfCloudError):
    """What became of a file of devices cannot be found out."""

    code = "nrf-cloud-file-unsure"
    retryable = True
    title = "What {cloud} made of a file with {count} devices is not known."
    meaning = "{detail}"
    remedy = "Try again with the same file: devices that are there already are told as such."


class NrfNothingQueued(NrfCloudError):
    """The service has no commands for a claimed board, and the device is not there."""

    code = "nrf-cloud-nothing-queued"
    title = "{cloud} has nothing to do for the board with device id {device}."
    meaning = (
        "No active rule has one of its tags, so that nothing brings it into device management."
    )
    remedy = (
        "Switch the rule on in the portal, or queue a new key for the cloud: mooring renew. A board "
        "that was claimed without the right tag has to be unclaimed and claimed again."
    )


class NrfUnfinished(NrfCloudError):
    """A job ended after something was done in the cloud; ``left`` says what stays, ``cause`` why."""

    code = "nrf-unfinished"
    retryable = True
    title = "{cloud} is not done with {name}. {left}"
    meaning = "{cause}"
    remedy = "Start the job again: it goes on from there."
