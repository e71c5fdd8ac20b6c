"""MQTT 3.1.1 and 5: packets, both directions, without I/O.

``packets`` are what is said, ``encode`` and ``decode`` turn them into bytes and back, ``wire``
holds the types that they are made of. Who speaks when is the client's matter.
Source: OASIS MQTT 3.1.1 and MQTT 5.0, whose section numbers are given.
"""

from agent.protocols.mqtt.decode import Malformed, PacketDecoder
from agent.protocols.mqtt.encode import encode
from agent.protocols.mqtt.packets import (
    V5,
    V311,
    Acknowledge,
    ConnAck,
    Connect,
    Disconnect,
    Packet,
    PingReq,
    PingResp,
    Publish,
    SubAck,
    Subscribe,
    UnsubAck,
    Unsubscribe,
    Will,
)
from agent.protocols.mqtt.properties import Property

__all__ = [
    "V5",
    "V311",
    "Acknowledge",
    "ConnAck",
    "Connect",
    "Disconnect",
    "Malformed",
    "Packet",
    "PacketDecoder",
    "PingReq",
    "PingResp",
    "Property",
    "Publish",
    "SubAck",
    "Subscribe",
    "UnsubAck",
    "Unsubscribe",
    "Will",
    "encode",
]
