"""Documents, the revisions that wait to be indexed, and the outbox of storage changes."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute("SET LOCAL ROLE footnote_knowledge")
    op.execute(
        """
        CREATE TABLE knowledge.organizations (
            organization_id uuid PRIMARY KEY,
            knowledge_version bigint NOT NULL DEFAULT 0,
            last_claimed_at timestamptz NOT NULL DEFAULT '-infinity'
        )
        """
    )
    op.execute(
        """
        CREATE TABLE knowledge.documents (
            id uuid PRIMARY KEY,
            organization_id uuid NOT NULL,
            owner_id uuid NOT NULL,
            external_id text,
            title text NOT NULL,
            category text,
            tags text[] NOT NULL DEFAULT '{}',
            collection_id uuid,
            access text NOT NULL CHECK (access IN ('private', 'organization', 'groups')),
            group_ids uuid[] NOT NULL DEFAULT '{}',
            status text NOT NULL CHECK (status IN ('pending', 'processing', 'completed', 'failed')),
            error_code text,
            error_message text,
            media_type text NOT NULL,
            size_bytes bigint NOT NULL,
            chunk_count integer NOT NULL DEFAULT 0,
            served_version uuid,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            deleted_at timestamptz
        )
        """
    )
    op.execute(
        "CREATE UNIQUE INDEX documents_external_id ON knowledge.documents (organization_id, external_id) "
        "WHERE deleted_at IS NULL AND external_id IS NOT NULL"
    )
    op.execute(
        "CREATE INDEX documents_listing ON knowledge.documents (organization_id, created_at DESC, id DESC) "
        "WHERE deleted_at IS NULL"
    )
    op.execute("CREATE INDEX documents_deleted ON knowledge.documents (deleted_at) WHERE deleted_at IS NOT NULL")
    op.execute(
        "CREATE TRIGGER documents_touch BEFORE UPDATE ON knowledge.documents "
        "FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at()"
    )
    op.execute(
        """
        CREATE TABLE knowledge.revisions (
            id uuid PRIMARY KEY,
            document_id uuid NOT NULL REFERENCES knowledge.documents (id) ON DELETE CASCADE,
            organization_id uuid NOT NULL,
            number integer NOT NULL,
            sha256 text NOT NULL,
            size_bytes bigint NOT NULL,
            file_name text NOT NULL,
            media_type text NOT NULL,
            title text,
            category text,
            tags text[] NOT NULL DEFAULT '{}',
            collection_id uuid,
            access text NOT NULL CHECK (access IN ('private', 'organization', 'groups')),
            group_ids uuid[] NOT NULL DEFAULT '{}',
            status text NOT NULL CHECK (status IN ('accepting', 'pending', 'processing', 'completed', 'failed')),
            attempts integer NOT NULL DEFAULT 0,
            lease uuid,
            lease_until timestamptz,
            created_at timestamptz NOT NULL DEFAULT now(),
            UNIQUE (document_id, number)
        )
        """
    )
    op.execute(
        "CREATE INDEX revisions_waiting ON knowledge.revisions (organization_id, created_at) "
        "WHERE status IN ('accepting', 'pending', 'processing')"
    )
    op.execute("CREATE INDEX revisions_content ON knowledge.revisions (organization_id, sha256)")
    op.execute(
        """
        CREATE TABLE knowledge.texts (
            document_id uuid PRIMARY KEY REFERENCES knowledge.documents (id) ON DELETE CASCADE,
            content text NOT NULL
        )
        """
    )
    op.execute(
        """
        CREATE TABLE knowledge.outbox (
            id uuid PRIMARY KEY,
            topic varchar(80) NOT NULL,
            payload jsonb NOT NULL,
            attempts integer NOT NULL DEFAULT 0,
            created_at timestamptz NOT NULL DEFAULT now(),
            due_at timestamptz NOT NULL DEFAULT now()
        )
        """
    )
    op.execute("CREATE INDEX outbox_due ON knowledge.outbox (due_at)")
    op.execute("RESET ROLE")


def downgrade() -> None:
    for table in ("outbox", "texts", "revisions", "documents", "organizations"):
        op.execute(f"DROP TABLE knowledge.{table}")
