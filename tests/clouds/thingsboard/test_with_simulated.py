"""Our client and the simulated server, written apart: each kind, refusal and fault over each way.

The rows are those of the sections 3 to 6 of what is known of ThingsBoard.
"""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from agent.clouds.clock import SystemClock
from agent.clouds.enrolment import EnrolRequest
from agent.clouds.http import CloudHttp, Limits
from agent.clouds.thingsboard.addresses import parse_server
from agent.clouds.thingsboard.certificates import make_certificate
from agent.clouds.thingsboard.cloud import ThingsBoard
from agent.clouds.thingsboard.over_coap import CoapCarrier
from agent.clouds.thingsboard.over_http import LIMITS, HttpCarrier
from agent.clouds.thingsboard.over_mqtt import MqttCarrier
from agent.clouds.thingsboard.proof import prove
from agent.errors import CertificateUnknown, ClockOff, EnrolNotUnderstood
from agent.protocols.thingsboard.names import name_problem
from agent.protocols.thingsboard.provisioning import NotAsked, NotUnderstood, Overloaded
from agent.protocols.thingsboard.replies import Issued, Refused, StoredCertificate
from agent.protocols.thingsboard.requests import ProvisionRequest
from agent.settings import Secret
from agent.settings.credentials import (
    AccessToken,
    Certificate,
    CloudSettings,
    Credentials,
    MqttBasic,
)
from agent.simulator.thingsboard import SimulatedThingsBoard
from agent.simulator.thingsboard_credentials import token_credentials
from agent.simulator.thingsboard_devices import PROVISION_STATE, Profile, Strategy
from agent.simulator.thingsboard_faults import Fault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agent.clouds.accounts import AccountStore
    from agent.clouds.enrolment import CredentialsKind
    from agent.clouds.route import Routes
    from agent.clouds.thingsboard.carrier import Asked, Carrier
    from agent.protocols.thingsboard.provisioning import Outcome
    from tests.clouds.manual_clock import ManualClock

NOW = datetime.datetime.now(datetime.UTC)
SHORT_S = 0.2
"""How long silence is listened to where it is what a test is about."""
KINDS: tuple[CredentialsKind, ...] = ("access_token", "mqtt_basic", "certificate")
OWN: dict[str, Credentials | None] = {
    "the server's": None,
    "token": AccessToken(token=Secret("own-token")),
    "user": MqttBasic(username="u1"),
    "user and password": MqttBasic(username="u2", password=Secret("p2")),
    "client": MqttBasic(client_id="c3"),
    "client and user": MqttBasic(client_id="c4", username="u4"),
    "all three": MqttBasic(client_id="c5", username="u5", password=Secret("p5")),
    "certificate": make_certificate("certificate", NOW),
}


class Way:
    """A server, and one way to it."""

    def __init__(
        self, server: SimulatedThingsBoard, routes: Routes, clock: ManualClock, scheme: str
    ) -> None:
        self.server = server
        self.scheme = scheme
        self._routes = routes.trusting(server.ca)
        self._clock = clock
        self._opened: list[CloudHttp] = []
        self._usual = self.carrier()

    def carrier(self, limit_s: float | None = None, **more: float) -> Carrier:
        address = parse_server("server", self.server.addresses[self.scheme])
        limit: dict[str, Any] = {} if limit_s is None else {"answer_limit_s": limit_s}
        if self.scheme in {"coap", "coaps"}:
            return CoapCarrier(address, self._routes, title="TB", **limit, **more)
        if self.scheme in {"mqtt", "mqtts"}:
            return MqttCarrier(address, self._routes, title="TB", **limit)
        limits = LIMITS if limit_s is None else Limits(answer_s=limit_s, body=LIMITS.body)
        http = CloudHttp(
            title="TB", base_url=address.url, clock=self._clock, limits=limits, routes=self._routes
        )
        self._opened.append(http)
        return HttpCarrier(http)

    async def close(self) -> None:
        for http in self._opened:
            await http.close()

    async def asked(
        self,
        name: str = "n",
        own: Credentials | None = None,
        *,
        profile: Profile | None = None,
        key: str | None = None,
        secret: str | None = None,
        carrier: Carrier | None = None,
    ) -> Asked:
        profile = profile or self.server.create
        wish = ProvisionRequest(
            name=name,
            key=Secret(profile.key if key is None else key),
            secret=profile.secret if secret is None else Secret(secret),
            own=own,
        )
        return await (carrier or self._usual).ask(wish)

    async def ask(self, *said: Any, **more: Any) -> Outcome:
        return (await self.asked(*said, **more)).outcome

    async def proven(self, credentials: Credentials, scheme: Any = "mqtts") -> bool | None:
        settings = CloudSettings(
            cloud="thingsboard",
            name="n",
            host="127.0.0.1",
            port=self.server.ports[scheme],
            scheme=scheme,
            credentials=credentials,
            ca=self.server.ca if scheme in {"mqtts", "coaps"} else "",
        )
        return await prove(settings, self._routes, title="TB", clock=self._clock)


