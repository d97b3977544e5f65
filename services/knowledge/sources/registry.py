"""Sources that an organisation has named: where, how often, and how their last runs went."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from libs.contracts.errors import ErrorCode, FootnoteError, not_found
from libs.contracts.identity import Subject
from libs.contracts.sources import (
    NewS3Source,
    NewSource,
    NewWebSource,
    S3Place,
    Source,
    SourceAttributes,
    SourceChange,
    SourceFailure,
    SourceRun,
)
from libs.fetch.errors import FetchError
from libs.fetch.urls import parse_url
from libs.s3.errors import S3Error
from libs.stores.postgres import Database
from services.knowledge import repository
from services.knowledge.sources.buckets import Buckets
from services.knowledge.sources.models import SourceRow, SourceRunRow

SOURCES_EACH = 50
RUNS_SHOWN = 20


class SourceRegistry:
    """For an organisation's owners and admins: its sources are the organisation's, whoever named them."""

    def __init__(self, database: Database, buckets: Buckets) -> None:
        self._database = database
        self._buckets = buckets

    async def register(self, subject: Subject, new: NewSource) -> Source:
        """The source, due at once. Raises 422 for an address or a bucket that can't be one, 409 for too many.

        422, too, for a collection that the subject may not put documents into.
        """
        row = SourceRow(
            id=uuid4(),
            organization_id=subject.organization_id,
            owner_id=subject.user_id,
            kind=new.kind,
            depth=0,
            attributes=new.attributes.model_dump(mode="json", exclude_unset=True),
            interval_hours=new.interval_hours,
            next_run_at=func.now(),
        )
        if isinstance(new, NewWebSource):
            row.address, row.depth = _web_address(new.address), new.depth
        else:
            self._name_bucket(row, new)
        async with self._database.transaction() as session:
            await repository.lock_organization(session, subject.organization_id)
            await repository.require_collection(session, subject, new.attributes.collection_id)
            living = select(func.count()).where(
                SourceRow.organization_id == subject.organization_id, SourceRow.deleted_at.is_(None)
            )
            if (await session.scalar(living) or 0) >= SOURCES_EACH:
                message = f"Your organisation has {SOURCES_EACH} sources. Delete one first."
                raise FootnoteError(ErrorCode.CONFLICT, message, 409)
            session.add(row)
            await session.flush()
            await session.refresh(row)
            return shown(row, None)

    async def all(self, subject: Subject) -> list[Source]:
        """The newest first."""
        query = _living(subject).order_by(SourceRow.created_at.desc(), SourceRow.id.desc())
        async with self._database.transaction() as session:
            rows = list(await session.scalars(query))
            last = await _last_runs(session, [row.id for row in rows])
        return [shown(row, last.get(row.id)) for row in rows]

    async def runs(self, subject: Subject, source_id: UUID) -> list[SourceRun]:
        """The newest first."""
        query = select(SourceRunRow).where(SourceRunRow.source_id == source_id)
        async with self._database.transaction() as session:
            await _find(session, subject, source_id)
            rows = await session.scalars(query.order_by(SourceRunRow.finished_at.desc()).limit(RUNS_SHOWN))
            return [shown_run(row) for row in rows]

    async def run_now(self, subject: Subject, source_id: UUID) -> Source:
        """Due at once; one that is running runs once more afterwards."""
        async with self._database.transaction() as session:
            row = await _find(session, subject, source_id)
            row.next_run_at = await session.scalar(select(func.now()))
            await session.flush()
            return shown(row, (await _last_runs(session, [row.id])).get(row.id))

    async def change(self, subject: Subject, source_id: UUID, change: SourceChange) -> Source:
        """Counts with the next run; new credentials and endings make it due at once. Raises 422, 404."""
        said = change.model_fields_set
        async with self._database.transaction() as session:
            row = await _find(session, subject, source_id)
            now = await session.scalar(select(func.now()))
            if said - {"interval_hours"} and row.kind != "s3":
                raise _invalid("credentials", "A web source has no credentials and no endings. Leave them out.")
            if "interval_hours" in said:
                row.interval_hours = change.interval_hours
                if now and not (row.next_run_at and row.next_run_at <= now):
                    row.next_run_at = now + timedelta(hours=change.interval_hours) if change.interval_hours else None
            if said - {"interval_hours"}:
                self._change_bucket(row, change)
                row.next_run_at = now
            await session.flush()
            return shown(row, (await _last_runs(session, [row.id])).get(row.id))

    async def delete(self, subject: Subject, source_id: UUID, *, keep_documents: bool) -> None:
        """Gone at once; without `keep_documents` a worker then deletes its documents."""
        async with self._database.transaction() as session:
            row = await _find(session, subject, source_id)
            if keep_documents:
                await session.delete(row)
            else:
                row.deleted_at = row.next_run_at = await session.scalar(select(func.now()))

    def _name_bucket(self, row: SourceRow, new: NewS3Source) -> None:
        place = S3Place.model_validate(new.model_dump(include=set(S3Place.model_fields)))
        try:
            self._buckets.require_readable(place, row.organization_id, has_credentials=new.credentials is not None)
        except S3Error as error:
            raise _invalid("endpoint" if new.credentials else "credentials", str(error)) from error
        row.address = f"s3://{place.bucket}/{place.prefix}"
        row.options = place.model_dump(mode="json")
        if new.credentials:
            row.secret = self._buckets.encrypted(row.id, new.credentials)

    def _change_bucket(self, row: SourceRow, change: SourceChange) -> None:
        """Without `credentials`, where the operator lists the bucket, its own are forgotten."""
        endings = change.model_dump(include={"include", "exclude"}, exclude_none=True)
        row.options = row.options | endings
        if "credentials" not in change.model_fields_set:
            return
        place = S3Place.model_validate(row.options)
        try:
            self._buckets.require_readable(place, row.organization_id, has_credentials=change.credentials is not None)
        except S3Error as error:
            raise _invalid("credentials", str(error)) from error
        row.secret = self._buckets.encrypted(row.id, change.credentials) if change.credentials else None


def _web_address(address: str) -> str:
    try:
        return str(parse_url(address))
    except FetchError as error:
        raise _invalid("address", str(error)) from error


def _invalid(field: str, message: str) -> FootnoteError:
    return FootnoteError(ErrorCode.VALIDATION_ERROR, message, 422, {"fields": [{"field": field, "message": message}]})


def shown(row: SourceRow, last: SourceRunRow | None) -> Source:
    return Source(
        source_id=row.id,
        kind=row.kind,
        address=row.address,
        depth=row.depth,
        s3=S3Place.model_validate(row.options) if row.kind == "s3" else None,
        interval_hours=row.interval_hours,
        attributes=SourceAttributes.model_validate(row.attributes),
        next_run_at=row.next_run_at,
        running=row.lease is not None,
        last_run=shown_run(last) if last else None,
        created_at=row.created_at,
    )


def shown_run(row: SourceRunRow) -> SourceRun:
    return SourceRun(
        run_id=row.id,
        started_at=row.started_at,
        finished_at=row.finished_at,
        added=row.added,
        updated=row.updated,
        unchanged=row.unchanged,
        moved=row.moved,
        deleted=row.deleted,
        skipped=row.skipped,
        failed=row.failed,
        failures=[SourceFailure.model_validate(failure) for failure in row.failures],
        error=row.error,
    )


def _living(subject: Subject):  # noqa: ANN202 - SQLAlchemy's own type says less than the name
    return select(SourceRow).where(SourceRow.organization_id == subject.organization_id, SourceRow.deleted_at.is_(None))


async def _find(session: AsyncSession, subject: Subject, source_id: UUID) -> SourceRow:
    row = await session.scalar(_living(subject).where(SourceRow.id == source_id).with_for_update())
    if row is None:
        raise not_found("source", source_id)
    return row


async def _last_runs(session: AsyncSession, source_ids: Sequence[UUID]) -> dict[UUID, SourceRunRow]:
    query = select(SourceRunRow).where(SourceRunRow.source_id.in_(source_ids)).order_by(SourceRunRow.finished_at)
    return {row.source_id: row for row in await session.scalars(query)}
