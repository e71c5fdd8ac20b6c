"""How bytes travel: serial ports today, Bluetooth LE and access points later.

A link carries bytes and knows nothing of what they mean. Start with ``open_link``.
"""

from agent.links.link import Link, LinkOpener
from agent.links.open import open_link

__all__ = ["Link", "LinkOpener", "open_link"]
