"""``mooring nrf`` as people run it: boards with an nRF91 in files, in their modems, in the cloud."""

from __future__ import annotations

import json
import signal
import stat
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from cryptography import x509

from agent.cli.nrf_commands import nrf
from agent.clouds.accounts import AccountStore
from agent.protocols.nrf.csv import read_onboarding, read_tokens
from agent.simulator.nrf_cloud_state import Command
from agent.simulator.nrf_config import NrfConfig
from tests.cli.conftest import running_agent
from tests.cli.nrf_home import NrfHome

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.system("linux", "darwin"), pytest.mark.timeout(60)]

TAG = "nrf-cloud-onboarding"
FATES = ("SUCCEEDED", "FAILED", "PENDING")


async def test_tokens_of_many_boards_become_a_file_that_claims_them(tmp_path: Path) -> None:
    boards = (
        NrfConfig(firmware="tracker"),
        NrfConfig(model="nrf9151_dk", firmware="at"),
        NrfConfig(firmware="at", refuse={"%ATTESTTOKEN": 529}),
    )
    file = tmp_path / "tokens.csv"
    async with NrfHome(tmp_path, *boards) as home, running_agent(home):
        ended = await home.run("nrf", "tokens", "--all", "--out", "tokens.csv")
        assert ended.status == 1
        assert "2 tokens written to tokens.csv; 1 board gave none." in ended.out
        assert "it has no ownership key" in ended.out
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        read = read_tokens(file.read_text())
        assert {row.token.device_id for row in read.rows} == {home.device(0), home.device(1)}
        tokens = [row.token.text.reveal() for row in read.rows]

        home.boards[2].modem.refuse.clear()
        written = file.read_text()
        words = ("nrf", "tokens", "--all", "--out", "tokens.csv")
        refused = await home.run(*words)
        assert refused.status == 2
        assert "add with --append" in refused.err
        more = (await home.run(*words, "--append", "--json")).document
        assert [each["device_id"] for each in more["tokens"] if each["new"]] == [home.device(2)]
        assert more["failed"] == []
        assert file.read_text().startswith(written), "rows that are there stay as they are"

        stranger = home.device(1)
        home.cloud.state.strangers.add(stranger)
        claimed = await home.run("nrf", "claim", "tokens.csv", "--tag", TAG, "--tag", "site=1")
        assert claimed.status == 1
        assert "2 claimed; 1 failed." in claimed.out
        assert "A rule was made" in claimed.err
        claims = {each.id: each.tags for each in home.cloud.state.claims.values()}
        assert claims == dict.fromkeys((home.device(0), home.device(2)), (TAG, "site=1"))
        (left,) = read_tokens((tmp_path / "tokens-retry.csv").read_text()).rows
        assert left.token.device_id == stranger
        home.cloud.state.strangers.clear()
        again = (await home.run("nrf", "claim", "tokens-retry.csv", "--json")).document
        assert [row["state"] for row in again["rows"]] == ["done"]
        listed = await home.run("nrf", "devices")
        assert all(home.device(number) in listed.out for number in range(3))
        assert listed.out.count("not yet") == 3
        claim = home.cloud.state.claims[home.device(0)]
        claim.commands += [Command({"config": {"a": "b"}}, status=each) for each in FATES]
        of_one = await home.run("nrf", "commands", home.boards[0].identity.imei)
        assert of_one.status == 0
        assert "does nothing that stands behind what failed (config)" in of_one.err
        one = ("nrf", "commands", home.device(0)[:6])
        assert "--yes" in (await home.run(*one, "--delete", "done")).err
        fewer = (await home.run(*one, "--delete", "done", "--yes", "--json")).document["commands"]
        assert [each["status"] for each in fewer] == ["FAILED", "PENDING"]
        anew = await home.run(*one, "--again")
        assert (anew.status, anew.err.count("queued once more")) == (0, 1)
        assert [each.status for each in claim.commands] == ["PENDING", "PENDING"]
        wrong = await home.run(*one, "--delete", "nothing", "--yes")
        assert (wrong.status, "is no command here" in wrong.err) == (2, True)
        tokens += [left.token.text.reveal(), home.cloud.key.secret.reveal()]
    for each in (ended, refused, claimed, listed):
        assert not [secret for secret in tokens if secret in each.out + each.err]
    assert home.found(tokens) == {"accounts.json"}


