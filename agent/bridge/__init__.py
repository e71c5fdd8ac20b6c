"""The bridge: how pages and programs talk to the agent (docs/bridge.md).

Start at ``rpc.py`` (methods, without a transport) and ``server.py`` (HTTP and WebSocket). One
``peer.Peer`` is one connected page or program; ``connection.py`` serves it, ``outbox.py`` holds
what waits for it. ``access.py`` decides who may talk, ``relay.py`` carries serial data, and
``methods/`` holds the methods themselves. What the methods do is not here: they ask services.
"""
