"""Provisioning 2.0: frames, messages, status codes, and the host's side of the conversation.

Start with ``host.HostMachine``; ``frames`` and ``messages`` are the codec that the simulated
board shares. No I/O and no clock anywhere: bytes and the time come in, bytes and events go out.
"""
