"""Mooring: gets microcontroller boards onto a network and into a cloud.

Start reading at ``app.py`` (what the agent is made of) and ``jobs`` (what it does).
"""

__version__ = "0.1.0"
