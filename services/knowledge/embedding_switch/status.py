"""How far the indexes have followed the embedding model: for the operator, for Prometheus, for health."""

from collections import Counter
from collections.abc import Sequence

from prometheus_client import Gauge
from sqlalchemy import func, select

from libs.contracts.embedding_switch import IndexesOfSpace, SwitchStatus
from libs.contracts.errors import FootnoteError
from libs.stores.postgres import Database
from libs.telemetry.logs import get_logger
from services.knowledge import queue
from services.knowledge.embedding_switch.models import IndexRow
from services.knowledge.embedding_switch.served_models import ModelList, ServedModels, same_space

log = get_logger(__name__)

ORGANIZATIONS = Gauge(
    "footnote_embedding_switch_organizations",
    "Organisations with an index, by whether it is of the default model: switched, waiting, or unserved: "
    "made with a model that isn't served.",
    ["state"],
)
PASSAGES = Gauge(
    "footnote_embedding_switch_passages",
    "Passages of indexes under construction: done, missing.",
    ["state"],
)
FORMER = Gauge("footnote_embedding_switch_former_indexes", "Indexes kept for switching back.")


class ModelNotServedError(Exception):
    """Indexes that are searched were made with a model that isn't served."""


class SwitchReports:
    def __init__(self, database: Database, models: ServedModels) -> None:
        self._database = database
        self._models = models
        self._told = ""

    async def now(self) -> SwitchStatus:
        """Raises FootnoteError while embedding doesn't say which model is the default."""
        models = await self._models.known()
        names = models.names_of_default_space()
        row = IndexRow
        searched = select(row.space, func.count()).where(row.serving).group_by(row.space)
        sums = (func.sum(row.passages_done), func.sum(row.passages_total), func.sum(row.passages_cut))
        built = select(*sums).where(~row.serving, row.space.in_(names))
        cut = select(func.sum(row.passages_cut)).where(row.serving)
        pace = select(row.passages_a_second).where(row.passages_a_second.is_not(None)).order_by(row.worked_at.desc())
        former = select(func.count()).where(~row.serving, row.space.not_in(names))
        async with self._database.transaction() as session:
            spaces: list[tuple[str, int]] = [(space, count) for space, count in await session.execute(searched)]
            done, total, cut_now = (int(value or 0) for value in (await session.execute(built)).one())
            cut_before = int(await session.scalar(cut) or 0)
            per_second = await session.scalar(pace.limit(1))
            kept = await session.scalar(former) or 0
        missing = total - done
        return SwitchStatus(
            model=models.default.id,
            organizations=sum(count for _, count in spaces),
            switched=sum(count for space, count in spaces if same_space(space, models.default.space)),
            searched=_searched(spaces, models),
            passages_done=done,
            passages_total=total,
            passages_cut=cut_now + cut_before,
            seconds_left=round(missing / per_second, 1) if per_second else None,
            former=kept,
        )

    async def measure(self) -> None:
        """Puts the figures where Prometheus reads them, and says in the log what changed for the worse."""
        try:
            status = await self.now()
        except FootnoteError:
            return
        unserved = _unserved(status)
        ORGANIZATIONS.labels("switched").set(status.switched)
        ORGANIZATIONS.labels("unserved").set(sum(one.organizations for one in unserved))
        ORGANIZATIONS.labels("waiting").set(status.organizations - status.switched)
        PASSAGES.labels("done").set(status.passages_done)
        PASSAGES.labels("missing").set(status.passages_total - status.passages_done)
        FORMER.set(status.former)
        problem = _problem(unserved)
        if problem and problem != self._told:
            log.warning("searches go by words alone", reason=problem)
        self._told = problem

    async def tell_documents(self) -> None:
        """Why they wait, where the model of their organisation's index isn't served; no longer where it is again."""
        try:
            models = await self._models.known()
        except FootnoteError:
            return
        async with self._database.transaction() as session:
            await queue.say_unserved(session, models.names_of_spaces())

    async def check(self) -> None:
        """For health. Raises ModelNotServedError."""
        try:
            problem = _problem(_unserved(await self.now()))
        except FootnoteError:
            return
        if problem:
            raise ModelNotServedError(problem)


def _searched(spaces: Sequence[tuple[str, int]], models: ModelList) -> list[IndexesOfSpace]:
    counts: Counter[tuple[str, str | None]] = Counter()
    for space, count in spaces:
        model = models.of(space)
        counts[model.space if model else space, model.id if model else None] += count
    return [IndexesOfSpace(space=space, model=model, organizations=count) for (space, model), count in counts.items()]


def _unserved(status: SwitchStatus) -> list[IndexesOfSpace]:
    return [one for one in status.searched if one.model is None]


def _problem(unserved: Sequence[IndexesOfSpace]) -> str:
    if not unserved:
        return ""
    organizations = sum(one.organizations for one in unserved)
    spaces = ", ".join(sorted(one.space for one in unserved))
    return (
        f"{organizations} organisation(s) are searched by words alone and index nothing new until their indexes are "
        f"rebuilt: they were made with {spaces}, which isn't served. Name that model in embedding.also."
    )
