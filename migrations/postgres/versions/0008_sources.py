"""Uploads that arrive in parts, the sources that are fetched again and again, and what each run of them changed."""

from alembic import op

revision = "0008"
down_revision = "0007"

STATEMENTS = (
    """
    CREATE TABLE knowledge.partial_uploads (
        id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        owner_id uuid NOT NULL,
        length bigint NOT NULL CHECK (length > 0),
        file_name text NOT NULL,
        title text,
        attributes jsonb NOT NULL,
        sha256 text,
        document_id uuid,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX partial_uploads_by_owner ON knowledge.partial_uploads (organization_id, owner_id, created_at)",
    "CREATE INDEX partial_uploads_expiring ON knowledge.partial_uploads (expires_at)",
    """
    CREATE TABLE knowledge.sources (
        id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        owner_id uuid NOT NULL,
        kind text NOT NULL CHECK (kind IN ('web')),
        address text NOT NULL,
        depth integer NOT NULL DEFAULT 0 CHECK (depth >= 0),
        attributes jsonb NOT NULL,
        interval_hours integer CHECK (interval_hours > 0),
        next_run_at timestamptz,
        lease uuid,
        lease_until timestamptz,
        created_at timestamptz NOT NULL DEFAULT now(),
        deleted_at timestamptz
    )
    """,
    "CREATE INDEX sources_by_organization ON knowledge.sources (organization_id, created_at DESC, id DESC)",
    "CREATE INDEX sources_due ON knowledge.sources (next_run_at) WHERE next_run_at IS NOT NULL",
    """
    CREATE TABLE knowledge.source_runs (
        id uuid PRIMARY KEY,
        source_id uuid NOT NULL REFERENCES knowledge.sources (id) ON DELETE CASCADE,
        organization_id uuid NOT NULL,
        added integer NOT NULL DEFAULT 0,
        updated integer NOT NULL DEFAULT 0,
        unchanged integer NOT NULL DEFAULT 0,
        deleted integer NOT NULL DEFAULT 0,
        failed integer NOT NULL DEFAULT 0,
        failures jsonb NOT NULL DEFAULT '[]',
        error text,
        started_at timestamptz NOT NULL,
        finished_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    "CREATE INDEX source_runs_by_source ON knowledge.source_runs (source_id, finished_at DESC)",
)


def upgrade() -> None:
    op.execute("SET LOCAL ROLE footnote_knowledge")
    for statement in STATEMENTS:
        op.execute(statement)
    op.execute("RESET ROLE")


def downgrade() -> None:
    for table in ("source_runs", "sources", "partial_uploads"):
        op.execute(f"DROP TABLE knowledge.{table}")
