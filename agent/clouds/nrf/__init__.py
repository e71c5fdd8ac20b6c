"""nRF Cloud: boards with an nRF91 modem prove by their attestation token that they are at hand.

Start at ``cloud``. ``api`` sends and reads, ``claiming``, ``commands``, ``records`` and ``bulk`` are what
is done with it, ``account`` is the key of a team.
"""
