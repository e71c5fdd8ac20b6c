"""Blynk.Cloud: tokens for boards, with an OAuth client of the platform interface or without.

``cloud`` is what jobs know. ``account`` is what a person enters, ``addresses`` which servers secrets
may travel to, ``regional`` follows a server to that of the right region, ``platform`` makes devices
and tokens, ``device`` asks with a board's token alone, ``arriving`` waits for a board, ``mqtt_proof``
tries a token out as a newer board does. What travels is in ``agent.protocols.blynk``.
"""
