"""Finding boards, telling them apart, and who may use them. Start with ``service``.

``watch`` sees ports come and go, ``registry`` makes boards of them, ``leases`` lends them.
"""

from agent.boards.board import Board, BoardChanges, BoardState, Port, Provisioning

__all__ = ["Board", "BoardChanges", "BoardState", "Port", "Provisioning"]
