"""What must hold of a few people's documents, said once more without a database."""

from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from libs.contracts.identity import Role, Subject

Groups = frozenset[UUID]
# None: what the collection says, and outside of one everybody in the organisation.
TrueAccess = Literal["private", "organization", "public"] | Groups | None


def is_admin(subject: Subject) -> bool:
    return subject.role in (Role.OWNER, Role.ADMIN)


def open_to(subject: Subject, owner: UUID, access: TrueAccess) -> bool:
    if subject.role is Role.GUEST:
        return access == "public"
    if subject.user_id == owner or access in ("organization", "public"):
        return True
    return isinstance(access, frozenset) and bool(access & subject.groups)


def may_name(subject: Subject, access: TrueAccess) -> bool:
    return not isinstance(access, frozenset) or is_admin(subject) or access <= subject.groups


@dataclass
class TrueCollection:
    owner: UUID
    access: TrueAccess

    def managed_by(self, subject: Subject) -> bool:
        return subject.user_id == self.owner or (is_admin(subject) and open_to(subject, self.owner, self.access))


@dataclass
class TrueDocument:
    owner: UUID
    external_id: str | None
    content: str
    access: TrueAccess
    collection: str | None
    flock: int = 0
    place: Literal["living", "bin", "purged"] = "living"


@dataclass
class Truth:
    """One organisation's documents and collections by their ids."""

    documents: dict[str, TrueDocument] = field(default_factory=dict[str, TrueDocument])
    collections: dict[str, TrueCollection] = field(default_factory=dict[str, TrueCollection])

    def admits(self, subject: Subject, document: TrueDocument) -> bool:
        shared = subject.shared_collections
        if shared is not None and not (document.collection and UUID(document.collection) in shared):
            return False
        if document.access is None and document.collection:
            collection = self.collections[document.collection]
            return subject.user_id == document.owner or open_to(subject, collection.owner, collection.access)
        return open_to(subject, document.owner, document.access or "organization")

    def reads(self, subject: Subject, document: TrueDocument) -> bool:
        return document.place == "living" and self.admits(subject, document)

    def restores(self, subject: Subject, document: TrueDocument) -> bool:
        return document.place == "bin" and self.admits(subject, document) and self.owns(subject, document)

    def owns(self, subject: Subject, document: TrueDocument) -> bool:
        return subject.user_id == document.owner or is_admin(subject)

    def manages(self, subject: Subject, document: TrueDocument) -> bool:
        return self.reads(subject, document) and self.owns(subject, document)

    def named(self, external_id: str | None) -> str | None:
        """The id of the living document of that name."""
        living = [
            key for key, one in self.documents.items() if one.place == "living" and one.external_id == external_id
        ]
        return living[0] if external_id and living else None

    def may_put(self, subject: Subject, collection: str | None) -> bool:
        return collection is None or self.collections[collection].managed_by(subject)

    def move(self, document: TrueDocument, collection: str | None) -> None:
        if collection is None and document.collection and document.access is None:
            document.access = self.collections[document.collection].access
        document.collection = collection


def as_sent(access: TrueAccess) -> Any:
    return {"groups": sorted(map(str, access))} if isinstance(access, frozenset) else access
