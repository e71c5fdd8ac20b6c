"""Finding boards, telling them apart, and who may use them."""

from agent.boards.board import Board, BoardChanges, BoardState, Port, Provisioning

__all__ = ["Board", "BoardChanges", "BoardState", "Port", "Provisioning"]
