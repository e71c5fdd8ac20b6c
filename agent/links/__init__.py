"""How bytes travel: serial ports today, Bluetooth LE and access points later.

A link carries bytes and knows nothing of what they mean.
"""

from agent.links.link import Link, LinkOpener

__all__ = ["Link", "LinkOpener"]
