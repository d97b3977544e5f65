"""Share links, and documents that their holders may read."""

from alembic import op

revision = "0012"
down_revision = "0011"

WITH_PUBLIC = {
    "documents": "'private', 'organization', 'groups', 'inherited', 'public'",
    "revisions": "'private', 'organization', 'groups', 'inherited', 'public'",
    "collections": "'private', 'organization', 'groups', 'public'",
}

# A link ends with the membership of whoever made it, so that a removed admin leaves no way back in.
SHARE_LINKS = (
    """
    CREATE TABLE auth.share_links (
        id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        name text,
        collections uuid[],
        created_by uuid NOT NULL,
        hash bytea NOT NULL CONSTRAINT share_links_hash UNIQUE,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz,
        last_used_at timestamptz,
        FOREIGN KEY (organization_id, created_by) REFERENCES auth.memberships ON DELETE CASCADE
    )
    """,
    "CREATE INDEX share_links_by_maker ON auth.share_links (organization_id, created_by)",
)


def _admit(table: str, values: str) -> None:
    op.execute(f"ALTER TABLE knowledge.{table} DROP CONSTRAINT {table}_access_check")
    op.execute(f"ALTER TABLE knowledge.{table} ADD CONSTRAINT {table}_access_check CHECK (access IN ({values}))")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL ROLE footnote_auth")
    for statement in SHARE_LINKS:
        op.execute(statement)
    op.execute("SET LOCAL ROLE footnote_knowledge")
    for table, values in WITH_PUBLIC.items():
        _admit(table, values)
    op.execute("RESET ROLE")


def downgrade() -> None:
    # Their index rows name readers that the code before this doesn't know.
    op.execute(
        """
        INSERT INTO knowledge.outbox (id, topic, payload, due_at)
        SELECT gen_random_uuid(), 'index-behind',
            jsonb_build_object('organization_id', organization_id, 'document_id', id), now()
        FROM knowledge.documents
        WHERE served_version IS NOT NULL AND purged_at IS NULL AND (access = 'public' OR collection_id IS NOT NULL)
        """
    )
    for table, values in WITH_PUBLIC.items():
        op.execute(f"UPDATE knowledge.{table} SET access = 'organization' WHERE access = 'public'")  # noqa: S608 - our own names
        _admit(table, values.removesuffix(", 'public'"))
    op.execute("DROP TABLE auth.share_links")
