"""The procedure for a request where the clouds of provisioning 1.0 and 2.0, or none, take part."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from agent.clouds.devices import DeviceCloud
from agent.errors import InputError, NotSupported
from agent.flash.signed_list import check_address
from agent.jobs import configure, forget, provision
from agent.jobs.check import check_kind
from agent.jobs.device_plan import DEVICE_PROCEDURES, device_machine
from agent.jobs.enrol_plan import refuse_enrol_only
from agent.jobs.flash import Flash
from agent.jobs.flash_effects import Source, plain_address
from agent.jobs.guide import air_firmware, guide_of
from agent.jobs.identify import Identify
from agent.jobs.improv_plan import (
    ONLY_IMPROV,
    blink_machine,
    join_machine,
    refuse_cloud,
    refuse_forget,
    with_improv,
)
from agent.jobs.job import JobKind, without_secrets
from agent.jobs.networks import Networks
from agent.jobs.preconditions import (
    VERSION,
    check_account,
    check_device_name,
    check_model,
    choose_cloud,
    cloud_says,
    flashable,
    forget_order,
    fqbn_for,
    provisioning_sketch,
    serial_of,
    usual_name,
    way_out_of_run,
)
from agent.jobs.reach import in_bootloader, needs_cable
from agent.jobs.request import read_network
from agent.jobs.setup import Setup, SetupOrder
from agent.jobs.start import Start
from agent.jobs.which import CloudSays, decide
from agent.settings import clean_text
from agent.settings.network import parse_network

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.boards.board import Board, Via
    from agent.catalog import Catalog, Model
    from agent.clouds.cloud import Cloud
    from agent.clouds.enrolment import EnrolCloud
    from agent.jobs.improv_plan import Chance
    from agent.jobs.kit import Kit
    from agent.jobs.machine import Machine
    from agent.jobs.request import Request
    from agent.jobs.which import Decision
    from agent.settings.network import NetworkSetting

MIGRATION_CLOUD: Final = "arduino"


@dataclass(frozen=True, slots=True)
class Way:
    """The procedure that was chosen."""

    machine: Machine
    cloud: Cloud | None = None
    shown: dict[str, Any] | None = None
    enrolment: EnrolCloud | None = None
    kit: Kit | None = None


class Planner:
    """One request for one board."""

    def __init__(
        self,
        request: Request,
        board: Board,
        model: Model | None,
        catalog: Catalog,
        clouds: Mapping[str, Cloud],
        via: Via,
        chance: Chance,
        stored: str,
        *,
        attended: bool,
    ) -> None:
        self._request = request
        self._board = board
        self._model = model
        self._catalog = catalog
        self._clouds = clouds
        self._via = via
        self._chance = chance
        self._stored = stored
        self._attended = attended

    async def choose(self) -> Way:
        """The procedure for every kind of job but those that :mod:`agent.jobs.plan` gives to others."""
        request, model = self._request, self._model
        match request.kind:
            case JobKind.IDENTIFY:
                known = self._board.provisioning.installed == VERSION
                by_1 = model is not None and "1.0" in model.provisioning and not known
                by_1 = by_1 and self._via == "usb"
                only_1 = by_1 and model is not None and VERSION not in model.provisioning
                other = partial(Identify, attended=self._attended, may_be_1=by_1, only_1=only_1)
                improv = Identify(attended=self._attended)
                return Way(with_improv(self._chance, improv, other))
            case JobKind.NETWORKS:
                look = partial(Networks, attended=self._attended)
                return Way(with_improv(self._chance, look(), look))
            case JobKind.BLINK:
                return Way(blink_machine(self._board, self._via, attended=self._attended))
            case JobKind.FORGET if self._chance == "speaks":
                raise refuse_forget(self._board)
            case JobKind.FORGET:
                order = forget_order(self._board, model, self._via, confirmed=request.confirmed)
                return Way(forget.Forget(order, attended=self._attended))
            case JobKind.CONFIGURE:
                return self._configure()
            case JobKind.FLASH:
                return self._flash()
            case JobKind.START:
                flashable(model, self._board)
                return Way(Start(attended=self._attended))
            case JobKind.MIGRATE:
                return await self._migrate()
            case _:  # PROVISION; the others were planned before
                return await self._provision()

    def _only_network(self, other: Callable[[NetworkSetting], Machine]) -> Way:
        """The board is only put on a network: in Improv Wi-Fi, or as ``other`` does it."""
        if self._chance not in ONLY_IMPROV:
            check_model(self._model)
        network = read_network(self._request.network, self._model)
        if self._chance in ONLY_IMPROV:
            check_kind(network, clean_text(self._board.name), ("wifi",))
        improv = join_machine(
            self._request, self._board, self._catalog, network, attended=self._attended
        )
        machine = with_improv(self._chance, improv, lambda: other(network))
        return Way(machine, shown={"network": without_secrets(network)})

    def _configure(self) -> Way:
        return self._only_network(self._configure_2)

    def _configure_2(self, network: NetworkSetting) -> Machine:
        return configure.Configure(
            network,
            in_run=way_out_of_run(self._model),
            guide=guide_of(self._model),
            air_firmware=air_firmware(self._model),
            confirmed=self._request.confirmed,
            attended=self._attended,
        )

    def _flash(self) -> Way:
        request, model = self._request, flashable(self._model, self._board)
        given = [field for field in ("sketch", "image", "url") if getattr(request, field)]
        if len(given) != 1:
            problem = "is missing" if not given else f"does not go with {given[1]}"
            raise InputError(field=given[0] if given else "sketch", problem=problem)
        if request.override is not None and request.override != model.id:
            problem = f"must be the id of this board's model, {model.id}"
            raise InputError(field="override", problem=problem)
        if request.url:
            check_address("url", request.url, local=True)
        override = request.override is not None
        if request.sketch in {"provisioning", "provisioning-1.0"}:
            source = provisioning_sketch(model, request.sketch)
        else:
            source = Source(
                stored=request.sketch, upload=request.image, url=request.url, override=override
            )
        what = request.image.name if request.image else request.sketch
        shown = {"sketch": clean_text(what) if what else plain_address(request.url or "")}
        return Way(Flash(source, attended=self._attended), shown=shown)

    async def _migrate(self) -> Way:
        request, model = self._request, flashable(self._model, self._board)
        if VERSION not in model.provisioning:
            raise NotSupported(
                model=model.name,
                what="take provisioning 2.0",
                why="There is no provisioning sketch of this version for it.",
                action="Set it up in the way that there is for it.",
            )
        cloud = choose_cloud(request.cloud or MIGRATION_CLOUD, self._clouds)
        if cloud.id == provision.NO_CLOUD:
            raise InputError(field="cloud", problem="must be one that knows provisioning 2.0")
        # A sketch of the store will do where nothing else is wanted of the cloud.
        only = request.prepare_only
        title = (await cloud.info()).title if only else await check_account(cloud)
        network = None
        if request.network is not None:
            network = read_network(request.network, model)
        elif not self._attended and not request.prepare_only:
            raise InputError(field="network", problem="is missing, and nobody can be asked")
        name = check_device_name(request.name or usual_name(model, self._board), cloud)
        order = self._order(cloud, title, name)
        machine = Setup(
            order, network, attended=self._attended, migrate=True, prepare_only=request.prepare_only
        )
        shown: dict[str, Any] = {"cloud": cloud.id}
        shown |= {"prepare_only": True} if request.prepare_only else {"name": name}
        if network is not None:
            shown["network"] = without_secrets(network)
        return Way(machine, cloud, shown)

    async def _provision(self) -> Way:
        request, model = self._request, self._model
        cloud = choose_cloud(request.cloud, self._clouds)
        refuse_enrol_only(request)
        in_cloud = cloud.id != provision.NO_CLOUD
        if in_cloud and request.procedure == "improv":
            raise InputError(field="cloud", problem="must be none: the procedure improv has none")
        if in_cloud and self._chance == "speaks" and (model is None or self._via == "ble"):
            raise refuse_cloud(self._board)
        title = await check_account(cloud)
        name = check_device_name(request.name, cloud)
        shown = {"cloud": cloud.id, "name": name}
        if not in_cloud and request.procedure in {None, "improv"}:

            def other(network: NetworkSetting) -> Machine:
                order = self._order(cloud, title, name)
                return Setup(order, network, attended=self._attended)

            way = self._only_network(other)
            return Way(way.machine, cloud, shown | (way.shown or {}))
        if model is not None and in_cloud:
            decision = await self._decide(model, cloud, title)
            if decision.procedure in DEVICE_PROCEDURES and self._via == "ble":
                raise needs_cable(self._board, "be set up with provisioning 1.0", decision.reason)
            if decision.procedure in DEVICE_PROCEDURES:
                return self._make_device(decision, model, cloud, title, name, shown)
        network = self._network_2()
        machine = Setup(self._order(cloud, title, name), network, attended=self._attended)
        return Way(machine, cloud, shown | {"network": without_secrets(network)})

    async def _decide(self, model: Model, cloud: Cloud, title: str) -> Decision:
        """By catalogue and cloud; the cloud is asked only where its answer makes a difference."""
        says = CloudSays(title=title)
        if "1.0" in model.provisioning and VERSION in model.provisioning:
            says = await cloud_says(cloud, model, title)
        decision = decide(model, says, wanted=self._request.procedure)
        if decision.procedure == "unsupported":
            raise NotSupported(
                model=model.name,
                what=f"be set up with {title}",
                why=decision.reason,
                action="Choose another cloud, or only put the board on the network.",
            )
        return decision

    def _make_device(
        self,
        decision: Decision,
        model: Model,
        cloud: Cloud,
        title: str,
        name: str,
        shown: dict[str, Any],
    ) -> Way:
        request = self._request
        network = None
        if request.network is not None:
            network = parse_network(request.network)
            shown = shown | {"network": without_secrets(network)}
        machine = device_machine(
            decision,
            model,
            cloud,
            cloud_title=title,
            name=name,
            fqbn=fqbn_for(self._board, model, cloud),
            serial_number=serial_of(self._board),
            network=network,
            frequency_plan=request.frequency_plan,
            confirmed=request.confirmed,
            attended=self._attended,
        )
        return Way(machine, cloud, shown | {"procedure": decision.procedure})

    def _network_2(self) -> NetworkSetting:
        """The network of a board that takes it over the wire."""
        check_model(self._model)
        return read_network(self._request.network, self._model)

    def _order(self, cloud: Cloud, title: str, name: str) -> SetupOrder:
        board, request = self._board, self._request
        return SetupOrder(
            cloud=cloud.id,
            cloud_title=title,
            name=name,
            fqbn=fqbn_for(board, self._model, cloud),
            serial_number=serial_of(board),
            confirmed=request.confirmed,
            guide=guide_of(self._model),
            stored=self._stored,
            air_firmware=air_firmware(self._model),
            model=self._model,
            procedure=request.procedure,
            in_bootloader=in_bootloader(board, self._via),
            keeps_devices=isinstance(cloud, DeviceCloud),
            delete_old=request.delete_old,
        )
