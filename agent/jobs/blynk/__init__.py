"""Boards with firmware of Blynk: the kit, its procedures and its hands.

``kit`` is where the rest is put together. Procedures are pure: ``provision`` gives a board a token and
a network, ``look`` reads it, ``forget`` erases it. ``hands`` performs what they ask for: ``reach``
opens a session, ``deliver`` gives settings and hears of the board from both of its sides.
"""
