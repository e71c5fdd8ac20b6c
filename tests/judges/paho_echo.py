"""An MQTT client on paho's library that sends back what it gets; runs in a judge's environment.

Words: port, version (4 or 5). It subscribes to everything, and answers each message with one on the
topic ``echo/…`` that has the same payload, QoS, retain flag and properties.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any


def main() -> None:
    mqtt = importlib.import_module("paho.mqtt.client")
    version = int(sys.argv[2])
    newest = mqtt.CallbackAPIVersion.VERSION2
    client: Any = mqtt.Client(newest, client_id="echo", protocol=version)

    def echo(_client: Any, _userdata: Any, message: Any) -> None:
        client.publish(
            f"echo/{message.topic}",
            message.payload,
            qos=message.qos,
            retain=message.retain,
            properties=message.properties if version == 5 else None,
        )

    client.on_connect = lambda *_: client.subscribe("#", qos=2)
    client.on_message = echo
    client.connect("127.0.0.1", int(sys.argv[1]))
    client.loop_forever(retry_first_connection=False)


if __name__ == "__main__":
    main()
