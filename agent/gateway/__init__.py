"""The agent as an IoT gateway of ThingsBoard.

``environment`` says what the variables ask for, ``stored`` keeps what the server gave, ``enrol``
gets it, ``connection`` keeps a session open and ``reset`` answers the call that takes credentials
away. What is said over that session (boards, jobs, calls) is in ``service`` and beside it.
"""
