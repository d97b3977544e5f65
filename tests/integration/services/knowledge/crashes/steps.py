"""Where a process is killed."""

from typing import Literal

from tests.integration.services.knowledge.crashes.dying import Death

When = Literal["before", "after"]

INDEX = "services.knowledge.adapters.lancedb_index:LanceDbIndex"
TABLE = "lancedb.table:AsyncTable"
INGESTER = "services.knowledge.ingestion:Ingester"
BLOBS = "libs.stores.blobs:FolderBlobStore"
BILLING = "libs.clients.billing:BillingClient"


def around(step: str, *, nth: int = 1) -> list[Death]:
    return [Death(step, "before", nth), Death(step, "after", nth)]


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
    *around("services.knowledge.ingestion:_serve"),
    *around("services.knowledge.ingestion:_settle_others"),
    Death("services.knowledge.repository:bump_knowledge_version", "after"),
    Death(f"{INGESTER}._publish", "after"),
]
# Before an organisation's first passage: its table and the table's indexes.
FIRST_PASSAGES = [
    Death(f"{INDEX}._create", "before"),
    *(Death(f"{TABLE}.create_index", "before", nth) for nth in (1, 2, 3)),
    Death(f"{INDEX}._create", "after"),
]
# What follows from a content that gave way to another.
REPLACED = [
    *around("services.knowledge.aftermath:discard_unused"),
    *around(f"{BLOBS}.delete"),
    *around(f"{BILLING}.change_storage"),
    *around(f"{INDEX}.remove"),
    *around(f"{INDEX}.maintain"),
]
