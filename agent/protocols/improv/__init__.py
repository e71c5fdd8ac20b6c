"""Improv Wi-Fi, the open standard, without I/O: messages, their two carriers, the client's side.

Start with :mod:`agent.protocols.improv.host`. The messages are the same over a serial port
(:mod:`~agent.protocols.improv.packets`) and over Bluetooth LE (:mod:`~agent.protocols.improv.gatt`).
Source: improv-wifi.com, "Improv via Serial" and "Improv via BLE" (revision 2.4).
"""
