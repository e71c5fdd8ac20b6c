"""mooring.js in a page of somebody else: found, refused, lost, found again."""

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

BEGIN = """async (url) => {
  const { Mooring } = await import("/mooring.js");
  window.agent = new Mooring({ origins: [new URL(url).origin] });
  window.states = [];
  agent.addEventListener("state", () => states.push(`${agent.state} ${agent.reason}`.trim()));
  void agent.connect();
}"""
FAILS = """async ([method, params, options]) => {
  const signal = options?.abort ? AbortSignal.timeout(50) : undefined;
  try {
    return { result: await agent.call(method, params, { ...options, signal }) };
  } catch (error) {
    const { name, code, title, meaning, remedy, retryable, facts } = error;
    return { name, code, title, meaning, remedy, retryable, facts };
  }
}"""


@pytest_asyncio.fixture(loop_scope="session")
async def foreign(browser: Browser, files: str) -> AsyncIterator[Page]:
    """A page of another origin that has the client."""
    page = await browser.new_page()
    await page.goto(f"{files}/empty")
    yield page
    await page.close()


async def state(page: Page, wanted: str) -> None:
    await page.wait_for_function(
        "(wanted) => `${agent.state} ${agent.reason}`.trim() === wanted", arg=wanted
    )


async def listed(page: Page, count: int) -> list[str]:
    """Wait until the agent lists so many boards; their ids."""
    ids: list[str] = await page.evaluate(
        """async (count) => {
          for (;;) {
            const { boards } = await agent.call("boards.list");
            if (boards.length === count) return boards.map(({ id }) => id);
            await new Promise(requestAnimationFrame);
          }
        }""",
        count,
    )
    return ids


async def allow(browser: Browser, agent: Agent, origin: str) -> None:
    own = await browser.new_page()
    await own.goto(agent.url)
    await own.evaluate(BEGIN, agent.url)
    await state(own, "connected")
    await own.evaluate("(url) => agent.call('origins.allow', { url })", origin)
    await own.close()