@pytest.fixture
async def server() -> AsyncIterator[SimulatedThingsBoard]:
    async with SimulatedThingsBoard() as running:
        yield running


@pytest.fixture(params=["http", "https", "mqtt", "mqtts", "coap", "coaps"])
async def way(
    request: pytest.FixtureRequest,
    server: SimulatedThingsBoard,
    routes: Routes,
    clock: ManualClock,
) -> AsyncIterator[Way]:
    way = Way(server, routes, clock, request.param)
    yield way
    await way.close()


async def test_whatever_is_issued_connects_over_mqtt_and_nothing_else_does(way: Way) -> None:
    for name, own in OWN.items():
        outcome = await way.ask(name, own)
        assert isinstance(outcome, Issued), name
        issued: Credentials
        if isinstance(outcome.credentials, StoredCertificate):
            assert isinstance(own, Certificate)
            assert outcome.credentials.is_of(own.certificate)
            issued = own
        else:
            issued = outcome.credentials
        assert own in {None, issued}, name
        assert await way.proven(issued), name
        assert way.server.state.devices[name].last_seen is not None
    for stranger in (
        AccessToken(token=Secret("nobody's")),
        MqttBasic(username="u2", password=Secret("wrong")),
        MqttBasic(client_id="other", username="u5", password=Secret("p5")),
        make_certificate("certificate", NOW),
    ):
        assert not await way.proven(stranger)


@pytest.mark.parametrize("way", ["coaps"], indirect=True)
async def test_over_coaps_tokens_and_certificates_prove_themselves(way: Way) -> None:
    for name in ("token", "certificate", "all three"):
        own = OWN[name]
        assert isinstance(await way.ask(name, own), Issued)
        assert own is not None
        assert await way.proven(own, "coaps") is (name != "all three")  # MQTT's alone
    for stranger in (AccessToken(token=Secret("x")), make_certificate("certificate", NOW)):
        assert await way.proven(stranger, "coaps") is False
    old = make_certificate("certificate", NOW - datetime.timedelta(days=400))
    assert isinstance(await way.ask("old", old), Issued)
    assert await way.proven(old, "coaps") is False


async def test_not_found_is_told_for_a_wrong_key_a_wrong_secret_and_a_profile_that_is_off(
    way: Way,
) -> None:
    state = way.server.state
    off = state.add_profile(Profile("off", Strategy.DISABLED, "pk-off", Secret("ps-off")))
    wrong: list[dict[str, Any]] = [
        {"key": "wrong"},
        {"secret": "wrong"},
        {"key": ""},
        {"secret": ""},
        {"profile": off},
        # Of another profile: the pair must be one.
        {"secret": way.server.check.secret.reveal()},
    ]
    for change in wrong:
        outcome = await way.ask(**change)
        assert isinstance(outcome, Refused), change
        assert outcome.status == "NOT_FOUND", change
        assert outcome.message == "Provision data was not found!"
    assert not state.devices


async def test_failure_is_told_for_a_name_and_for_credentials_that_cannot_be(way: Way) -> None:
    server = way.server
    server.prepare("taken elsewhere")
    server.state.add_device("holder", server.create, token_credentials("held"))
    server.prepare("used").attributes["SERVER_SCOPE"][PROVISION_STATE] = "provisioned"
    server.prepare("odd").attributes["SERVER_SCOPE"][PROVISION_STATE] = "other"
    held = AccessToken(token=Secret("held"))
    refused: list[tuple[str, dict[str, Any]]] = [
        ("taken elsewhere", {}),
        ("holder", {}),
        (" holder ", {}),
        ("   ", {}),
        ("n" * 300, {}),
        ("new", {"own": held}),
        ("new", {"own": MqttBasic(password=Secret("alone"))}),
        ("used", {"profile": server.check}),
        ("odd", {"profile": server.check}),
        ("not prepared", {"profile": server.check}),
        ("holder", {"profile": server.check}),
    ]
    for name, change in refused:
        outcome = await way.ask(name, **change)
        assert isinstance(outcome, Refused), name
        assert outcome.status == "FAILURE", name
    server.state.max_devices = len(server.state.devices)
    outcome = await way.ask("one too many")
    assert isinstance(outcome, Refused)
    assert outcome.status == "FAILURE"


