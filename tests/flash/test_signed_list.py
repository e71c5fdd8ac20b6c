"""A signed list of any kind: its address, its age, and where it is kept.

What can be wrong with a list from its server: tests/flash/test_index.py and
tests/flash/toolstore/test_index.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from agent.errors import IndexRefused, InputError, StoreFailed, ToolIndexRefused, ToolStoreFailed
from agent.flash.signed_list import (
    FRESH_S,
    ListKind,
    ListWrong,
    SignedList,
    age_text,
    check_address,
)
from agent.simulator.tool_index import SimulatedToolIndex
from tests.flash.toolstore.rig import Time, downloads

if TYPE_CHECKING:
    from datetime import datetime

DAY_S = 86400.0


@dataclass
class Words:
    """A list as simple as can be."""

    plain: bytes
    fetched_at: float
    signed_at: datetime | None


@pytest.fixture
async def server():
    async with SimulatedToolIndex() as running:
        yield running


def words(server, tmp_path, kept, *, refused=IndexRefused, failed=StoreFailed, unpack=bytes):
    key = tmp_path / "key"
    key.write_bytes(server.public_key)
    kind = ListKind(
        setting="words.url",
        limit=10_000,
        signature_of="{}.sig".format,
        read=Words,
        refused=refused,
        failed=failed,
        unpack=unpack,
    )
    return SignedList(kind, downloads(), kept, url=server.index_url, key_file=key, now=Time())


async def test_a_list_is_what_its_kind_reads_and_is_kept(server, tmp_path):
    asked = words(server, tmp_path, tmp_path / "kept")
    found, note = await asked.get()
    assert note is None
    assert found.plain == b'{"packages":[]}'
    assert found.signed_at is not None
    count = len(server.requests)
    assert (await asked.get(fresh_s=FRESH_S))[0] == found
    assert len(server.requests) == count


@pytest.mark.parametrize("failed", [StoreFailed, ToolStoreFailed])
async def test_a_list_that_cannot_be_kept_is_told_with_the_error_of_its_kind(
    server, tmp_path, failed
):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(failed, match="cannot be used"):
        await words(server, tmp_path, tmp_path / "file" / "kept", failed=failed).get()


@pytest.mark.parametrize("refused", [IndexRefused, ToolIndexRefused])
async def test_what_cannot_be_unpacked_is_refused_with_the_error_of_its_kind(
    server, tmp_path, refused
):
    def unpack(_packed):
        raise ListWrong("it is inside out")

    asked = words(server, tmp_path, tmp_path / "kept", refused=refused, unpack=unpack)
    with pytest.raises(refused, match="it is inside out"):
        await asked.get()
    assert asked.last_good() is None


@pytest.mark.parametrize(
    ("url", "local", "good"),
    [
        ("https://example.com/index.json.gz", False, True),
        ("http://127.0.0.1:8000/index.json.gz", True, True),
        ("http://127.0.0.1:8000/index.json.gz", False, False),
        ("http://example.com/index.json.gz", True, False),
        ("file:///etc/passwd", True, False),
        ("https://user@example.com/x", False, False),
        ("https://example.com/a b", False, False),
        ("https://[::1", False, False),
        ("", False, False),
    ],
)
def test_only_safe_addresses_are_used(url, local, good):
    if good:
        assert check_address("index_url", url, local=local) == url
        return
    with pytest.raises(InputError) as caught:
        check_address("index_url", url, local=local)
    assert caught.value.facts["field"] == "index_url"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "less than a minute"),
        (59, "less than a minute"),
        (60, "1 minute"),
        (7200, "2 hours"),
        (86400, "1 day"),
        (40 * DAY_S, "40 days"),
    ],
)
def test_an_age_is_told_in_its_largest_unit(seconds, text):
    assert age_text(seconds) == text
