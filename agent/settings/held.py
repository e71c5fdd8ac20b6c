"""A value that others follow."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Held(Generic[T]):
    """One value at a time. To be used in one event loop."""

    def __init__(self, value: T) -> None:
        self._value = value
        self._listeners: dict[int, Callable[[], None]] = {}
        self._subscriptions = 0

    @property
    def value(self) -> T:
        """The value of now."""
        return self._value

    def set(self, value: T) -> None:
        """From now on this one; who follows is told if it is another one."""
        if value == self._value:
            return
        self._value = value
        for listener in list(self._listeners.values()):
            try:
                listener()
            except Exception:  # noqa: BLE001 - one listener's defect is not another's problem
                _log.error("a listener failed", exc_info=True)

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` after each change; returns what ends it, which may be called again."""
        self._subscriptions += 1
        key = self._subscriptions
        self._listeners[key] = callback

        def unsubscribe() -> None:
            self._listeners.pop(key, None)

        return unsubscribe
