"""Lets tb-mqtt-client provision and connect; runs in the judge's environment, not in ours.

Reads a JSON list of things to do, does all at once, and prints what came of each.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

LIMIT_S = 20.0
SILENCE_S = 2.5
"""How long the client waits where no answer will come; by itself it would wait a minute."""


def provision(client: Any, server: list[Any], given: dict[str, Any]) -> Any:
    host, port = server
    return client.TBDeviceMqttClient.provision(host=host, port=port, **given)


def wait_for_nothing(client: Any, server: list[Any], given: dict[str, Any]) -> Any:
    asking = client.ProvisionClient(*server, given)
    asking.provision(timeout=SILENCE_S)
    return asking.get_credentials()


def connect(client: Any, server: list[Any], given: dict[str, Any]) -> Any:
    """Connect, wait for the limits as it does, say a value, and ask for an attribute."""
    tls = given.pop("tls", {})
    device = client.TBDeviceMqttClient(*server, **given)
    refused: list[str] = []

    def connected(_client: Any, _userdata: Any, _flags: Any, code: Any, *_more: Any) -> None:
        if code != 0:
            refused.append(str(code))

    device.connect(callback=connected, **tls)
    until = time.monotonic() + LIMIT_S
    while not (device.is_connected() and device.rate_limits_received) and not refused:
        if time.monotonic() > until:
            return "no connection"
        time.sleep(0.01)
    if refused:
        device.disconnect()
        return refused[0]
    sent = device.send_telemetry({"judged": 1}).get()
    answers: list[Any] = []
    device.request_attributes(shared_keys=["wanted"], callback=lambda *said: answers.append(said))
    while not answers and time.monotonic() < until:
        time.sleep(0.01)
    device.stop()
    device.disconnect()
    return [sent, answers[0][0] if answers else None]


def main() -> None:
    client = importlib.import_module("tb_device_mqtt")
    jobs = json.load(sys.stdin)
    do = {"provision": provision, "nothing": wait_for_nothing, "connect": connect}

    def run(job: dict[str, Any]) -> Any:
        return do[job["do"]](client, job["server"], job["given"])

    with ThreadPoolExecutor(max_workers=len(jobs)) as pool:
        print(json.dumps(list(pool.map(run, jobs))), flush=True)


if __name__ == "__main__":
    main()
