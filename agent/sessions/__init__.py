"""A protocol over a link, as procedures see it."""

from agent.sessions.session import BoardFacts, BoardIdentity, NetworkOption, Session

__all__ = ["BoardFacts", "BoardIdentity", "NetworkOption", "Session"]
