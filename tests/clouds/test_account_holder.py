"""The account in use is the one that is stored, wherever it fails or is cancelled."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from agent.clouds.account_holder import AccountHolder

TURNS = 40
"""More of the event loop than anything here takes."""


class NoRoomError(Exception):
    pass


@dataclass
class Client:
    name: str
    closed: int = 0

    async def close(self) -> None:
        await pause()
        self.closed += 1


@dataclass
class Cloud:
    """A place for one account, and all clients that were ever opened."""

    stored: str | None = "old"
    refuses: bool = False
    deleted_half: bool = False
    clients: list[Client] = field(default_factory=list)
    holder: AccountHolder[Client] = field(init=False)

    def __post_init__(self) -> None:
        self.holder = AccountHolder(self.load, Client.close)

    def open(self, name: str) -> Client:
        self.clients.append(Client(name))
        return self.clients[-1]

    async def load(self) -> Client | None:
        await pause()
        return self.open(self.stored) if self.stored else None

    async def login(self, name: str, *, refused: bool = False) -> None:
        async def check() -> None:
            await pause()
            if refused:
                raise PermissionError

        await self.holder.replace(self.open(name), lambda: self.store(name), check)

    async def store(self, name: str) -> None:
        await pause()
        if self.refuses:
            raise NoRoomError
        self.stored = name
        await pause()

    async def delete(self) -> None:
        await pause()
        if self.refuses:
            raise NoRoomError
        self.stored = None
        await pause()

    async def consistent(self) -> str | None:
        """The account that is stored and used; each client but that in use is closed once."""
        used = await self.holder.get()
        for client in self.clients:
            assert client.closed == (client is not used), client
        assert (used.name if used else None) == self.stored
        return self.stored


async def pause() -> None:
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def settle() -> None:
    for _ in range(TURNS):
        await asyncio.sleep(0)


@pytest.fixture
async def cloud() -> Cloud:
    made = Cloud()
    await made.holder.get()
    return made


async def test_it_is_read_once_for_all_who_ask():
    cloud = Cloud()
    first, second = await asyncio.gather(cloud.holder.get(), cloud.holder.get())
    assert first is second is cloud.clients[0]
    assert len(cloud.clients) == 1


async def test_a_new_account_takes_the_place_of_the_old_one(cloud: Cloud):
    await cloud.login("new")
    assert await cloud.consistent() == "new"
    await cloud.holder.forget(cloud.delete)
    assert await cloud.consistent() is None


async def test_an_account_that_is_refused_leaves_the_old_one(cloud: Cloud):
    with pytest.raises(PermissionError):
        await cloud.login("new", refused=True)
    assert await cloud.consistent() == "old"


async def test_an_account_that_cannot_be_stored_leaves_the_old_one_in_use(cloud: Cloud):
    before = await cloud.holder.get()
    cloud.refuses = True
    with pytest.raises(NoRoomError):
        await cloud.login("new")
    assert await cloud.consistent() == "old"
    assert await cloud.holder.get() is before
    with pytest.raises(NoRoomError):
        await cloud.holder.forget(cloud.delete)
    assert await cloud.consistent() == "old"


@pytest.mark.parametrize("ends", ["well", "refused", "no room", "forgotten"])
async def test_it_may_be_cancelled_at_each_moment(ends: str):
    results = set()
    for moment in range(TURNS):
        cloud = Cloud()
        await cloud.holder.get()
        cloud.refuses = ends == "no room"
        work = cloud.login("new", refused=ends == "refused")
        if ends == "forgotten":
            work.close()
            work = cloud.holder.forget(cloud.delete)
            cloud.clients = cloud.clients[:1]
        task = asyncio.create_task(work)
        for _ in range(moment):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await settle()
        results.add(await cloud.consistent())
    assert results == {"well": {"old", "new"}, "forgotten": {"old", None}}.get(ends, {"old"})


async def test_of_two_at_once_the_last_one_counts(cloud: Cloud):
    await asyncio.gather(cloud.login("one"), cloud.login("two"), cloud.holder.get())
    assert await cloud.consistent() in {"one", "two"}


async def test_only_what_changed_in_the_account_in_use_is_stored(cloud: Cloud):
    used = await cloud.holder.get()
    assert used is not None
    await cloud.holder.update(used, lambda: cloud.store("moved"))
    assert cloud.stored == "moved"
    await cloud.holder.forget(cloud.delete)
    await cloud.holder.update(used, lambda: cloud.store("back"))
    assert cloud.stored is None


async def test_what_is_being_stored_is_given_up_when_it_is_closed(cloud: Cloud):
    never = asyncio.Event()

    async def store() -> None:
        await never.wait()

    new = cloud.open("new")
    task = asyncio.create_task(cloud.holder.replace(new, store))
    await settle()
    await cloud.holder.close()
    assert [client.closed for client in cloud.clients] == [1, 1]
    assert (await asyncio.gather(task, return_exceptions=True))[0] is not None
