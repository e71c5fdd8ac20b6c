"""What a simulated ThingsBoard knows and decides, without any I/O: one tenant.

Sessions of all transports and the administrator's calls stand on it. Start with
:class:`ThingsBoardState`. Source: cloud-thingsboard, sections 1, 3, 4; DeviceProvisionServiceImpl.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections import deque
from typing import TYPE_CHECKING, Any

from agent.simulator.thingsboard_credentials import (
    CredentialsType,
    StoredCredentials,
    WrongCredentialsError,
    basic_credentials,
    certificate_credentials,
    find_mqtt_login,
    sha3,
    token_credentials,
    trim_certificate,
)
from agent.simulator.thingsboard_devices import (
    HISTORY,
    NAME_CHARS,
    PROVISION_STATE,
    PROVISIONED,
    Device,
    Event,
    InternalError,
    Profile,
    Refused,
    Strategy,
    TooManyDevicesError,
    random_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from agent.simulator.thingsboard_devices import EndReason, Json, Scope, Session
    from agent.simulator.thingsboard_requests import ProvisionRequest


class ThingsBoardState:
    """Profiles, devices and who is connected; ``now`` gives Unix seconds."""

    def __init__(self, *, now: Callable[[], float], max_devices: int = 0) -> None:
        """``max_devices`` 0: as many as one likes."""
        self._now = now
        self.max_devices = max_devices
        self.profiles: dict[str, Profile] = {}
        """By id."""
        self.devices: dict[str, Device] = {}
        """By name."""
        self.events: deque[Event] = deque(maxlen=HISTORY)
        self.sessions: dict[str, list[Session]] = {}
        """By id of the device."""
        self._answers: dict[int, Callable[[Any], None]] = {}
        self._requests = 0

    # --- profiles and devices ---

    def add_profile(self, profile: Profile) -> Profile:
        """Keep a profile; ``ValueError`` if its name or key is taken."""
        if profile.strategy is Strategy.CHAIN:
            profile.key = sha3(profile.chain_ca)
        for other in self.profiles.values():
            if other is not profile and other.name == profile.name:
                raise ValueError("Device profile with such name already exists!")
            if other is not profile and profile.key and other.key == profile.key:
                raise ValueError("Device profile with such provision device key already exists!")
        self.profiles[profile.id] = profile
        return profile

    def profile_named(self, name: str) -> Profile:
        """The profile of that name; one that does not exist is made without a strategy."""
        for profile in self.profiles.values():
            if profile.name == name:
                return profile
        return self.add_profile(Profile(name))

    def add_device(
        self,
        name: str,
        profile: Profile,
        credentials: StoredCredentials | None = None,
        *,
        gateway: bool = False,
        parent: str = "",
    ) -> Device:
        """A new device, by default with a token that the server makes.

        ``ValueError`` for a name that is empty, too long or taken; :class:`WrongCredentialsError`
        if another device has these credentials; :class:`TooManyDevicesError`.
        """
        # Java counts units of UTF-16.
        length = len(name.encode("utf-16-le", errors="replace")) // 2
        if not name.strip() or length > NAME_CHARS or "\0" in name:
            raise ValueError("Device name should be specified, and have at most 255 characters!")
        if name in self.devices:
            raise ValueError("Device with such name already exists!")
        if self.max_devices and len(self.devices) >= self.max_devices:
            raise TooManyDevicesError
        credentials = credentials or token_credentials(random_text())
        if self._holder(credentials.id) is not None:
            text = "Device credentials are already assigned to another device!"
            raise WrongCredentialsError(text)
        device = Device(name, profile, credentials, self._now(), gateway=gateway, parent=parent)
        self.devices[name] = device
        self.note("ENTITY_CREATED", device)
        return device

    def device_by_id(self, device_id: str) -> Device | None:
        """The device with this id."""
        return next((d for d in self.devices.values() if d.id == device_id), None)

    def replace_credentials(self, device: Device, credentials: StoredCredentials) -> None:
        """New credentials; the old ones stop at once, and so do connections made with them."""
        holder = self._holder(credentials.id)
        if holder is not None and holder is not device:
            text = "Device credentials are already assigned to another device!"
            raise WrongCredentialsError(text)
        device.credentials = credentials
        self.note("CREDENTIALS_UPDATED", device)
        self._end_sessions(device, "credentials")

    def rename(self, device: Device, name: str) -> None:
        """Another name; ``ValueError`` if it is taken."""
        if name in self.devices and self.devices[name] is not device:
            raise ValueError("Device with such name already exists!")
        del self.devices[device.name]
        device.name = name
        self.devices[name] = device

    def delete(self, device: Device) -> None:
        """The device is gone, its name is free, its connections are closed."""
        del self.devices[device.name]
        self.note("ENTITY_DELETED", device)
        self._end_sessions(device, "deleted")

    def note(self, kind: str, device: Device) -> None:
        """Remember an event."""
        self.events.append(Event(kind, device.name, self._now()))

    # --- provisioning ---

    def provision(self, request: ProvisionRequest) -> dict[str, Any]:
        """The reply to a request, a refusal too; :class:`InternalError` where there is none."""
        try:
            credentials = self._provision(request)
        except Refused as refused:
            missing = refused.status == "NOT_FOUND"
            text = "Provision data was not found!" if missing else "Failed to provision device!"
            return {"errorMsg": text, "status": refused.status}
        kind = credentials.kind
        known = {} if credentials.value is None else {"credentialsValue": credentials.value}
        return {**known, "credentialsType": kind.value, "status": "SUCCESS"}

    def _provision(self, request: ProvisionRequest) -> StoredCredentials:
        name = request.name.strip()
        if request.name and not name:
            raise Refused("FAILURE")
        if not (request.key and request.secret):
            raise Refused("NOT_FOUND")
        profile = next((p for p in self.profiles.values() if p.key == request.key), None)
        if profile is None:
            raise Refused("NOT_FOUND")
        if profile.strategy is Strategy.CHAIN:
            raise InternalError("Invalid provision strategy type!")
        right = hmac.compare_digest(profile.secret.reveal().encode(), request.secret.encode())
        if profile.strategy is Strategy.DISABLED or not (profile.secret and right):
            raise Refused("NOT_FOUND")
        device = self.devices.get(name)
        if profile.strategy is Strategy.CREATE:
            return self._create(request, name, profile, device)
        return self._check(profile, device)

    def _create(
        self, request: ProvisionRequest, name: str, profile: Profile, there: Device | None
    ) -> StoredCredentials:
        if there is not None:
            self.note("PROVISION_FAILURE", there)
            raise Refused("FAILURE")
        try:
            credentials = own_credentials(request) if request.brings_credentials else None
            device = self.add_device(
                name or random_text(), profile, credentials, gateway=request.gateway
            )
        except (ValueError, TooManyDevicesError):
            raise Refused("FAILURE") from None
        device.attributes["SERVER_SCOPE"][PROVISION_STATE] = PROVISIONED
        self.note("PROVISION_SUCCESS", device)
        return device.credentials

    def _check(self, profile: Profile, device: Device | None) -> StoredCredentials:
        if device is None or device.profile is not profile:
            raise Refused("FAILURE")
        state = device.attributes["SERVER_SCOPE"]
        if PROVISION_STATE in state:
            if state[PROVISION_STATE] == PROVISIONED:
                self.note("PROVISION_FAILURE", device)
            raise Refused("FAILURE")
        state[PROVISION_STATE] = PROVISIONED
        self.note("PROVISION_SUCCESS", device)
        return device.credentials

    # --- who is it ---

    def by_token(self, token: str) -> Device | None:
        """The device whose access token this is."""
        return self._with(self._holder(token), CredentialsType.ACCESS_TOKEN)

    def by_login(self, client_id: str, username: str, password: str) -> Device | None:
        """The device that an MQTT client without a certificate is."""
        found = find_mqtt_login(self._credentials, client_id, username, password)
        return self._holder(found.id) if found is not None else None

    def by_chain(self, chain: Iterable[bytes]) -> Device | None:
        """The device that a TLS client certificate (DER, the device's own first) makes.

        The first member that is known decides: a device, or a profile that takes what it signed.
        """
        lines = [trim_certificate(base64.b64encode(der).decode()) for der in chain]
        for line in lines:
            holder = self._with(self._holder(sha3(line)), CredentialsType.X509_CERTIFICATE)
            if holder is not None:
                return holder
            for profile in self.profiles.values():
                if profile.strategy is Strategy.CHAIN and profile.key == sha3(line):
                    return self._by_authority(profile, lines[0])
        return None

    def by_certificate(self, der: bytes) -> Device | None:
        """The device that holds exactly this certificate (DER)."""
        line = base64.b64encode(der).decode()
        return self._with(self._holder(sha3(line)), CredentialsType.X509_CERTIFICATE)

    def _by_authority(self, profile: Profile, leaf: str) -> Device | None:
        from agent.simulator.thingsboard_tls import common_name

        found = re.search(profile.name_pattern, common_name(base64.b64decode(leaf)))
        if found is None or not found.groups():
            return None
        name = found.group(1)
        device = self.devices.get(name)
        credentials = certificate_credentials(leaf)
        if device is not None and device.profile is profile:
            if device.credentials.kind is CredentialsType.X509_CERTIFICATE:
                self.replace_credentials(device, credentials)
            return device
        if not profile.allow_new or device is not None:
            return None
        device = self.add_device(name, profile, credentials)
        device.attributes["SERVER_SCOPE"][PROVISION_STATE] = PROVISIONED
        self.note("PROVISION_SUCCESS", device)
        return device

    def _credentials(self, key: str) -> StoredCredentials | None:
        holder = self._holder(key)
        return holder.credentials if holder is not None else None

    def _holder(self, key: str) -> Device | None:
        return next((d for d in self.devices.values() if d.credentials.id == key), None)

    @staticmethod
    def _with(device: Device | None, kind: CredentialsType) -> Device | None:
        return device if device is not None and device.credentials.kind is kind else None

    # --- what devices say and are told ---

    def seen(self, device: Device) -> None:
        """The device proved itself just now; the server shows that as attributes."""
        device.last_seen = self._now()
        moment = int(device.last_seen * 1000)
        device.attributes["SERVER_SCOPE"].update(active=True, lastActivityTime=moment)

    def connect(self, device: Device, session: Session) -> None:
        """A session of this device begins; the server allows one, so an earlier one ends."""
        for earlier in list(self.sessions.get(device.id, [])):
            earlier.end(device, "taken over")
        self.sessions.setdefault(device.id, []).append(session)
        self.seen(device)
        self.note("CONNECT", device)

    def disconnect(self, device: Device, session: Session) -> None:
        """It is over."""
        here = self.sessions.get(device.id, [])
        if session in here:
            here.remove(session)
            self.note("DISCONNECT", device)

    def set_shared(self, device: Device, changed: dict[str, Any]) -> None:
        """Shared attributes get new values; the device is told."""
        device.attributes["SHARED_SCOPE"].update(changed)
        for session in list(self.sessions.get(device.id, [])):
            session.attributes_changed(device, changed)

    def delete_attributes(self, device: Device, scope: Scope, names: Sequence[str]) -> None:
        """Attributes are gone; of shared ones the device is told."""
        for name in names:
            device.attributes[scope].pop(name, None)
        self.note("ATTRIBUTES_DELETED", device)
        if scope == "SHARED_SCOPE":
            for session in list(self.sessions.get(device.id, [])):
                session.attributes_deleted(device, names)

    def call(self, device: Device, method: str, params: Json, answer: Callable[[Any], None]) -> int:
        """Ask a device (RPC); ``answer`` gets what it says. Returns the number; 0: nobody there."""
        number = self._requests + 1
        self._answers[number] = answer
        for session in list(self.sessions.get(device.id, [])):
            if session.call(device, number, method, params):
                self._requests = number
                return number
        del self._answers[number]
        return 0

    def answered(self, request: int, data: Json) -> None:
        """A device answered; an answer that nobody waits for is dropped."""
        answer = self._answers.pop(request, None)
        if answer is not None:
            answer(data)

    def forget_call(self, request: int) -> None:
        """Nobody waits for this answer any more."""
        self._answers.pop(request, None)

    def _end_sessions(self, device: Device, reason: EndReason) -> None:
        for session in list(self.sessions.get(device.id, [])):
            session.end(device, reason)


def own_credentials(request: ProvisionRequest) -> StoredCredentials:
    """What a request brings; :class:`WrongCredentialsError`, which is a ``ValueError``."""
    match request.kind:
        case CredentialsType.ACCESS_TOKEN:
            return token_credentials(request.token)
        case CredentialsType.MQTT_BASIC:
            return basic_credentials(request.basic)
        case CredentialsType.X509_CERTIFICATE:
            return certificate_credentials(request.certificate)
        case CredentialsType.LWM2M_CREDENTIALS:
            raise WrongCredentialsError("Invalid credentials body for LwM2M credentials!")
