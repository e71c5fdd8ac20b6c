"""A broker that nobody here wrote between our client and the simulated server's decisions."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from typing import TYPE_CHECKING

import pytest

from agent.clouds.thingsboard.addresses import Server
from agent.clouds.thingsboard.certificates import make_certificate
from agent.clouds.thingsboard.over_mqtt import MqttCarrier
from agent.clouds.thingsboard.proof import prove
from agent.protocols.thingsboard.provisioning import NotUnderstood
from agent.protocols.thingsboard.replies import Issued, Refused, StoredCertificate
from agent.protocols.thingsboard.requests import ProvisionRequest
from agent.settings import Secret
from agent.settings.credentials import AccessToken, CloudSettings, Credentials, MqttBasic
from agent.simulator.thingsboard_devices import Profile, Strategy
from tests.internet import Authority
from tests.mosquitto import mosquitto
from tests.simulator.responder import answering
from tests.simulator.thingsboard_talk import KEY, SECRET, make_state

if TYPE_CHECKING:
    from pathlib import Path

    from agent.clouds.route import Routes
    from agent.protocols.thingsboard.provisioning import Outcome
    from tests.clouds.manual_clock import ManualClock

pytestmark = pytest.mark.needs("mosquitto")

OWN_TOKEN = AccessToken(token=Secret("own"))
OWN: tuple[AccessToken | MqttBasic, ...] = (
    OWN_TOKEN,
    MqttBasic(username="u1"),
    MqttBasic(username="u2", password=Secret("p")),
    MqttBasic(client_id="c3"),
    MqttBasic(client_id="c4", username="u"),
    MqttBasic(client_id="c5", username="u", password=Secret("p")),
)
NOW = datetime.datetime.now(datetime.UTC)


def wish(name: str, own: Credentials | None = None, secret: str = SECRET) -> ProvisionRequest:
    return ProvisionRequest(name=name, key=Secret(KEY), secret=Secret(secret), own=own)


async def test_each_kind_and_each_refusal_comes_through(routes: Routes, tmp_path: Path) -> None:
    state = make_state()
    state.add_device("taken", state.profile_named("check"))
    certificate = make_certificate("certificate", NOW)
    async with mosquitto(tmp_path, "allow_anonymous true") as port, answering(state, port):
        carrier = MqttCarrier(Server("mqtt", "127.0.0.1", port), routes, title="TB")

        async def ask(name: str, own: Credentials | None = None, secret: str = SECRET) -> Outcome:
            return (await carrier.ask(wish(name, own, secret))).outcome

        made = await ask("made")
        assert made == Issued(AccessToken(token=Secret(state.devices["made"].credentials.id)))
        for number, own in enumerate(OWN):
            assert await ask(f"own {number}", own) == Issued(own)
        shown = await ask("certificate", certificate)
        assert isinstance(shown, Issued)
        assert isinstance(shown.credentials, StoredCertificate)
        assert shown.credentials.is_of(certificate.certificate)
        for name, secret, status in (
            ("taken", SECRET, "FAILURE"),
            ("n" * 300, SECRET, "FAILURE"),
            ("  ", SECRET, "FAILURE"),
            ("new", "wrong", "NOT_FOUND"),
        ):
            refused = await ask(name, secret=secret)
            assert isinstance(refused, Refused), name
            assert refused.status == status


async def test_a_server_that_fails_on_a_request_is_silence_behind_a_broker(
    routes: Routes, tmp_path: Path
) -> None:
    state = make_state()
    pem = make_certificate("CA", NOW).certificate
    chain = state.add_profile(Profile("chain", Strategy.CHAIN, chain_ca=pem))
    async with mosquitto(tmp_path, "allow_anonymous true") as port, answering(state, port):
        server = Server("mqtt", "127.0.0.1", port)
        carrier = MqttCarrier(server, routes, title="TB", answer_limit_s=0.2)
        request = ProvisionRequest(name="n", key=Secret(chain.key), secret=Secret(SECRET))
        outcome = (await carrier.ask(request)).outcome
    assert isinstance(outcome, NotUnderstood)
    assert "within 0.2 s" in outcome.detail


async def test_all_of_it_over_tls_up_to_a_connection_with_what_was_issued(
    routes: Routes, clock: ManualClock, tmp_path: Path
) -> None:
    """Two ports of one broker: devices are made on one, and known on the other by their proof."""
    authority = Authority(tmp_path / "server", "Server")
    authority.context("localhost")
    (pair,) = (tmp_path / "server").glob("server-*.pem")
    own, stranger = make_certificate("bench-7", NOW), make_certificate("bench-8", NOW)
    (tmp_path / "known.pem").write_text(own.certificate)
    passwords = tmp_path / "passwords"
    made = await asyncio.create_subprocess_exec(
        "mosquitto_passwd", "-c", "-b", str(passwords), "u9", "p9"
    )
    assert await made.wait() == 0
    tls = [f"certfile {pair}", f"keyfile {pair}"]
    basic = MqttBasic(client_id="c9", username="u9", password=Secret("p9"))
    state = make_state()
    authorities = authority.pem.read_text()
    trusting = routes.trusting(authorities)

    def settings(port: int, credentials: Credentials) -> CloudSettings:
        return CloudSettings(
            cloud="thingsboard",
            name="n",
            host="localhost",
            port=port,
            scheme="mqtts",
            credentials=credentials,
            ca=authorities,
        )

    async def proven(port: int, credentials: Credentials) -> bool | None:
        return await prove(settings(port, credentials), routes, title="TB", clock=clock)

    context = ssl.create_default_context(cafile=str(authority.pem))
    async with (
        mosquitto(tmp_path, "allow_anonymous true", *tls) as port,
        answering(state, port, host="localhost", tls=context),
    ):
        carrier = MqttCarrier(Server("mqtts", "localhost", port), trusting, title="TB")
        shown = (await carrier.ask(wish("bench-7", own))).outcome
        assert isinstance(shown, Issued)
        assert isinstance(shown.credentials, StoredCertificate)
        assert shown.credentials.is_of(own.certificate)
        assert (await carrier.ask(wish("bench-9", basic))).outcome == Issued(basic)
    asks = [f"cafile {tmp_path / 'known.pem'}", "require_certificate true"]
    async with mosquitto(tmp_path, "use_identity_as_username true", *tls, *asks) as port:
        assert await proven(port, own) is True
        assert await proven(port, stranger) is False
    async with mosquitto(tmp_path, f"password_file {passwords}", *tls) as port:
        assert await proven(port, basic) is True
        assert await proven(port, MqttBasic(client_id="c9", username="u9")) is False
        assert await proven(port, OWN_TOKEN) is False
