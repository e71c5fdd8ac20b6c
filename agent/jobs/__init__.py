"""What happens: procedures as pure machines, their runner, the journal.

Start at ``provision.py`` for the procedure and at ``service.py`` for what others call.
"""
