"""ThingsBoard's side: refusals of provisioning, answers that say nothing, the administrator."""

from __future__ import annotations

from agent.errors.base import ExitStatus
from agent.errors.clouds import CloudError


class EnrolError(CloudError):
    """A device could not be made; ``maybe_done`` says whether it may exist all the same."""

    code = "enrol"


class ProfileKeyUnknown(EnrolError):
    """NOT_FOUND: key or secret wrong, or provisioning switched off; the server does not say which."""

    code = "enrol-key"
    exit_status = ExitStatus.NO_ACCESS
    title = "{cloud} knows no device profile with this provision key and secret."
    meaning = (
        "One of them is wrong, or the profile's provisioning is switched off; the server gives the "
        "same answer to all of these."
    )
    remedy = (
        "Copy both again from the device profile (tab “Device provisioning”), and see there that a "
        "strategy is chosen."
    )


class EnrolRefused(EnrolError):
    """FAILURE, and nobody here may ask why."""

    code = "enrol-refused"
    title = "{cloud} refuses {name}."
    meaning = (
        "It does not say why. Either the name is taken, or this device was provisioned before, or "
        "it was not prepared in this profile, or the tenant may have no more devices or its "
        "credentials are in use."
    )
    remedy = (
        "Sign in an administrator for this cloud to learn which, or look for the name among the "
        "server's devices; then choose another name or free this one."
    )


class EnrolNameTaken(EnrolError):
    """The name belongs to a device that exists; names are unique in the whole tenant."""

    code = "enrol-name-taken"
    title = "{cloud} has a device named {name} already."
    meaning = "It is in the profile {profile}. Names are unique among all devices of a tenant."
    remedy = (
        "Choose another name. If it is this very board, give it the device's credentials anew as "
        "administrator, which keeps its history; or delete the device first, which loses it."
    )


class EnrolUsedUp(EnrolError):
    """A prepared device that was provisioned before."""

    code = "enrol-used-up"
    title = "{name} was provisioned before."
    meaning = (
        "{cloud} gives a prepared device its credentials once, and marks it (attribute "
        "provisionState = {state})."
    )
    remedy = (
        "Clear the mark as administrator and ask again (Mooring does both if you sign one in); "
        "the history of the device stays."
    )


class EnrolNotPrepared(EnrolError):
    """The profile takes only devices that somebody made before, and there is none of this name."""

    code = "enrol-not-prepared"
    title = "{name} is not prepared in the profile {profile} of {cloud}."
    meaning = "This profile takes only devices that an administrator made before. {detail}"
    remedy = "Make the device {name} in this profile first, or give the board the name of one."


class EnrolLimit(EnrolError):
    """The name is free and the profile makes devices, so it is the tenant's limit or a clash."""

    code = "enrol-limit"
    title = "{cloud} makes no device named {name}, though the name is free."
    meaning = (
        "The tenant has as many devices as it may have, or the credentials that were sent belong "
        "to another device or are not complete."
    )
    remedy = "Let the server make the credentials, or ask its operator for the tenant's limit."


class EnrolNotUnderstood(EnrolError):
    """No decision: an error of the server, silence, or a close. See ``maybe_done``."""

    code = "enrol-not-understood"
    retryable = True
    title = "{cloud} did not understand the request for {name}."
    meaning = "{detail} {consequence}"
    remedy = (
        "See that the address leads to ThingsBoard's own port and that the profile's strategy is "
        "not the chain of certificates, and try again with the same name."
    )


class EnrolUnusable(EnrolError):
    """The device exists, but the reply has no credentials that this board can use."""

    code = "enrol-unusable"
    title = "{cloud} accepted {name}, but the credentials it gave cannot be used."
    meaning = "{detail} The device exists in {cloud} now."
    remedy = (
        "Let an administrator give this device an access token, a basic login or a new "
        "certificate; for a prepared device then clear its attribute provisionState and try again."
    )


class AdminMissing(CloudError):
    """Something that only an administrator may do, and none is signed in."""

    code = "admin-missing"
    exit_status = ExitStatus.NO_ACCESS
    title = "An administrator of {cloud} is needed to {action}."
    meaning = "The provision key of a profile gives the right to make devices, and no other."
    remedy = "Add the user and password of a tenant administrator to this cloud's account."


class AdminRefused(CloudError):
    """Wrong user or password, or an account that is switched off."""

    code = "admin-refused"
    exit_status = ExitStatus.NO_ACCESS
    title = "{cloud} does not accept this administrator."
    meaning = "It said: {detail}"
    remedy = "Correct the administrator's user and password in this cloud's account."


class AdminForbidden(CloudError):
    """Signed in, but not allowed."""

    code = "admin-forbidden"
    exit_status = ExitStatus.NO_ACCESS
    title = "The administrator may not {action}."
    meaning = "{cloud} says: {detail}"
    remedy = "Use the account of a tenant administrator of the tenant whose profile this is."


class AdminConflict(CloudError):
    """Somebody else changed the same record in between."""

    code = "admin-conflict"
    retryable = True
    title = "Somebody else has just changed {name} in {cloud}."
    meaning = "Nothing of yours was written over it."
    remedy = "Look at what it is now, and try again."


class DeviceAbsent(CloudError):
    """The administrator sees no device of this name."""

    code = "device-absent"
    title = "{cloud} has no device named {name}."
    meaning = "It was deleted or renamed, or it belongs to another tenant."
    remedy = "Look at the name again. If the device is to be there, provision its board anew."
