"""What boards of nRF Cloud and Blynk say of themselves, in rows."""

from __future__ import annotations

from agent.cli.family_rows import family_rows
from agent.sessions.session import BoardFacts, ModemFacts


def test_a_modem_is_told_with_whose_its_board_is() -> None:
    modem = ModemFacts(
        dialect="a shell",
        port="ttyACM0",
        model="nRF9151",
        firmware="mfw_2",
        claimed=True,
        tags=["a"],
    )
    rows = family_rows(BoardFacts(protocol="nrf", modem=modem), {})
    assert (rows["modem"], rows["understands"]) == ("nRF9151 mfw_2", "a shell, on ttyACM0")
    assert (rows["claimed by"], rows["tags"]) == ("your team", "a")


def test_a_board_of_blynk_is_told_with_its_template() -> None:
    said = {"template": "TMPL1", "template_name": "Pump", "firmware": "F", "version": "1.2"}
    result = {"protocol": "blynk", "blynk": said | {"interfaces": ["wifi", "eth"]}}
    rows = family_rows(BoardFacts(protocol="blynk"), result)
    assert (rows["template"], rows["firmware"]) == ("Pump TMPL1", "F 1.2")
    assert rows["networks by"] == "wifi, eth"


def test_other_boards_have_none_of_it() -> None:
    assert family_rows(BoardFacts(), {}) == {}
