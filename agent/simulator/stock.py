"""What a simulated cloud knows before anybody asks: sketches to download, devices of earlier years."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent.simulator.arduino_state import Signer
from agent.simulator.images import ImageIdentity, build_image

if TYPE_CHECKING:
    from agent.catalog import Catalog, Model
    from agent.simulator.arduino_cloud import SimulatedArduinoCloud
    from agent.simulator.config import BoardConfig

REAL_BYTES: Final = 120 * 1024
"""About the size of real provisioning sketches."""
SKETCH_VERSION: Final = "0.6.2"


def give_sketches(
    cloud: SimulatedArduinoCloud, catalog: Catalog, *, size: int = REAL_BYTES
) -> None:
    """The provisioning sketch of 2.0 for every board that has one."""
    for model in catalog.models:
        if model.fqbn is None or "2.0" not in model.provisioning:
            continue
        identity = ImageIdentity(runs="provisioning-2.0", fqbn=model.fqbn, version=SKETCH_VERSION)
        name = f"provisioning{model.upload.file_extension}"
        cloud.give_binary(model.fqbn, name, build_image(identity, model, size))


def know_old_board(
    cloud: SimulatedArduinoCloud, board: BoardConfig, model: Model, name: str
) -> str:
    """A board that was provisioned with 1.0, and its device in the cloud; the device's id."""
    fqbn = model.fqbn or ""
    body = {
        "type": fqbn.rpartition(":")[2],
        "name": name,
        "serial": board.serial_number,
        "fqbn": fqbn,
        "connection_type": "wifi",
    }
    cloud.know_board(board.uhwid_bytes.hex(), legacy=True)
    return cloud.devices.create(body, Signer(cloud.client_id, "")).id
