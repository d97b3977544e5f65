"""Brings an S3 source's documents in step with the objects below its prefix."""

from libs.contracts.identity import Subject
from libs.contracts.sources import S3Place
from libs.s3.answers import S3Object
from libs.s3.errors import S3Error
from libs.stores.postgres import Database
from services.knowledge.sources.bucket_visit import BucketVisit
from services.knowledge.sources.buckets import Buckets
from services.knowledge.sources.models import SourceRow
from services.knowledge.sources.object_states import ObjectStates
from services.knowledge.sources.report import Report
from services.knowledge.sources.source_documents import SourceDocuments, object_external_id

MAX_OBJECTS = 100_000


class BucketSync:
    def __init__(self, database: Database, documents: SourceDocuments, buckets: Buckets, max_bytes: int) -> None:
        self._states = ObjectStates(database)
        self._documents = documents
        self._buckets = buckets
        self._max_bytes = max_bytes

    async def bring_in_step(self, row: SourceRow, subject: Subject, report: Report) -> None:
        """Changes nothing unless the whole listing was read, nor where it is empty though documents came from there.

        Raises S3Error.
        """
        place = S3Place.model_validate(row.options)
        known = await self._documents.known(subject, row.id)
        async with self._buckets.open(row, place) as bucket:
            listed = [found async for found in bucket.objects(place.prefix, MAX_OBJECTS)]
            if known and not listed:
                raise S3Error(
                    f"There is no object below the prefix, where {len(known):,} documents came from. Nothing was "
                    "deleted. If that is meant, delete the source with its documents."
                )
            excluded = await self._documents.excluded(row.id)
            wanted = {
                found.key: found
                for found in listed
                if _is_wanted(found, place) and object_external_id(row.id, found.key) not in excluded
            }
            states = await self._states.all(row.id)
            visit = BucketVisit(
                row, subject, report, known, states, wanted, self._documents, self._states, self._max_bytes
            )
            for key in sorted(wanted):
                await visit.take_in(bucket, wanted[key])
        await visit.delete_gone()


def _is_wanted(found: S3Object, place: S3Place) -> bool:
    """Not a folder's marker, and with an ending that was asked for."""
    key = found.key.lower()
    if key.endswith("/") and not found.size_bytes:
        return False
    included = not place.include or key.endswith(tuple(ending.lower() for ending in place.include))
    return included and not key.endswith(tuple(ending.lower() for ending in place.exclude))
