"""The icon beside the clock: its menu, its states, and what it tells without being asked.

``menu.py`` and ``state.py`` say what the agent's state means to a person; both are pure and know no
system. ``tray.py`` follows the agent and acts on clicks. A *host* shows it: ``status_notifier.py``
(with ``dbus_menu.py`` and ``notify.py``) on Linux, ``native.py`` on Windows and macOS. Start at
``tray.py``.
"""
