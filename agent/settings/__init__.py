"""What everybody knows: secrets, folders, the configuration file, network settings.

Nothing here talks to a board, a network or a screen.
"""

from agent.settings.secret import Secret
from agent.settings.text import clean_text, decode_text

__all__ = ["Secret", "clean_text", "decode_text"]
