"""mooring.js sends a file for a board: whole, with its progress, or with a reason why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from tests.web.rig import plain_boards

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Page, WebSocketRoute

    from tests.web.rig import Agent

pytestmark = [
    pytest.mark.needs("chromium"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(90),
    pytest.mark.slow,
]

SIZE = 1_500_000
CONNECT = """async () => {
  const { Mooring } = await import("/mooring.js");
  window.agent = new Mooring({ origins: [location.origin] });
  await agent.connect();
}"""
LISTED = """(address) => agent.call("boards.list").then(
  ({ boards }) => boards.some(({ ports }) => ports.some((p) => p.address === address)))"""
SEND = """async ([name, size, kind]) => {
  const bytes = new Uint8Array(size).map((_, at) => at % 251);
  const steps = [];
  try {
    const file = kind === "file" ? new File([bytes], name) : bytes;
    const image = await agent.uploadImage(name, file, (done, total) => steps.push([done, total]));
    return { image, steps };
  } catch ({ code, facts }) {
    return { code, facts };
  }
}"""


@pytest_asyncio.fixture(loop_scope="session")
async def own(browser: Browser, agent: Agent) -> AsyncIterator[Page]:
    """The agent's own page, connected."""
    page = await browser.new_page()
    await page.goto(agent.url)
    await page.evaluate(CONNECT)
    yield page
    await page.close()


async def upload(page: Page, size: int, kind: str = "bytes") -> dict[str, Any]:
    found: dict[str, Any] = await page.evaluate(SEND, ["Blink.bin", size, kind])
    return found


async def start(page: Page, board: str, image: int) -> str:
    """What a job with this file is refused for; empty: it was started."""
    said: str = await page.evaluate(
        """([board, image]) => agent.call("flash.start", { board, image }).then(
             () => "", (error) => error.facts.problem ?? error.code)""",
        [board, image],
    )
    return said


@pytest.mark.parametrize("kind", ["bytes", "file"])
async def test_all_of_a_file_has_arrived_when_its_number_is_known(
    own: Page, agent: Agent, kind: str
) -> None:
    with plain_boards(agent.ports, 1) as boards:
        await own.wait_for_function(LISTED, arg=boards[0].address)
        sent = await upload(own, SIZE, kind)
        done = [step[0] for step in sent["steps"]]
        assert done == sorted(done)
        assert (done[-1], {step[1] for step in sent["steps"]}) == (SIZE, {SIZE})
        # Taken as a whole file, and then found too large for this board by the job itself.
        assert await start(own, boards[0].address, sent["image"]) == ""
        assert "nothing was offered" in await start(own, boards[0].address, 99)


async def test_a_file_that_cannot_be_is_refused_before_it_is_sent(own: Page) -> None:
    for size in (0, 20_000_000):
        refused = await upload(own, size)
        assert (refused["code"], refused["facts"]["field"]) == ("input", "size")


async def test_a_third_file_is_refused_until_one_is_dropped(own: Page) -> None:
    first, second = await upload(own, 10), await upload(own, 10)
    assert first["image"] != second["image"]
    assert (await upload(own, 10))["code"] == "rate-exceeded"
    await own.evaluate("(image) => agent.call('flash.drop', { image })", first["image"])
    assert (await upload(own, 10))["image"] not in {first["image"], second["image"]}


async def test_an_agent_that_ends_in_the_middle_is_told(own: Page, agent: Agent) -> None:
    parts = 0

    def held_up(route: WebSocketRoute) -> None:
        server = route.connect_to_server()

        def pass_on(message: str | bytes) -> None:
            nonlocal parts
            parts += isinstance(message, bytes)
            server.send(message)

        route.on_message(pass_on)
        # Some of the file has come, and the answers that would let the rest follow are lost.
        server.on_message(lambda answer: route.send(answer) if parts < 10 else None)

    await own.route_web_socket("**/rpc", held_up)
    await own.reload()
    await own.evaluate(CONNECT)
    await own.evaluate(
        """() => {
          const steps = (window.steps = []);
          const file = new Uint8Array(10_000_000);
          window.sent = agent.uploadImage("a.bin", file, (done) => steps.push(done)).then(
            () => "all of it", (error) => error.code);
        }"""
    )
    await own.wait_for_function("() => steps.length === 1")
    await agent.kill()
    assert await own.evaluate("sent") == "agent-gone"
