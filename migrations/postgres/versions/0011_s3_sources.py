"""Sources of objects: what a source of any kind asks for, its secret, and the state of each object that was read."""

from alembic import op

revision = "0011"
down_revision = "0010"

STATEMENTS = (
    "ALTER TABLE knowledge.sources DROP CONSTRAINT sources_kind_check",
    "ALTER TABLE knowledge.sources ADD CONSTRAINT sources_kind_check CHECK (kind IN ('web', 's3'))",
    "ALTER TABLE knowledge.sources ADD COLUMN options jsonb NOT NULL DEFAULT '{}', ADD COLUMN secret bytea",
    """
    ALTER TABLE knowledge.source_runs
        ADD COLUMN moved integer NOT NULL DEFAULT 0,
        ADD COLUMN skipped jsonb NOT NULL DEFAULT '{}'
    """,
    """
    CREATE TABLE knowledge.source_objects (
        source_id uuid NOT NULL REFERENCES knowledge.sources (id) ON DELETE CASCADE,
        key text NOT NULL,
        etag text NOT NULL,
        size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
        last_modified timestamptz NOT NULL,
        sha256 text,
        PRIMARY KEY (source_id, key)
    )
    """,
)


def upgrade() -> None:
    op.execute("SET LOCAL ROLE footnote_knowledge")
    for statement in STATEMENTS:
        op.execute(statement)
    op.execute("RESET ROLE")


def downgrade() -> None:
    op.execute("DROP TABLE knowledge.source_objects")
    op.execute("ALTER TABLE knowledge.source_runs DROP COLUMN moved, DROP COLUMN skipped")
    op.execute("ALTER TABLE knowledge.sources DROP COLUMN options, DROP COLUMN secret")
    op.execute("DELETE FROM knowledge.sources WHERE kind <> 'web'")
    op.execute("ALTER TABLE knowledge.sources DROP CONSTRAINT sources_kind_check")
    op.execute("ALTER TABLE knowledge.sources ADD CONSTRAINT sources_kind_check CHECK (kind IN ('web'))")
