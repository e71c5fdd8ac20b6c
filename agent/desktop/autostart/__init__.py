"""Start at login: one interface, and one module per way that a system offers.

``xdg.py`` (every Linux desktop), ``systemd.py`` (Linux without a desktop, restarts a crash),
``launchd.py`` (macOS), ``run_key.py`` (Windows). Start at ``way.py``; ``choose.py`` finds the ways
of this computer. Installing or removing a way never starts or ends an agent that runs.
"""

from agent.desktop.autostart.choose import AtLogin, find_switch, find_ways, starts_at_login
from agent.desktop.autostart.program import Program, own_program
from agent.desktop.autostart.way import LoginState, LoginStatus, LoginWay

__all__ = [
    "AtLogin",
    "LoginState",
    "LoginStatus",
    "LoginWay",
    "Program",
    "find_switch",
    "find_ways",
    "own_program",
    "starts_at_login",
]
