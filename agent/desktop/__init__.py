"""What belongs to the desktop the agent runs on: here the single instance.

Nothing here talks to a board, a cloud or a page.
"""