async def test_what_was_read_before_the_person_stops_is_in_the_file(tmp_path: Path) -> None:
    boards = (NrfConfig(firmware="at"), NrfConfig(firmware="none"))
    async with NrfHome(tmp_path, *boards) as home:
        process = await home.start("nrf", "tokens", "--all", "--out", "tokens.csv")
        assert process.stdout is not None
        assert home.device(0) in (await process.stdout.readline()).decode()
        process.send_signal(signal.SIGINT)
        await process.communicate()
        assert process.returncode == 130
        (row,) = read_tokens((tmp_path / "tokens.csv").read_text()).rows
        assert row.token.device_id == home.device(0)

        accounts = AccountStore(home.paths.accounts_file, use_keyring=False)
        await accounts.delete("nrf")
        refused = await home.run("nrf", "claim", "tokens.csv")
        assert "not signed in" in refused.err.lower()
        assert not (tmp_path / "tokens-retry.csv").exists(), "nothing was tried"


async def test_a_board_gets_a_key_of_its_own_and_becomes_a_device(tmp_path: Path) -> None:
    async with NrfHome(tmp_path, NrfConfig(firmware="tracker", old_requests=True)) as home:
        board, serial = home.boards[0], home.boards[0].serial_number
        made = await home.run(
            "nrf", "onboard", serial, "--csv", "o.csv", "--tag", "a", "--tag", "b"
        )
        assert made.status == 0, made.err
        assert "nrf-ca.pem" in made.err
        (row,) = read_onboarding((tmp_path / "o.csv").read_text()).rows
        assert (row.device_id, row.tags) == (home.device(0), ("a", "b"))
        shown = x509.load_pem_x509_certificate(row.certificate.encode())
        authority = (home.paths.data_dir / "nrf-ca.pem").read_bytes()
        shown.verify_directly_issued_by(x509.load_pem_x509_certificate(authority))
        assert shown.subject.rfc4514_string() == f"CN={home.device(0)}"
        stored = board.modem.store[16842753, 1]
        assert stored.split() == row.certificate.split()
        assert (16842753, 0) in board.modem.store
        assert (16842753, 2) in board.modem.store
        before = dict(board.modem.store)

        words = ("nrf", "onboard", serial, "--csv", "o.csv", "--append")
        again = await home.run(*words)
        assert again.status == 1
        assert "[nrf-credential-exists]" in again.out
        assert board.modem.store == before, "nothing is touched without --overwrite"
        assert (await home.run(*words, "--overwrite", "--json")).document["rows"] == 1
        assert board.modem.store[16842753, 1] != stored

        sent = await home.run("nrf", "onboard", "--csv", "o.csv")
        assert "1 made." in sent.out
        (row,) = read_onboarding((tmp_path / "o.csv").read_text()).rows
        device = home.cloud.state.devices[home.device(0)]
        assert device.certificate.split() == row.certificate.split()
        ca_key = home.paths.data_dir / "nrf-ca-key.pem"
        assert stat.S_IMODE(ca_key.stat().st_mode) == 0o600
        assert home.found([ca_key.read_text()]) == {"nrf-ca-key.pem"}


