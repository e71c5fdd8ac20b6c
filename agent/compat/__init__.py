"""The interface of the Arduino Create Agent, so that pages written for it work unchanged.

Here: what travels between such a page and us, and what it means. Not here: how boards are found,
flashed and talked to. Source of all of it: agent-api-compat.
"""
