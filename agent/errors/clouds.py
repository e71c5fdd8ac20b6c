"""The cloud’s side: accounts, claims, devices."""

from __future__ import annotations

from agent.errors.base import ExitStatus, MooringError


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
    """No answer from the cloud within the limit; a fault of its own is :class:`ServiceFault`."""

    code = "cloud-unreachable"
    retryable = True
    title = "{cloud} cannot be reached."
    meaning = "{detail}"
    remedy = (
        "Check this computer's Internet connection and proxy, and the address if you entered it; "
        "then try again."
    )


class ServiceFault(Unreachable):
    """5xx: the service answered, and cannot do its work. ``status`` is that of HTTP."""

    code = "cloud-fault"
    title = "{cloud} has a fault."
    meaning = "{detail} The way to it is in order."
    remedy = "Try again in some minutes; if it stays, ask whoever runs the service."


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
    """A claim or device (``what``) that stayed at the end of its job was removed later."""

    code = "cloud-claim-undone"
    retryable = True
    title = "{cause}"
    meaning = "The {what} in {cloud} stayed at first; it was removed later. Nothing is left."
    remedy = "Start the job again."


class OnlineAnyway(CloudError):
    """A job was stopped, but its board had come online by then, with what it had stored."""

    code = "cloud-online-anyway"
    title = "{name} came online in {cloud} before the job could be stopped."
    meaning = (
        "The board still knew a network and completed its claim over that. "
        "The settings of this job were not sent to it."
    )
    remedy = "Use it as it is, or remove {name} (device {device}) in {cloud}."


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
    remedy = (
        "Mooring tries again by itself, also at its next start. To do it yourself, "
        "delete device {device} in {cloud}."
    )


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
