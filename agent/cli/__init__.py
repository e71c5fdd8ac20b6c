"""The command line: one module per group of commands.

Start at ``entry.py`` for the list of commands. Commands ask the agent through ``client.py``: the
running one if there is one (``remote.py``), else one inside this process (``alone.py``).
"""

from agent.cli.entry import main

__all__ = ["main"]
