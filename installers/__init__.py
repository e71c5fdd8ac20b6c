"""Packages per operating system: ``python3 installers/build.py`` says what can be made.

``mooring.spec`` and ``launch.py`` make the one-folder program; ``linux/``, ``windows/`` and
``macos/`` hold what the packages around it are made from. Nothing here is part of the agent.
"""
