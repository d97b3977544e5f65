"""Where a process is killed."""

from collections.abc import Sequence
from typing import Literal

import pytest

from tests.integration.services.knowledge.crashes.dying import Death

When = Literal["before", "after"]

INDEX = "services.knowledge.adapters.lancedb_index:LanceDbIndex"
TABLE = "lancedb.table:AsyncTable"
INGESTER = "services.knowledge.ingestion:Ingester"
BLOBS = "libs.stores.blobs:FolderBlobStore"
BILLING = "libs.clients.billing:BillingClient"


def around(step: str, *, nth: int = 1) -> list[Death]:
    return [Death(step, "before", nth), Death(step, "after", nth)]


def parametrize(metafunc: pytest.Metafunc, name: str, steps: Sequence[Death], smoke: Sequence[Death] = ()) -> None:
    """Gives a test its steps: all of them with --full, else its smoke."""
    if name not in metafunc.fixturenames:
        return
    skipped = pytest.param(None, marks=pytest.mark.skip("a process for each step; run with --full"))
    chosen = steps if metafunc.config.getoption("--full") else smoke or [skipped]
    metafunc.parametrize(name, chosen, ids=str)


# From a revision that waits to one that is served.
INDEXING = [
    *around("services.knowledge.queue:claim"),
    *around("services.knowledge.parsing.sandbox:Sandbox.parse"),
    *around("services.knowledge.ingestion:chunk"),
    *around("libs.clients.embedding:EmbeddingClient.embed_passages"),
    Death(f"{INGESTER}._index_claimed", "before"),
    Death(f"{TABLE}.add", "before"),
    Death(f"{TABLE}.add", "after"),
    *around(f"{INDEX}.add"),
    *around("services.knowledge.publishing:serve"),
    *around("services.knowledge.publishing:settle_others"),
    *around("services.knowledge.repository:keep_texts"),
    Death("services.knowledge.repository:bump_knowledge_version", "after"),
    Death(f"{INGESTER}._publish", "after"),
]
# Before an organisation's first passage: its table and the table's indexes.
FIRST_PASSAGES = [
    Death(f"{INDEX}._complete", "before"),
    *(Death(f"{TABLE}.create_index", "before", nth) for nth in (1, 2, 3)),
    Death(f"{INDEX}._complete", "after"),
]
# What follows from a content that gave way to another.
REPLACED = [
    *around("services.knowledge.aftermath:discard_unused"),
    *around(f"{BLOBS}.delete"),
    *around(f"{BILLING}.change_storage"),
    *around(f"{INDEX}.remove"),
    *around(f"{INDEX}.maintain"),
]
# Index rows follow what was said of their document.
FOLLOWING = [
    Death(f"{INDEX}.update", "before"),
    *around(f"{TABLE}.update"),
    Death("services.knowledge.repository:bump_knowledge_version", "before"),
    Death("services.knowledge.catching_up:IndexCatchUp._follow", "after"),
]
# A document's last row is still there while any of these is to be done.
PURGING = [
    *around("services.knowledge.aftermath:discard_unused"),
    *around(f"{BILLING}.change_storage"),
    *around(f"{INDEX}.rewrite"),
    Death(f"{TABLE}.create_index", "after"),
    *around("services.knowledge.search_cache:SearchCache.forget"),
    *around(f"{INDEX}.forget"),
    *around("services.knowledge.search_cache:SearchCache.forget_history"),
]
EMPTYING = [
    *around("services.knowledge.purge:give_up_document"),
    Death("services.knowledge.purge:Purger.empty_bins", "after"),
]
PACKING = [
    Death("services.knowledge.packing:Packer._claim", "after"),
    Death("services.knowledge.packing:_Packing._renew", "before"),
    *around("libs.stores.blobs:_sync"),
    *around("libs.stores.blobs:_move"),
    *around("services.knowledge.packing:Packer._finish"),
]
FETCHING = [
    *around("services.knowledge.sources.schedule:claim"),
    *around("services.knowledge.uploads:Uploads.accept"),
    *around("services.knowledge.uploads:Uploads._write"),
    Death("services.knowledge.uploads:Uploads.accept", "after", 2),
    *around("services.knowledge.sources.schedule:finish"),
]
# In the API's process, from a request's first byte to its answer.
ACCEPTING = [
    *around("libs.stores.blobs:_sync"),
    *around("libs.stores.blobs:_move"),
    *around("services.knowledge.uploads:Uploads._write"),
    *around(f"{BILLING}.change_storage"),
    *around("services.knowledge.uploads:Uploads._line_up"),
    Death("services.knowledge.uploads:Uploads.accept", "after"),
]
DELETING = [
    *around("services.knowledge.queue:withdraw"),
    *around(f"{INDEX}.update"),
    *around("services.knowledge.catching_up:IndexCatchUp.now"),
]
PARTS = [
    Death("services.knowledge.sources.parts:Part.append", "after"),
    Death("services.knowledge.sources.parts:Part.append", "after", 2),
    *around("services.knowledge.sources.resumable:ResumableUploads._live_on"),
    *around("services.knowledge.uploads:Uploads.accept"),
    *around("services.knowledge.sources.parts:Parts.delete"),
]
