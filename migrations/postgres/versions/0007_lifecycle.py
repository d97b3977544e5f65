"""Collections, what is said of a document besides its title, the bin, purging, re-indexing and exports."""

from alembic import op

revision = "0007"
down_revision = "0006"

ACCESS = "CHECK (access IN ('private', 'organization', 'groups', 'inherited'))"

STATEMENTS = (
    """
    CREATE TABLE knowledge.collections (
        id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        owner_id uuid NOT NULL,
        name text NOT NULL,
        access text NOT NULL CHECK (access IN ('private', 'organization', 'groups')),
        group_ids uuid[] NOT NULL DEFAULT '{}',
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (organization_id, id)
    )
    """,
    """
    CREATE TRIGGER collections_touch BEFORE UPDATE ON knowledge.collections
    FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at()
    """,
    # Until now a collection was a bare id that anyone could write; it becomes its first document's owner's own.
    """
    INSERT INTO knowledge.collections (id, organization_id, owner_id, name, access)
    SELECT DISTINCT ON (d.collection_id)
        d.collection_id, d.organization_id, d.owner_id, d.collection_id::text, 'private'
    FROM knowledge.documents AS d WHERE d.collection_id IS NOT NULL ORDER BY d.collection_id, d.created_at, d.id
    """,
    """
    UPDATE knowledge.documents AS document SET collection_id = NULL
    WHERE collection_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM knowledge.collections AS collection
        WHERE collection.organization_id = document.organization_id AND collection.id = document.collection_id)
    """,
    """
    UPDATE knowledge.revisions AS revision SET collection_id = NULL
    WHERE collection_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM knowledge.collections AS collection
        WHERE collection.organization_id = revision.organization_id AND collection.id = revision.collection_id)
    """,
    "ALTER TABLE knowledge.documents DROP CONSTRAINT documents_access_check",
    f"""
    ALTER TABLE knowledge.documents
        ADD CONSTRAINT documents_access_check {ACCESS},
        ADD FOREIGN KEY (organization_id, collection_id) REFERENCES knowledge.collections (organization_id, id),
        ADD COLUMN metadata jsonb NOT NULL DEFAULT '{{}}',
        ADD COLUMN language text,
        ADD COLUMN source text,
        ADD COLUMN served_revision uuid,
        ADD COLUMN purged_at timestamptz
    """,
    "ALTER TABLE knowledge.revisions DROP CONSTRAINT revisions_access_check",
    f"""
    ALTER TABLE knowledge.revisions
        ADD CONSTRAINT revisions_access_check {ACCESS},
        ADD COLUMN metadata jsonb NOT NULL DEFAULT '{{}}',
        ADD COLUMN source text,
        ADD COLUMN again boolean NOT NULL DEFAULT false
    """,
    """
    UPDATE knowledge.documents AS document SET served_revision = revision.id
    FROM knowledge.revisions AS revision
    WHERE revision.document_id = document.id AND revision.status = 'completed'
        AND document.served_version IS NOT NULL
    """,
    # Until now a deleted document was one on its way out.
    "UPDATE knowledge.documents SET purged_at = deleted_at WHERE deleted_at IS NOT NULL",
    "CREATE INDEX documents_collection ON knowledge.documents (collection_id) WHERE collection_id IS NOT NULL",
    "CREATE INDEX documents_purged ON knowledge.documents (organization_id) WHERE purged_at IS NOT NULL",
    "CREATE INDEX collections_listing ON knowledge.collections (organization_id, name, id)",
    """
    CREATE TABLE knowledge.exports (
        id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        user_id uuid NOT NULL,
        subject jsonb NOT NULL,
        filters jsonb NOT NULL,
        status text NOT NULL CHECK (status IN ('pending', 'running', 'ready', 'failed')),
        attempts integer NOT NULL DEFAULT 0,
        lease uuid,
        lease_until timestamptz,
        document_ids uuid[] NOT NULL DEFAULT '{}',
        sha256 text,
        size_bytes bigint NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz
    )
    """,
    # One at a time for each user, also when two requests come at the same moment.
    """
    CREATE UNIQUE INDEX exports_unfinished ON knowledge.exports (organization_id, user_id)
    WHERE status IN ('pending', 'running')
    """,
    "CREATE INDEX exports_content ON knowledge.exports (organization_id, sha256)",
)


def upgrade() -> None:
    op.execute("SET LOCAL ROLE footnote_knowledge")
    for statement in STATEMENTS:
        op.execute(statement)
    op.execute("RESET ROLE")


def downgrade() -> None:
    op.execute("UPDATE knowledge.documents SET access = 'private' WHERE access = 'inherited'")
    op.execute("UPDATE knowledge.revisions SET access = 'private' WHERE access = 'inherited'")
    op.execute("DROP TABLE knowledge.exports")
    former = "CHECK (access IN ('private', 'organization', 'groups'))"
    op.execute("ALTER TABLE knowledge.revisions DROP CONSTRAINT revisions_access_check")
    op.execute(
        f"ALTER TABLE knowledge.revisions ADD CONSTRAINT revisions_access_check {former}, DROP COLUMN metadata, "
        "DROP COLUMN source, DROP COLUMN again"
    )
    op.execute("ALTER TABLE knowledge.documents DROP CONSTRAINT documents_access_check")
    op.execute(
        f"ALTER TABLE knowledge.documents ADD CONSTRAINT documents_access_check {former}, DROP COLUMN metadata, "
        "DROP COLUMN language, DROP COLUMN source, DROP COLUMN served_revision, DROP COLUMN purged_at, "
        "DROP CONSTRAINT documents_organization_id_collection_id_fkey"
    )
    op.execute("DROP TABLE knowledge.collections")
