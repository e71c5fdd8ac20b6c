"""Errors: codes that stay, three sentences each, facts that fill them, no way to lose one."""

from __future__ import annotations

import string

import msgspec
import pytest

from agent import errors
from agent.errors import ErrorReport, ExitStatus, MooringError, ReportedError

CODES = {
    "tool-archive": "ToolRefused",
    "tool-index": "ToolIndexRefused",
    "tool-store": "ToolStoreFailed",
    "tool-system": "ToolNotForSystem",
    "tool-unknown": "ToolUnknown",
    "upload-refused": "UploadRefused",
    "upload-signature": "UploadUnsigned",
    "admin-conflict": "AdminConflict",
    "admin-forbidden": "AdminForbidden",
    "admin-missing": "AdminMissing",
    "admin-refused": "AdminRefused",
    "device-absent": "DeviceAbsent",
    "enrol": "EnrolError",
    "enrol-board-offline": "BoardOffline",
    "enrol-board-refused": "BoardRefused",
    "enrol-credentials-lost": "CredentialsLost",
    "enrol-kept": "CredentialsKept",
    "enrol-key": "ProfileKeyUnknown",
    "enrol-limit": "EnrolLimit",
    "enrol-name-taken": "EnrolNameTaken",
    "enrol-not-connected": "NotConnected",
    "enrol-not-prepared": "EnrolNotPrepared",
    "enrol-not-understood": "EnrolNotUnderstood",
    "enrol-refused": "EnrolRefused",
    "enrol-unkept": "CredentialsUnkept",
    "enrol-unsure": "CredentialsUnsure",
    "enrol-unusable": "EnrolUnusable",
    "enrol-used-up": "EnrolUsedUp",
    "batch-running": "BatchRunning",
    "batch-twice": "BatchTwice",
    "batch-unsure": "BatchUnsure",
    "manifest": "ManifestWrong",
    "agent-gone": "AgentGone",
    "agent-silent": "AgentSilent",
    "ask-busy": "AskBusy",
    "ask-expired": "AskExpired",
    "ask-gone": "AskGone",
    "autostart-failed": "AutostartFailed",
    "bad-message": "BadMessage",
    "ble": "BluetoothError",
    "ble-absent": "BluetoothAbsent",
    "ble-failed": "BluetoothFailed",
    "ble-forbidden": "BluetoothForbidden",
    "ble-lost": "BleLost",
    "ble-never": "BluetoothNever",
    "ble-no-service": "BleServiceMissing",
    "ble-not-heard": "BleNotHeard",
    "ble-off": "BluetoothOff",
    "ble-refused": "BleRefused",
    "ble-stopped": "BluetoothStopped",
    "ble-unreachable": "BleUnreachable",
    "blynk": "BlynkError",
    "blynk-no-platform": "BlynkNoPlatform",
    "blynk-forbidden": "BlynkForbidden",
    "blynk-refused": "BlynkRefused",
    "blynk-not-there": "BlynkNotThere",
    "blynk-offline": "BlynkOffline",
    "blynk-token-unknown": "BlynkTokenUnknown",
    "blynk-token-lost": "BlynkTokenLost",
    "blynk-template": "BlynkTemplate",
    "blynk-region": "BlynkRegion",
    "blynk-claimed": "BlynkClaimed",
    "blynk-board-failed": "BlynkBoardFailed",
    "blynk-kept": "BlynkKept",
    "blynk-unkept": "BlynkUnkept",
    "blynk-not-arrived": "BlynkNotArrived",
    "board": "BoardError",
    "board-ambiguous": "AmbiguousBoard",
    "board-answer-missing": "AnswerMissing",
    "board-authorisation": "AuthorisationNeeded",
    "board-busy": "BoardBusy",
    "board-command-refused": "CommandRefused",
    "board-improv-silent": "ImprovSilent",
    "board-in-run": "NotProvisioned",
    "board-no-list": "NoNetworkList",
    "board-not-heard": "BoardNotHeard",
    "board-not-supported": "NotSupported",
    "board-old-firmware": "OldFirmware",
    "board-other": "OtherBoard",
    "board-other-air": "OtherInTheAir",
    "board-silent": "BoardSilent",
    "board-sketch-halted": "SketchHalted",
    "board-status": "StatusReported",
    "board-stuck": "ReceiverStuck",
    "board-unknown": "UnknownBoard",
    "board-wrong-sketch": "WrongSketch",
    "bridge": "BridgeError",
    "captive-portal": "CaptivePortal",
    "certificate-unknown": "CertificateUnknown",
    "certificates-unreadable": "CertificatesUnreadable",
    "clock-off": "ClockOff",
    "cloud": "CloudError",
    "cloud-answer": "CloudAnswer",
    "cloud-certificate-refused": "CertificateRefused",
    "cloud-claim-open": "ClaimOpen",
    "cloud-claim-refused": "ClaimRefused",
    "cloud-claim-undone": "ClaimUndone",
    "cloud-device-left": "DeviceLeft",
    "cloud-device-refused": "DeviceRefused",
    "cloud-fault": "ServiceFault",
    "cloud-key-mismatch": "KeyMismatch",
    "cloud-not-authorised": "NotAuthorised",
    "cloud-not-online": "NotOnline",
    "cloud-not-signed-in": "NotSignedIn",
    "cloud-online-anyway": "OnlineAnyway",
    "cloud-quota": "QuotaReached",
    "cloud-unreachable": "Unreachable",
    "delivery-digest": "DigestDiffers",
    "delivery-drive": "DriveInTheWay",
    "delivery-failed": "DeliveryFailed",
    "delivery-none": "BoardHasNoDelivery",
    "delivery-not-taken": "SettingNotTaken",
    "delivery-nvs": "NvsRefused",
    "delivery-nvs-interrupted": "NvsInterrupted",
    "delivery-other": "OtherDelivery",
    "delivery-too-long": "SettingsTooLong",
    "delivery-unproven": "DeliveryUnproven",
    "disk-full": "DiskFull",
    "error": "MooringError",
    "flash": "FlashError",
    "flash-access": "LoaderRefused",
    "flash-chip": "OtherChip",
    "flash-confirm": "SketchInTheWay",
    "flash-failed": "FlashFailed",
    "flash-image": "ImageRefused",
    "flash-no-bootloader": "NoBootloader",
    "flash-sketch-gone": "SketchGone",
    "flash-stopped": "FlashStopped",
    "flash-tool": "ToolMissing",
    "flash-verify": "VerifyFailed",
    "folder": "FolderFailed",
    "setting-refused": "SettingRefused",
    "settings-broken": "SettingsBroken",
    "settings-failed": "SettingsFailed",
    "gateway": "GatewayError",
    "gateway-account": "GatewayAccountMissing",
    "gateway-certificate": "GatewayCertificateEnds",
    "gateway-damaged": "GatewayFileDamaged",
    "gateway-file": "GatewayFileFailed",
    "gateway-refused": "GatewayRefused",
    "gateway-settings": "GatewayUnset",
    "gateway-taken-over": "GatewayTakenOver",
    "gateway-unknown": "GatewayUnknown",
    "input": "InputError",
    "internal": "InternalError",
    "interrupted": "Interrupted",
    "job-not-asking": "JobNotAsking",
    "job-unknown": "UnknownJob",
    "journal": "JournalFailed",
    "method-unknown": "UnknownMethod",
    "name-unknown": "NameUnknown",
    "needs-cable": "NeedsCable",
    "network": "NetworkError",
    "network-join": "JoinFailed",
    "network-module": "NetworkModuleFailed",
    "network-no-internet": "NoInternet",
    "network-not-found": "NetworkNotFound",
    "no-free-port": "NoFreePort",
    "not-allowed": "NotAllowed",
    "not-kept": "NotKept",
    "origin-refused": "OriginRefused",
    "origin-silenced": "OriginSilenced",
    "origins-broken": "OriginsBroken",
    "origins-full": "OriginsFull",
    "origins-unsaved": "OriginsUnsaved",
    "other-user": "OtherUser",
    "paused": "Paused",
    "port": "PortError",
    "port-busy": "PortBusy",
    "port-busy-other-link": "OtherLinkBusy",
    "port-failed": "PortFailed",
    "port-gone": "PortGone",
    "port-none": "NoSerialPort",
    "port-permission": "NoPermission",
    "proxy-account": "ProxyAccount",
    "proxy-refused": "ProxyRefused",
    "proxy-unreachable": "ProxyUnreachable",
    "proxy-unusable": "ProxyUnusable",
    "rate-exceeded": "RateExceeded",
    "reported": "ReportedError",
    "scope-refused": "ScopeRefused",
    "sketch-damaged": "SketchDamaged",
    "sketch-index": "IndexRefused",
    "sketch-none": "NoSketch",
    "sketch-store": "StoreFailed",
    "sketch-unknown": "SketchUnknown",
    "slow-reader": "SlowReader",
    "token-refused": "TokenRefused",
    "vault": "VaultFailed",
    "vault-damaged": "VaultDamaged",
    "vault-full": "VaultFull",
    "vault-other-board": "EntryOfOther",
    "vault-sealed": "VaultSealed",
    "vault-stale": "EntryStale",
    "remove-unfinished": "RemovalLeft",
    "vault-unknown": "VaultUnknown",
    "vault-unreadable": "VaultUnreadable",
    "ap-limit": "ApLimit",
    "ap-lost": "ApLost",
    "ap-not-heard": "ApNotHeard",
    "ap-secured": "ApSecured",
    "ap-silent": "ApSilent",
    "ap-unjoined": "ApUnjoined",
    "wifi": "WifiError",
    "wifi-absent": "WifiAbsent",
    "wifi-failed": "WifiFailed",
    "wifi-forbidden": "WifiForbidden",
    "wifi-joining": "WifiJoining",
    "wifi-never": "WifiNever",
    "wifi-not-back": "WifiNotBack",
    "wifi-off": "WifiOff",
    "wifi-stopped": "WifiStopped",
    "wifi-unremembered": "WifiUnremembered",
    "nrf-cloud": "NrfCloudError",
    "nrf-cloud-ambiguous": "NrfDeviceAmbiguous",
    "nrf-cloud-blocked": "NrfCommandsBlocked",
    "nrf-cloud-chip": "NrfChipUnknown",
    "nrf-cloud-claim": "NrfClaimRefused",
    "nrf-cloud-claim-unsure": "NrfClaimUnsure",
    "nrf-cloud-command": "NrfCommandRefused",
    "nrf-cloud-command-failed": "NrfCommandFailed",
    "nrf-cloud-command-gone": "NrfCommandGone",
    "nrf-cloud-command-stays": "NrfCommandStays",
    "nrf-cloud-command-unsure": "NrfCommandUnsure",
    "nrf-cloud-command-waiting": "NrfCommandWaiting",
    "nrf-cloud-device": "NrfDeviceUnknown",
    "nrf-cloud-file-unsure": "NrfFileUnsure",
    "nrf-cloud-key": "NrfKeyRefused",
    "nrf-cloud-not-claimed": "NrfUnclaimed",
    "nrf-cloud-not-onboarded": "NrfNotOnboarded",
    "nrf-cloud-nothing-queued": "NrfNothingQueued",
    "nrf-cloud-owned": "NrfOwnedElsewhere",
    "nrf-cloud-queue-full": "NrfQueueFull",
    "nrf-cloud-record": "NrfRecordAbsent",
    "nrf-cloud-role": "NrfRoleTooLow",
    "nrf-cloud-token": "NrfTokenRefused",
    "nrf-credential-differs": "NrfCredentialDiffers",
    "nrf-credential-exists": "NrfCredentialExists",
    "nrf-key": "NrfKeyDamaged",
    "nrf-modem-off": "NrfModemOff",
    "nrf-claimed-other": "NrfClaimedOther",
    "nrf-no-attestation": "NrfNoAttestation",
    "nrf-not-claimed": "NrfNotClaimed",
    "nrf-not-triggered": "NrfNotTriggered",
    "nrf-provisioning": "NrfProvisioningFailed",
    "nrf-provisioning-silent": "NrfProvisioningSilent",
    "nrf-refused": "NrfRefused",
    "nrf-silent": "NrfSilent",
    "nrf-token": "NrfTokenDamaged",
    "nrf-token-input": "NrfTokenInput",
    "nrf-token-other": "NrfTokenOfOther",
    "nrf-token-stale": "NrfTokenStale",
    "nrf-unanswered": "NrfUnanswered",
    "nrf-unfinished": "NrfUnfinished",
}
"""Codes are quoted by people, scripts and support: an entry is added, never changed."""

