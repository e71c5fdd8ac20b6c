"""What ThingsBoard and a device say to each other, without I/O.

``requests`` and ``replies`` are device provisioning, ``provisioning`` is one attempt of it over any
of the three transports, ``names`` are the rules of device names, ``admin`` the bodies of the
administrator's interface. ``gateway`` is what a gateway and its server say once they are connected,
with ``gateway_limits`` and ``gateway_pack`` for how much of it and when. Sources: the server's own
code where it and the documentation disagree (release 4.3.1: DeviceProvisionServiceImpl,
JsonConverter, the three transports).
"""
