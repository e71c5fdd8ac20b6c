"""Provisioning 1.0 on the wire, without I/O: commands, certificate fields, the host's side.

Frames and check value are those of 2.0 (:mod:`agent.protocols.v2.frames`). Start with
:mod:`agent.protocols.v1.host`; LoRa boards only print a number: :mod:`agent.protocols.v1.lora`.
"""