GROUPS = {
    "ble",
    "blynk",
    "board",
    "bridge",
    "cloud",
    "enrol",
    "error",
    "flash",
    "network",
    "nrf-cloud",
    "port",
    "reported",
    "wifi",
    "gateway",
}
"""Classes that order the others and are not raised themselves."""


def classes(root: type[MooringError] = MooringError) -> list[type[MooringError]]:
    return [root, *(each for child in root.__subclasses__() for each in classes(child))]


def ours() -> list[type[MooringError]]:
    return [kind for kind in classes() if kind.__module__.startswith("agent.errors.")]


LEAVES = [kind for kind in ours() if kind.code not in GROUPS]


def placeholders(kind: type[MooringError]) -> set[str]:
    texts = (kind.title, kind.meaning, kind.remedy)
    return {name for text in texts for _, name, _, _ in string.Formatter().parse(text) if name}


def test_each_error_is_imported_from_one_place():
    assert all(getattr(errors, kind.__name__) is kind for kind in ours())
    assert len(errors.__all__) == len(set(errors.__all__))


def test_each_code_belongs_to_one_class_and_never_changes():
    assert {kind.code: kind.__name__ for kind in ours()} == CODES
    assert len(ours()) == len(CODES)


@pytest.mark.parametrize("kind", LEAVES, ids=lambda kind: kind.code)
def test_an_error_says_what_happened_what_it_means_and_what_to_do(kind):
    facts = {name: f"<{name}>" for name in placeholders(kind)}
    report = kind(**facts).report()
    for sentence in (report.title, report.meaning, report.remedy):
        assert sentence.strip()
        # A sentence that is one fact ends as that fact does.
        assert sentence[-1] in ".!?>" or sentence.endswith(("{id}", "{origin}"))
    for name, value in facts.items():
        assert value in report.title + report.meaning + report.remedy, name


