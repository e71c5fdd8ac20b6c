"""The kinds of boards that Mooring knows, as data (``boards.json``) with one loader.

Nothing here looks for hardware; that is ``boards``.
"""

from agent.catalog.catalog import Catalog, Model, UsbId, UsbIds, UsbMatch, UsbRole
from agent.catalog.records import Reconfiguration

__all__ = ["Catalog", "Model", "Reconfiguration", "UsbId", "UsbIds", "UsbMatch", "UsbRole"]
