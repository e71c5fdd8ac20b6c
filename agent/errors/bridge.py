"""Between pages, programs and the agent."""

from __future__ import annotations

from agent.errors.base import ExitStatus, Fact, MooringError


class BridgeError(MooringError):
    """Between pages, programs and the agent."""

    code = "bridge"


class OriginRefused(BridgeError):
    """A page that nobody allowed."""

    code = "origin-refused"
    exit_status = ExitStatus.NO_ACCESS
    title = "The page {origin} may not use this agent."
    meaning = "Only the agent's own page and pages that you allowed may use your boards."
    remedy = "Let the page ask you, or run: mooring origins allow {origin}"


class OtherUser(BridgeError):
    """Somebody else who uses this computer."""

    code = "other-user"
    exit_status = ExitStatus.NO_ACCESS
    title = "This agent belongs to another user of this computer."
    meaning = "Boards and accounts that are used through it are not yours."
    remedy = "Start your own agent (mooring), and open the page whose address it prints."


class TokenRefused(BridgeError):
    """A program that did not prove that it belongs to this user."""

    code = "token-refused"
    exit_status = ExitStatus.NO_ACCESS
    title = "This program may not use the agent."
    meaning = "It sent neither the address of an allowed page nor the token of this agent."
    remedy = "Send the token of instance.json, which only this user can read, as a bearer token."


class NotAllowed(BridgeError):
    """A method that only the agent's own page and programs of this user may call."""

    code = "not-allowed"
    exit_status = ExitStatus.NO_ACCESS
    title = "{method} is not open to web pages."
    meaning = "Accounts and permissions are managed on the agent's own page only."
    remedy = "Open the agent's own page for this."


class RateExceeded(BridgeError):
    """More requests or connections than the limit."""

    code = "rate-exceeded"
    retryable = True
    title = "Too many {what}: the limit is {limit}."
    meaning = "The request was not processed."
    remedy = "Wait a moment and try again."


class BadMessage(BridgeError):
    """A message that is not a JSON-RPC 2.0 request."""

    code = "bad-message"
    exit_status = ExitStatus.USAGE
    title = "This message cannot be read: {problem}."
    meaning = "It was not processed."
    remedy = "Send one JSON-RPC 2.0 object per message; /openrpc.json describes them."


class UnknownMethod(BridgeError):
    """A method that this agent does not have."""

    code = "method-unknown"
    exit_status = ExitStatus.USAGE
    title = "This agent has no method {method}."
    meaning = "The page or program may be made for another version of Mooring."
    remedy = "Update Mooring or the page; /openrpc.json lists what this agent can do."


class NoFreePort(BridgeError):
    """Every port of the bridge's range is taken; ``held`` goes on with by whom, or is empty."""

    code = "no-free-port"
    exit_status = ExitStatus.NO_ACCESS
    retryable = True
    title = "{ports} in use on this computer."
    meaning = "The page needs a port that no other program holds{held}."
    remedy = (
        "Close the programs that hold them and start Mooring again, or set other ports under "
        "[bridge] in config.toml."
    )

    def __init__(self, *, first: int = 0, last: int = 0, **facts: Fact) -> None:
        """``first`` and ``last`` of the range; one port may be both."""
        if first and last:
            ports = f"Port {first} is" if first == last else f"The ports {first} to {last} are all"
            facts = {"first": first, "last": last, "ports": ports, **facts}
        super().__init__(**facts)


class SlowReader(BridgeError):
    """A page or program that does not read what it asked for."""

    code = "slow-reader"
    retryable = True
    title = "This connection reads too slowly."
    meaning = "More than {limit} bytes were waiting for it."
    remedy = "Connect again; the state of boards and jobs is sent anew."


class AgentGone(BridgeError):
    """The running agent ended while a command used it."""

    code = "agent-gone"
    retryable = True
    title = "The agent has stopped."
    meaning = "The command was talking to the running agent, and the connection was lost."
    remedy = "Start the agent again; it finishes or undoes what was begun."