@pytest.mark.parametrize("kind", LEAVES, ids=lambda kind: kind.code)
def test_a_missing_fact_shows_as_a_question_mark_and_breaks_nothing(kind):
    report = kind().report()
    assert "{" not in report.title + report.meaning + report.remedy
    assert str(kind()) == report.title


@pytest.mark.parametrize("kind", ours(), ids=lambda kind: kind.code)
def test_an_error_knows_its_exit_status_and_whether_a_retry_helps(kind):
    assert isinstance(kind.exit_status, ExitStatus)
    assert kind.exit_status != ExitStatus.DONE
    assert isinstance(kind.retryable, bool)


def test_braces_in_a_fact_are_not_filled_again():
    report = errors.PortGone(port="{holder} {0}").report()
    assert "{holder} {0}" in report.title


def test_a_report_travels_as_json_and_comes_back():
    report = errors.PortBusy(port="COM3", holder="job 7").report()
    assert msgspec.json.decode(msgspec.json.encode(report), type=ErrorReport) == report


def test_a_reported_error_shows_the_report_as_it_arrived():
    report = errors.NoInternet(network="Home").report()
    again = ReportedError(report)
    assert again.report() == report
    assert str(again) == report.title
    assert again.facts == {"network": "Home"}


def test_the_exit_statuses_are_those_of_the_contract():
    assert {status.name: status.value for status in ExitStatus} == {
        "DONE": 0,
        "FAILED": 1,
        "USAGE": 2,
        "NO_BOARD": 3,
        "NO_ACCESS": 4,
        "INTERRUPTED": 130,
    }


@pytest.mark.parametrize(
    ("first", "last", "title"),
    [
        (9301, 9301, "Port 9301 is in use on this computer."),
        (8991, 8999, "The ports 8991 to 8999 are all in use on this computer."),
    ],
)
def test_a_range_of_one_port_is_named_as_one(first, last, title):
    error = errors.NoFreePort(first=first, last=last, held="")
    assert error.report().title == title