async def test_names_of_all_letters_arrive_as_they_are(way: Way) -> None:
    names = ["Bänk 7", "桌子/a?b&c=%20", '"\\', "\U0001f642" * 127, "x" * 255]
    for name in names:
        assert name_problem(name) is None
        assert isinstance(await way.ask(name), Issued), name
    assert list(way.server.state.devices) == names
    too_long = "\U0001f642" * 128  # in units of UTF-16, which both count
    assert name_problem(too_long) is not None
    assert isinstance(await way.ask(too_long), Refused)


async def test_a_prepared_device_gets_what_is_stored_once_and_again_without_its_mark(
    way: Way,
) -> None:
    device = way.server.prepare("bench")
    stored = AccessToken(token=Secret(device.credentials.id))
    for own in (OWN["token"], OWN["all three"], OWN["certificate"], None):
        assert await way.ask("bench", own, profile=way.server.check) == Issued(stored)
        again = await way.ask("bench", own, profile=way.server.check)
        assert isinstance(again, Refused)
        way.server.state.delete_attributes(device, "SERVER_SCOPE", [PROVISION_STATE])


async def test_a_profile_of_an_authority_is_no_decision(way: Way) -> None:
    pem = make_certificate("authority", NOW).certificate
    chain = way.server.state.add_profile(Profile("chain", Strategy.CHAIN, chain_ca=pem))
    outcome = await way.ask(profile=chain, secret="any")
    assert isinstance(outcome, NotUnderstood)
    assert outcome.maybe_done  # the same is said where it was done


async def test_a_core_that_is_not_there_leaves_it_open(way: Way) -> None:
    for status in (500, 503):
        way.server.faults.add(Fault("status", status=status, text=""))
        outcome = await way.ask()
        assert isinstance(outcome, NotUnderstood)
        assert outcome.maybe_done


async def test_too_many_and_too_large_did_nothing(way: Way) -> None:
    for status, expected in ((429, Overloaded), (413, NotUnderstood)):
        way.server.faults.add(Fault("status", status=status, text=""))
        outcome = await way.ask()
        if way.scheme in {"mqtt", "mqtts"}:  # which has no words for it
            assert isinstance(outcome, NotUnderstood)
        else:
            assert isinstance(outcome, expected)
            assert not getattr(outcome, "maybe_done", False)


# Not over https: a handshake under a short limit would tell how busy this computer is.
@pytest.mark.parametrize("way", ["http", "mqtt", "mqtts", "coap"], indirect=True)
async def test_silence_costs_the_limit_and_leaves_it_open(way: Way) -> None:
    way.server.faults.add(Fault("hang"))
    outcome = await way.ask(carrier=way.carrier(SHORT_S))
    assert isinstance(outcome, NotUnderstood)
    assert outcome.maybe_done
    assert not way.server.state.devices


@pytest.mark.parametrize(("act", "there"), [("close", False), ("lose", True)])
async def test_an_end_without_an_answer_leaves_it_open(way: Way, act: Any, there: bool) -> None:
    way.server.faults.add(Fault(act))
    # Over UDP there is no end.
    over_udp = way.scheme in {"coap", "coaps"}
    outcome = await way.ask(carrier=way.carrier(1.0) if over_udp else None)
    assert isinstance(outcome, NotUnderstood)
    assert outcome.maybe_done
    assert ("n" in way.server.state.devices) is there


async def test_a_yes_that_cannot_be_read_is_open_too(way: Way) -> None:
    # The last is the protobuf form of a success.
    texts = ("", "{", "[]", "null", "7", '{"status":"OK"}', "\x08\x01\x10\x00\x1a\x01t")
    for number, text in enumerate(texts):
        way.server.faults.add(Fault("text", text=text))
        outcome = await way.ask(f"n{number}")
        assert isinstance(outcome, NotUnderstood), text
        assert outcome.maybe_done, text


async def test_a_late_answer_an_old_one_and_a_second_one_are_answers(way: Way) -> None:
    way.server.faults.add(Fault("slow", seconds=0.05))
    assert isinstance(await way.ask("slow"), Issued)
    old = '{"provisionDeviceStatus":"SUCCESS","accessToken":"t","deviceId":"x"}'
    way.server.faults.add(Fault("text", text=old))
    assert await way.ask("old") == Issued(AccessToken(token=Secret("t")))
    way.server.faults.add(Fault("twice"))
    assert isinstance(await way.ask("twice"), Issued)


async def test_what_is_longer_than_an_answer_can_be_is_not_kept(way: Way) -> None:
    way.server.faults.add(Fault("text", text='{"status":"SUCCESS",' + " " * 300_000))
    outcome = await way.ask()
    assert isinstance(outcome, NotUnderstood)
    assert outcome.maybe_done