async def call(page: Page, method: str, params: object = None, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = await page.evaluate(FAILS, [method, params or {}, options])
    return found


async def test_a_page_that_nobody_allowed_is_told_so(foreign: Page, agent: Agent) -> None:
    await foreign.evaluate(BEGIN, agent.url)
    await state(foreign, "refused origin")
    said = await call(foreign, "boards.list")
    assert said["code"] == "agent-gone"


async def test_a_page_is_let_in_as_soon_as_it_is_allowed(
    browser: Browser, foreign: Page, agent: Agent, files: str
) -> None:
    await foreign.evaluate(BEGIN, agent.url)
    await state(foreign, "refused origin")
    await allow(browser, agent, files)
    await state(foreign, "connected")
    info = (await call(foreign, "agent.info"))["result"]
    assert (info["name"], info["protocol"], info["own"]) == ("mooring", 1, False)
    assert (await call(foreign, "clouds.login", {"cloud": "arduino", "account": {}}))[
        "code"
    ] == "not-allowed"


async def test_an_agent_that_is_not_there_is_absent_and_then_found(
    browser: Browser, foreign: Page, agent: Agent, files: str
) -> None:
    await allow(browser, agent, files)
    await agent.kill()
    await foreign.evaluate(BEGIN, agent.url)
    await state(foreign, "absent")
    await agent.start()
    await state(foreign, "connected")
    first, *between, last = await foreign.evaluate("states")
    assert (first, last) == ("absent", "connected")
    # A busy agent may be a little late with its first answer.
    assert set(between) <= {"absent silent", "absent"}


async def test_what_is_followed_is_renewed_after_a_restart(
    browser: Browser, foreign: Page, agent: Agent, files: str
) -> None:
    await allow(browser, agent, files)
    with plain_boards(agent.ports, 1) as boards:
        await foreign.evaluate(BEGIN, agent.url)
        await foreign.evaluate(
            """() => {
              window.seen = [];
              window.stop = agent.follow("boards", {
                snapshot: ({ boards }) => seen.push(`snapshot ${boards.length}`),
                change: ({ appeared, vanished }) =>
                  seen.push(`+${appeared.length} -${vanished.length}`),
              });
            }"""
        )
        await foreign.wait_for_function("seen.includes('snapshot 1') || seen.includes('+1 -0')")
        boards[0].unplug()
        await foreign.wait_for_function("seen.includes('+0 -1')")
        await agent.kill()
        boards[0].plug()
        await state(foreign, "absent")
        await foreign.evaluate("seen.length = 0")
        await agent.start()
        await foreign.wait_for_function("seen.includes('snapshot 1') || seen.includes('+1 -0')")
        await foreign.evaluate("stop(), (seen.length = 0)")
        boards[0].unplug()
        await listed(foreign, 0)
        assert await foreign.evaluate("seen") == []


async def test_errors_carry_their_three_sentences(
    browser: Browser, foreign: Page, agent: Agent, files: str
) -> None:
    await allow(browser, agent, files)
    await foreign.evaluate(BEGIN, agent.url)
    await state(foreign, "connected")
    said = await call(foreign, "board.identify", {"board": "no-such-board"})
    assert (said["name"], said["code"]) == ("MooringError", "board-unknown")
    assert said["title"]
    assert said["meaning"]
    assert said["remedy"]
    assert said["facts"]["wanted"] == "no-such-board"
    said = await call(foreign, "serial.open", {"board": "x", "baud": "fast"})
    assert (said["code"], said["facts"]["field"]) == ("input", "baud")


async def test_a_call_ends_with_its_limit_its_signal_or_the_connection(
    browser: Browser, foreign: Page, agent: Agent, files: str
) -> None:
    await allow(browser, agent, files)
    with plain_boards(agent.ports, 3):
        await foreign.evaluate(BEGIN, agent.url)
        await state(foreign, "connected")
        first, second, third = [{"board": board} for board in await listed(foreign, 3)]
        assert (await call(foreign, "board.identify", first, timeoutMs=50))["code"] == "timeout"
        assert (await call(foreign, "board.identify", second, abort=True))["code"] == "abandoned"
        waiting = "(b) => (window.lost = agent.call('board.identify', b).catch((e) => e.code), 0)"
        await foreign.evaluate(waiting, third)
        await agent.kill()
        assert await foreign.evaluate("lost") == "agent-gone"


async def test_an_open_port_ends_with_the_connection_and_hears_nothing_once_closed(
    browser: Browser, foreign: Page, agent: Agent, files: str
) -> None:
    await allow(browser, agent, files)
    with plain_boards(agent.ports, 2) as boards:
        await foreign.evaluate(BEGIN, agent.url)
        await state(foreign, "connected")
        await listed(foreign, 2)
        opening = """async (board) => {
          const heard = [], ends = [];
          const data = (bytes) => heard.push(new TextDecoder().decode(bytes));
          const closed = (error) => ends.push(error?.code ?? "closed");
          const port = await agent.openSerial(board, 9600, { data, closed });
          (window.opened ??= []).push({ port, heard, ends });
        }"""
        for board in boards:
            await foreign.evaluate(opening, board.serial_number)
            await board.opened()
        await foreign.evaluate("opened[0].port.close()")
        assert await boards[0].receive(1) == b""
        await boards[1].send(b"still here")
        await foreign.wait_for_function("opened[1].heard.join('') === 'still here'")
        await agent.kill()
        await foreign.wait_for_function("opened[1].ends.length")
        ends = await foreign.evaluate("opened.map(({ ends }) => ends)")
        assert ends == [["closed"], ["agent-gone"]]


async def test_more_calls_at_once_than_the_agent_takes_are_refused_here(
    browser: Browser, foreign: Page, agent: Agent, files: str
) -> None:
    await allow(browser, agent, files)
    await foreign.evaluate(BEGIN, agent.url)
    await state(foreign, "connected")
    codes = await foreign.evaluate(
        """() => Promise.all(Array.from({ length: 40 }, () =>
             agent.call("boards.list").then(() => "ok", (error) => error.code)))"""
    )
    assert codes[:30] == ["ok"] * 30
    assert codes[-1] == "rate-exceeded"


async def test_an_agent_of_another_interface_is_refused(
    browser: Browser, foreign: Page, agent: Agent, files: str
) -> None:
    await allow(browser, agent, files)

    def newer(route: WebSocketRoute) -> None:
        server = route.connect_to_server()
        server.on_message(
            lambda text: route.send(str(text).replace('"protocol":1', '"protocol":2'))
        )

    await foreign.route_web_socket("**/rpc", newer)
    await foreign.evaluate(BEGIN, agent.url)
    await state(foreign, "refused version")


async def test_a_closed_client_stays_closed(foreign: Page, agent: Agent) -> None:
    await foreign.evaluate(BEGIN, agent.url)
    await state(foreign, "refused origin")
    await foreign.evaluate("agent.close()")
    assert await foreign.evaluate("agent.state") == "closed"


async def test_a_page_elsewhere_looks_on_the_ports_of_the_agent(foreign: Page) -> None:
    places = await foreign.evaluate("import('/client/find.js').then((m) => m.usualOrigins())")
    assert places == [f"http://127.0.0.1:{port}" for port in range(8991, 9000)]
