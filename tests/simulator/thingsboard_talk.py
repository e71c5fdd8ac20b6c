"""What tests of the simulated ThingsBoard say to it: requests, certificates, an MQTT client."""

from __future__ import annotations

import base64
import datetime as dt
import json
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from agent.protocols.mqtt import (
    V311,
    ConnAck,
    Connect,
    PacketDecoder,
    Publish,
    SubAck,
    Subscribe,
    encode,
)
from agent.settings import Secret
from agent.simulator.thingsboard_devices import Profile, Strategy
from agent.simulator.thingsboard_faults import Faults, Record
from agent.simulator.thingsboard_limits import SessionLimits
from agent.simulator.thingsboard_session import MqttSession, Surroundings
from agent.simulator.thingsboard_state import ThingsBoardState

if TYPE_CHECKING:
    from agent.protocols.mqtt import Packet

NOW = 1_790_000_000.0
KEY, SECRET = "pk-demo", "ps-demo"
CHECK_KEY = "pk-check"


class Clock:
    """Unix seconds that a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def make_state(clock: Clock | None = None, **options: Any) -> ThingsBoardState:
    """A server with a profile for each strategy, all with the same secret."""
    state = ThingsBoardState(now=clock or Clock(), **options)
    state.add_profile(Profile("create", Strategy.CREATE, KEY, Secret(SECRET)))
    state.add_profile(Profile("check", Strategy.CHECK, CHECK_KEY, Secret(SECRET)))
    state.add_profile(Profile("off", Strategy.DISABLED, "pk-off", Secret(SECRET)))
    return state


def request(name: str | None = "bench-07", /, key: str = KEY, **more: Any) -> dict[str, Any]:
    """A provision request; without a name if it is None."""
    named = {} if name is None else {"deviceName": name}
    return {**named, "provisionDeviceKey": key, "provisionDeviceSecret": SECRET, **more}


def make_certificate(
    name: str,
    *,
    days: float = 365,
    now: float = NOW,
    signer: tuple[str, str] | None = None,
    authority: bool = False,
) -> tuple[str, str]:
    """Certificate and key, PEM; self-signed unless a signer's pair is given."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    signing = key
    if signer is not None:
        issuer = x509.load_pem_x509_certificate(signer[0].encode()).subject
        loaded = serialization.load_pem_private_key(signer[1].encode(), None)
        assert isinstance(loaded, ec.EllipticCurvePrivateKey)
        signing = loaded
    moment = dt.datetime.fromtimestamp(now, dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - dt.timedelta(days=400))
        .not_valid_after(moment + dt.timedelta(days=days))
    )
    if authority:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
    certificate = builder.sign(signing, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), private.decode()


def der(pem: str) -> bytes:
    """The bytes of a certificate."""
    return base64.b64decode("".join(pem.splitlines()[1:-1]))


class Desk:
    """An MQTT session of the server with a client at its other end, without any I/O."""

    def __init__(
        self,
        state: ThingsBoardState,
        clock: Clock | None = None,
        *,
        version: int = V311,
        chain: tuple[bytes, ...] = (),
        limits: SessionLimits | None = None,
        faults: Faults | None = None,
    ) -> None:
        self.clock = clock or Clock()
        self.version = version
        self.around = Surroundings(
            state, self.clock, faults or Faults(), Record(), limits or SessionLimits()
        )
        self.woken = 0
        self.session = MqttSession(self.around, chain=chain, wake=self._wake)
        self._decoder = PacketDecoder(version)

    def _wake(self) -> None:
        self.woken += 1

    def say(self, *packets: Packet) -> list[Packet]:
        """Send packets; what comes back."""
        for packet in packets:
            self.session.feed(encode(packet, self.version))
        return self.heard()

    def heard(self) -> list[Packet]:
        """What the server has sent meanwhile."""
        found = self._decoder.feed(self.session.take())
        assert not any(type(each).__name__ == "Malformed" for each in found)
        return found  # type: ignore[return-value]  # none is Malformed, see above

    def connect(self, username: str | None = None, **more: Any) -> int:
        """The code of the answer to CONNECT."""
        said = self.say(Connect(username=username, version=self.version, **more))
        assert isinstance(said[0], ConnAck)
        return said[0].code

    def subscribe(self, *names: str, qos: int = 1) -> tuple[int, ...]:
        """The codes of the answer to SUBSCRIBE."""
        (said,) = self.say(Subscribe(packet_id=1, filters=tuple((name, qos) for name in names)))
        assert isinstance(said, SubAck)
        return said.codes

    def publish(self, topic: str, value: Any, *, qos: int = 1) -> list[Packet]:
        """Send a message: bytes as they are, all else as JSON."""
        payload = value if isinstance(value, bytes) else json.dumps(value).encode()
        packet_id = 7 if qos else 0
        return self.say(Publish(topic=topic, payload=payload, qos=qos, packet_id=packet_id))

    @property
    def closed(self) -> bool:
        """Whether the server ends the connection."""
        return self.session.closing


def messages(packets: list[Packet]) -> list[tuple[str, Any]]:
    """Topic and JSON of the messages among packets."""
    return [(p.topic, json.loads(p.payload)) for p in packets if isinstance(p, Publish)]
