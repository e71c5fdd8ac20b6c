"""``python -m agent`` is the command ``mooring``."""

from agent.cli import main

main()
