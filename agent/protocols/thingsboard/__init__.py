"""What ThingsBoard and a device say to each other, without I/O.

``requests`` and ``replies`` are device provisioning, ``provisioning`` is one attempt of it over any
of the three transports, ``names`` are the rules of device names, ``admin`` the bodies of the
administrator's interface. Sources: the server's own code where it and the documentation disagree
(release 4.3.1: DeviceProvisionServiceImpl, JsonConverter, the three transports).
"""
