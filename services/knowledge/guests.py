"""What the holders of share links are shown of a public document: nothing of its surroundings or of its future."""

from libs.contracts.errors import forbidden
from libs.contracts.identity import Subject
from libs.contracts.knowledge import (
    Document,
    DocumentStatus,
    RetrievedPassage,
    SearchFilters,
    SearchRequest,
    SearchResult,
)
from services.knowledge.access import PUBLIC, is_guest


def shown_to(subject: Subject, document: Document) -> Document:
    """A guest sees a served document as completed: a content to come or to fail is the members'.

    So is where a document came from and where it lies: its source, external id and collection.
    """
    if not is_guest(subject):
        return document
    hidden = {"status": DocumentStatus.COMPLETED, "error": None, "progress": None, "waiting": None}
    inner = {"collection_id": None, "source": None, "external_id": None, "updated_at": document.created_at}
    return document.model_copy(update={**hidden, **inner, "access": PUBLIC, "inherits_access": False})


def require_open_filters(subject: Subject, filters: SearchFilters | None) -> None:
    """403 for a guest who filters by what guests aren't shown."""
    if is_guest(subject) and filters and (filters.source or filters.external_ids or filters.collection_id):
        raise forbidden("Documents are told apart by source, external id and collection among members alone.")


def require_explainable(subject: Subject, body: SearchRequest) -> None:
    if body.explain and is_guest(subject):
        raise forbidden("How passages were ranked is shown to members alone. Leave 'explain' out.")


def result_for(subject: Subject, passage: RetrievedPassage, *, explain: bool) -> SearchResult:
    """A guest's score is made of ranks: BM25 would tell how many other documents hold a word."""
    result = SearchResult.model_validate(passage.model_dump(exclude=None if explain else {"scores"}))
    if is_guest(subject):
        result.external_id = None
        result.score = passage.scores.fused if passage.scores else result.score
    return result
