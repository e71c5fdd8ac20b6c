"""Blynk boards with Edgent firmware: what they are told and what they answer, without I/O.

One configuration (``config``) goes to a board in one of three ways: its serial console (``console``),
Bluetooth LE (``ble``) or its access point (``http``). ``info`` is what a board says of itself,
``failures`` why it did not come online, ``names`` how it is called in the air, ``leds`` what its light
and its button mean. Two generations of firmware speak this: that of the examples of the Blynk
library (1), and the Edgent library of 2026 (2). Start with docs/blynk.md.
"""
