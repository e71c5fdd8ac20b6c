"""nRF91 boards and nRF Cloud: what travels between board, agent and cloud, without I/O.

``at`` is the conversation with a board, ``token`` and ``keygen`` what its modem signs, ``cmng`` its
store of credentials, ``logs`` what its log tells of provisioning. Sources are named in each.
"""
