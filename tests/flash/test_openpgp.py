"""Signatures by a pinned key; those of the folder ``openpgp`` were made with GnuPG 2.2.

Its key ended on 2023-12-02, as the vendor's has: ``early.sig`` is from 2022, ``late.sig`` and
``late_sha1.sig`` are from 2025.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pysequoia import Cert, Profile, SignatureMode, Tsk, sign

from agent.flash.index import INDEX_KEY
from agent.flash.openpgp import SignatureWrong, check_detached

VECTORS = Path(__file__).with_name("openpgp")
KEY = VECTORS.joinpath("key.asc").read_bytes()
DATA = VECTORS.joinpath("data.json").read_bytes()


def signature(name: str) -> bytes:
    return VECTORS.joinpath(name).read_bytes()


@pytest.mark.parametrize(("name", "year"), [("early.sig", 2022), ("late.sig", 2025)])
def test_a_pinned_key_counts_before_and_after_the_date_it_ended(name, year):
    assert check_detached(DATA, signature(name), KEY) == datetime(year, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize("name", ["early.sig", "late.sig"])
@pytest.mark.parametrize("data", [b"", DATA + b" ", DATA[:-1], DATA.replace(b"b", b"d")])
def test_other_data_is_refused(name, data):
    with pytest.raises(SignatureWrong, match="does not match"):
        check_detached(data, signature(name), KEY)


@pytest.mark.parametrize("name", ["early.sig", "late.sig"])
def test_no_byte_of_a_signature_that_counts_can_be_changed(name):
    good = signature(name)
    # The part that is not signed too: two lengths, the key id and the first bytes of the hash.
    free = set(range(34, len(good) - 258))
    accepted = set()
    for at in range(len(good)):
        spoilt = good[:at] + bytes([good[at] ^ 0x01]) + good[at + 1 :]
        try:
            check_detached(DATA, spoilt, KEY)
        except SignatureWrong:
            continue
        accepted.add(at)
    assert accepted <= free


def test_a_late_signature_with_a_weak_hash_is_refused():
    with pytest.raises(SignatureWrong):
        check_detached(DATA, signature("late_sha1.sig"), KEY)


def test_a_weak_hash_counts_for_whoever_asks_for_it_and_only_over_the_same_data():
    weak = signature("late_sha1.sig")
    assert check_detached(DATA, weak, KEY, sha1=True) is not None
    for data in (b"", DATA + b" ", DATA[:-1]):
        with pytest.raises(SignatureWrong, match="does not match"):
            check_detached(data, weak, KEY, sha1=True)
    other = Tsk.generate("Other <other@example.invalid>", profile=Profile.RFC4880)
    with pytest.raises(SignatureWrong):
        check_detached(DATA, weak, bytes(other.extract_certificate()), sha1=True)


def test_a_signature_by_another_key_is_refused():
    other = Tsk.generate("Other <other@example.invalid>", profile=Profile.RFC4880)
    made = sign(other.signer(), DATA, mode=SignatureMode.DETACHED, armor=False)
    with pytest.raises(SignatureWrong, match="does not match"):
        check_detached(DATA, made, KEY)
    public = bytes(other.extract_certificate())
    assert check_detached(DATA, made, public) is not None
    with pytest.raises(SignatureWrong, match="does not match"):
        check_detached(DATA, signature("late.sig"), public)


@pytest.mark.parametrize("junk", [b"", b"junk", b"-----BEGIN PGP SIGNATURE-----\n", KEY])
def test_what_is_no_signature_is_refused(junk):
    with pytest.raises(SignatureWrong, match="no signature"):
        check_detached(DATA, junk, KEY)


def test_a_key_that_cannot_be_read_is_told():
    with pytest.raises(SignatureWrong, match="pinned key cannot be read"):
        check_detached(DATA, signature("early.sig"), b"not a key")


def test_the_pinned_key_is_the_vendors():
    key = Cert.from_bytes(INDEX_KEY.read_bytes())
    assert key.fingerprint == "a844d44edb751f4eec677082094c09c64eb552ff"
    assert b"PRIVATE" not in INDEX_KEY.read_bytes()
