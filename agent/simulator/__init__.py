"""Simulated boards and clouds, used by the demo, by tests and by other people.

``firmware`` is a board of provisioning 2.0 without any I/O; below it one module per part of
the real firmware (receiver, serial_agent, agents, configurator, connection, claiming,
certificate). ``device`` runs it in real or scaled time on a port, ``process`` in a process of
its own. Not here: what talks to boards. Start with ``firmware``.
"""
