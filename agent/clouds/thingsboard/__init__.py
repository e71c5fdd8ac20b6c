"""ThingsBoard: devices that are made with a profile's key, over HTTP, MQTT or CoAP.

``cloud`` is the cloud as jobs know it; ``over_http``, ``over_mqtt`` and ``over_coap`` carry one
attempt each, ``asking`` repeats it where that is safe, ``proof`` tries issued credentials out,
``admin`` is the separate sign-in of an administrator, ``refusals`` says with it why a device was
refused. What the bytes mean is in ``agent.protocols.thingsboard``.
"""