async def test_a_server_that_is_down_is_asked_again_where_it_surely_heard_nothing(
    way: Way,
) -> None:
    way.server.down = True
    patience = {"coap": {"limit_s": SHORT_S}, "coaps": {"handshake_limit_s": SHORT_S}}
    short = patience.get(way.scheme)
    outcome = await way.ask(carrier=way.carrier(**short) if short else None)
    # Over HTTP and CoAP the request may have gone out before the end came.
    knows = way.scheme in {"mqtt", "mqtts", "coaps"}
    assert isinstance(outcome, NotAsked if knows else NotUnderstood)
    way.server.down = False
    assert isinstance(await way.ask(), Issued)


@pytest.mark.parametrize("way", ["https", "mqtts", "coaps"], indirect=True)
async def test_of_tls_nothing_but_a_certificate_that_counts_now_is_taken(way: Way) -> None:
    certificates = way.server.certificates
    assert certificates is not None
    for kind in ("expired", "not yet", "other host", "unknown"):
        certificates.kind = kind
        asked = await way.asked()
        assert isinstance(asked.outcome, NotAsked), kind
        behind = kind == "not yet" and way.scheme != "https"
        assert isinstance(asked.error, ClockOff if behind else CertificateUnknown), kind
    assert way.server.record.count("provision") == 0
    certificates.kind = "good"
    assert isinstance(await way.ask(), Issued)


@pytest.mark.parametrize("scheme", ["http", "https", "mqtt", "mqtts"])
@pytest.mark.parametrize(
    "fault", [Fault("text", text="\x08\x01"), Fault("lose")], ids=["garbled", "lost"]
)
async def test_a_board_has_its_device_though_the_yes_was_not_heard(
    server: SimulatedThingsBoard,
    scheme: str,
    store: AccountStore,
    routes: Routes,
    fault: Fault,
) -> None:
    cloud = ThingsBoard(accounts=store, routes=routes, clock=SystemClock())
    account = {
        "server": server.addresses[scheme],
        "board_server": server.addresses["mqtts"],
        "provision_key": server.create.key,
        "provision_secret": server.create.secret.reveal(),
        "ca": server.ca,
    }
    try:
        await cloud.login(account)
        for kind in KINDS:
            own = cloud.make_credentials(kind, kind)
            server.faults.add(replace(fault, operation="provision"))
            settings = await cloud.enrol(EnrolRequest(name=kind, own=own, made_here=True))
            assert settings.credentials == own
            assert await cloud.prove(settings) is True
    finally:
        await cloud.close()
    assert list(server.state.devices) == list(KINDS)
    assert not server.faults.waiting


async def test_an_account_over_coaps_makes_devices_whose_boards_speak_coaps(
    server: SimulatedThingsBoard, store: AccountStore, routes: Routes
) -> None:
    cloud = ThingsBoard(accounts=store, routes=routes, clock=SystemClock())
    account = {
        "server": server.addresses["coaps"],
        "provision_key": server.create.key,
        "provision_secret": server.create.secret.reveal(),
    }
    try:
        with pytest.raises(CertificateUnknown) as caught:
            await cloud.login(account)
        assert caught.value.facts["whom"] == server.addresses["coaps"]
        await cloud.login({**account, "ca": server.ca})
        for kind in ("access_token", "certificate"):
            own = cloud.make_credentials(kind, kind)
            settings = await cloud.enrol(EnrolRequest(name=kind, own=own, made_here=True))
            assert (settings.scheme, settings.credentials, settings.ca) == ("coaps", own, server.ca)
            assert await cloud.prove(settings) is True
    finally:
        await cloud.close()
    assert list(server.state.devices) == ["access_token", "certificate"]


@pytest.mark.parametrize("scheme", ["http", "mqtt", "coap"])
async def test_the_check_of_an_account_never_says_that_a_device_may_exist(
    server: SimulatedThingsBoard, scheme: str, store: AccountStore, routes: Routes
) -> None:
    pem = make_certificate("authority", NOW).certificate
    chain = server.state.add_profile(Profile("chain", Strategy.CHAIN, chain_ca=pem))
    cloud = ThingsBoard(accounts=store, routes=routes, clock=SystemClock())
    pair = {"provision_key": chain.key, "provision_secret": "any"}
    try:
        with pytest.raises(EnrolNotUnderstood) as caught:
            await cloud.login({"server": server.addresses[scheme], **pair})
    finally:
        await cloud.close()
    assert caught.value.facts["maybe_done"] is False
    assert "Nothing was made" in caught.value.report().meaning
    assert "chain of certificates" in caught.value.report().remedy
