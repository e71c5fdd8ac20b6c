"""The kit of Blynk: which jobs are its own, and what they need to know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from agent.errors import InputError
from agent.jobs.blynk.deliver import Pace
from agent.jobs.blynk.forget import ForgetBlynk
from agent.jobs.blynk.hands import BlynkHands
from agent.jobs.blynk.look import IdentifyBlynk, NetworksBlynk
from agent.jobs.blynk.order import CLOUD, INSTALLED, BlynkOrder, board_network
from agent.jobs.blynk.point import Place
from agent.jobs.blynk.provision import ProvisionBlynk
from agent.jobs.blynk.recover import recovery
from agent.jobs.blynk.remove import RemoveBlynk
from agent.jobs.blynk.renew import RenewBlynk
from agent.jobs.job import JobKind, without_secrets
from agent.jobs.planner import Way
from agent.jobs.request import read_network
from agent.links.access_point_name import read_access_point
from agent.protocols.blynk.config import StaticAddress
from agent.protocols.blynk.http import ADDRESS, PORT
from agent.protocols.blynk.tokens import Pasted, check_template, parse_pasted
from agent.settings import clean_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.boards.board import Board, Via
    from agent.catalog import Model
    from agent.clouds.blynk.cloud import Blynk
    from agent.jobs.blynk.steps import BlynkSteps
    from agent.jobs.facts import Fact
    from agent.jobs.kit import Hold
    from agent.jobs.machine import Machine
    from agent.jobs.request import Request

MACHINES: Final[dict[JobKind, type[BlynkSteps]]] = {
    JobKind.IDENTIFY: IdentifyBlynk,
    JobKind.NETWORKS: NetworksBlynk,
    JobKind.FORGET: ForgetBlynk,
    JobKind.PROVISION: ProvisionBlynk,
    JobKind.CONFIGURE: ProvisionBlynk,
    JobKind.RENEW: RenewBlynk,
    JobKind.REMOVE: RemoveBlynk,
}
_KNOWN: Final = {JobKind.IDENTIFY, JobKind.NETWORKS, JobKind.FORGET, JobKind.CONFIGURE}
"""Without a cloud, of boards that have answered as Blynk's."""
_UNUSED: Final = ("procedure", "frequency_plan", "credentials", "delivery", "commands", "tags")


class BlynkKit:
    """See :class:`agent.jobs.kit.Kit`."""

    def __init__(
        self, cloud: Blynk, *, pace: Pace | None = None, place: Place | None = None
    ) -> None:
        """``place``: where boards answer in their own networks, if not where all do."""
        self._cloud = cloud
        self._pace = pace or Pace()
        self._place = place or Place(ADDRESS, PORT)

    def takes(self, request: Request, board: Board, model: Model | None) -> bool:  # noqa: ARG002 - the interface's
        """What names this cloud, and reading and changing of boards that have answered as its own."""
        if request.kind not in MACHINES:
            return False
        if request.cloud is not None:
            return request.cloud == CLOUD
        return request.kind in _KNOWN and board.provisioning.installed == INSTALLED

    async def plan(
        self,
        request: Request,
        board: Board,
        model: Model | None,  # noqa: ARG002 - the interface's
        via: Via,  # noqa: ARG002 - the interface's
        *,
        attended: bool,
    ) -> Way:
        """Raises :class:`InputError` and :class:`NotSupported`; the board is asked later."""
        for field in _UNUSED:
            if getattr(request, field):
                raise InputError(field=field, problem=f"is not used with {CLOUD}")
        if request.kind is JobKind.RENEW and not request.board and request.access_point is None:
            raise InputError(field="board", problem="is missing: it has to be given the new token")
        info = await self._cloud.info()
        order = BlynkOrder(
            board=board.name,
            cloud=info.title,
            platform=info.signed_in,
            make_name=self._cloud.make_name,
            check_template=self._cloud.check_template,
            name=self._name(request),
            network=self._network(request),
            address=_address(request),
            token=self._token(request),
            template=check_template(request.template, "template") if request.template else "",
            listed=bool(request.board),
            has_board=bool(request.board) or request.access_point is not None,
            access_point=_point(request),
            confirmed=request.confirmed,
        )
        shown: dict[str, Any] = {"cloud": CLOUD}
        shown |= {"name": order.name} if order.name else {}
        shown |= {"network": without_secrets(order.network)} if order.network else {}
        shown |= {"template": order.template} if order.template else {}
        shown |= {"address": request.address.ip} if request.address else {}
        return Way(MACHINES[request.kind](order, attended=attended), shown=shown)

    def hands(self, hold: Hold) -> BlynkHands:
        """See the interface."""
        return BlynkHands(hold, self._cloud, self._pace, self._place)

    def recovery(self, facts: Sequence[Fact]) -> Machine | None:
        """See :class:`agent.jobs.kit.RecoveringKit`."""
        return recovery(facts)

    def _name(self, request: Request) -> str:
        if not request.name:
            return ""
        self._cloud.check_name(request.name)
        return clean_text(request.name)

    def _network(self, request: Request) -> Any:  # noqa: ANN401 - a network or None
        if request.network is None:
            return None
        return board_network(read_network(request.network, None))

    def _token(self, request: Request) -> Pasted | None:
        if request.token is None:
            return None
        pasted = parse_pasted(request.token.reveal())
        wanted = request.template or ""
        if wanted and pasted.template_id and wanted != pasted.template_id:
            problem = f"is {wanted}, but the lines with the token name {pasted.template_id}"
            raise InputError(field="template", problem=problem)
        return pasted


def _address(request: Request) -> StaticAddress | None:
    given = request.address
    if given is None:
        return None
    if (request.network or {}).get("ip"):
        raise InputError(field="address", problem="is given twice: with the network, too")
    address = StaticAddress(given.ip, given.netmask, given.gateway, given.dns, given.dns2)
    try:
        address.check()
    except InputError as error:
        field = str(error.facts["field"]).replace("mask", "netmask")
        raise InputError(field=f"address.{field}", problem=error.facts["problem"]) from None
    return address


def _point(request: Request) -> bytes:
    """The network of the board that is to be used; a board with a link uses it only if that is said."""
    if request.access_point is None or (request.board and request.via != "ap"):
        return b""
    return read_access_point(request.access_point)