async def test_a_board_is_set_up_renewed_and_removed(tmp_path: Path) -> None:
    async with NrfHome(tmp_path, NrfConfig(firmware="tracker")) as home:
        serial, device = home.boards[0].serial_number, home.device(0)
        words = ("provision", serial, "--cloud", "nrf", "--name", "kitchen")
        made = await home.run(*words, "--tag", TAG, "--tag", "site=1")
        assert made.status == 0, made.err
        assert "kitchen is in nRF Cloud (" in made.out
        assert f"device {device}" in made.out
        assert f"Claimed now, with the tags {TAG}, site=1" in made.out
        assert "cloudAccessKeyGeneration  SUCCEEDED" in made.out
        assert home.cloud.state.devices[device].name == "kitchen"

        renewed = await home.run("renew", serial, "--cloud", "nrf")
        assert renewed.status == 0, renewed.err
        assert "told over its cable" in renewed.out

        by_name = await home.run("renew", "Kitchen", "--cloud", "nrf", "--json")
        assert by_name.status == 0, by_name.err
        listed = (await home.run("nrf", "devices", "--json")).document["devices"]
        assert [(each["name"], each["onboarded"]) for each in listed] == [("kitchen", True)]
        assert "[nrf-cloud-device]" in (await home.run("renew", "cellar", "--cloud", "nrf")).err

        removed = await home.run("remove", device[:8], "--cloud", "nrf", "--yes")
        assert removed.status == 0, removed.err
        assert "✓ Remove it from nRF Cloud" in removed.out
        assert "no longer claimed by your team" in removed.out
        assert (home.cloud.state.claims, home.cloud.state.devices) == ({}, {})

        token = home.boards[0].identity.attest()
        by_token = ("provision", "--cloud", "nrf", "--token-stdin", "--json")
        process = await home.start(*by_token)
        assert process.stdin is not None
        process.stdin.write(token.encode())
        process.stdin.close()
        assert process.stdout is not None
        while b'"step":"online"' not in await process.stdout.readline():
            pass
        assert set(home.cloud.state.claims) == {device}
        process.send_signal(signal.SIGINT)
        out, _ = await process.communicate()
        ended = json.loads(out.splitlines()[-1])
        assert (ended["state"], ended["connected"]) == ("done", None)
        assert home.found([token]) == set()


async def test_credentials_are_listed_written_and_erased(tmp_path: Path) -> None:
    async with NrfHome(tmp_path, NrfConfig(firmware="at")) as home:
        serial, store = home.boards[0].serial_number, home.boards[0].modem.store
        one = ("nrf", "credentials")
        place = ("--sec-tag", "7")
        pem = tmp_path / "ca.pem"
        pem.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        written = await home.run(*one, "write", serial, "root-ca", "ca.pem", *place)
        assert written.out == "The root CA of tag 7 is written.\n"
        given = await home.run(*one, "write", serial, "psk", "-", *place, stdin="s3cret-psk\n")
        assert given.status == 0, given.err
        assert store[7, 3] == "s3cret-psk"
        listed = (await home.run(*one, "list", serial, "--json")).document["credentials"]
        assert [each["kind"] for each in listed if each["tag"] == 7] == ["root-ca", "psk"]
        assert (await home.run(*one, "delete", serial, "psk", *place, "--yes")).status == 0
        assert (7, 3) not in store
        made = await home.run(*one, "keygen", serial, *place, "--attributes", "CN=tester")
        request = x509.load_pem_x509_csr(made.out.encode())
        assert request.subject.rfc4514_string() == "CN=tester"
        assert home.found(["s3cret-psk"]) == set()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["tokens", "--out", "x.csv"], "BOARD or --all"),
        (["tokens", "b", "--all", "--out", "x.csv"], "BOARD or --all"),
        (["tokens", "--all", "--out", "nowhere/x.csv"], "there is no folder"),
        (["claim", "missing.csv"], "cannot be read"),
        (["claim", "x.csv", "--tag", "a,b"], "may not have"),
        (["onboard", "b", "--csv", "y.csv", "--ca", "x"], "--ca-key"),
        (["onboard", "--csv", "y.csv"], "cannot be read"),
        (["onboard", "--csv", "y.csv", "--overwrite"], "go with BOARD or --all"),
        (["credentials", "delete", "b", "psk"], "--yes"),
    ],
)
def test_wrong_input_is_refused_in_words(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "config.toml").write_text(
        '[ports]\nsystem = false\n[bluetooth]\nscan = "never"\n'
    )
    monkeypatch.setenv("MOORING_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert said in CliRunner().invoke(nrf, words).output
