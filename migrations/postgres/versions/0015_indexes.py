"""Which indexes an organisation has, each of one embedding model's vectors, and which one is searched."""

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL ROLE footnote_knowledge")
    op.execute("ALTER TABLE knowledge.organizations ADD COLUMN next_index integer NOT NULL DEFAULT 0")
    op.execute(
        """
        CREATE TABLE knowledge.indexes (
            organization_id uuid NOT NULL,
            number integer NOT NULL,
            space text NOT NULL,
            serving boolean NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            former_since timestamptz,
            unwanted boolean NOT NULL DEFAULT false,
            passages_done bigint NOT NULL DEFAULT 0,
            passages_total bigint NOT NULL DEFAULT 0,
            passages_cut bigint NOT NULL DEFAULT 0,
            passages_a_second real,
            worked_at timestamptz NOT NULL DEFAULT '-infinity',
            holder uuid,
            held_until timestamptz,
            uploads_wait_until timestamptz,
            PRIMARY KEY (organization_id, number),
            UNIQUE (organization_id, space)
        )
        """
    )
    op.execute("CREATE UNIQUE INDEX indexes_serving ON knowledge.indexes (organization_id) WHERE serving")
    op.execute("CREATE INDEX indexes_others ON knowledge.indexes (worked_at) WHERE NOT serving")
    op.execute("RESET ROLE")


def downgrade() -> None:
    op.execute("DROP TABLE knowledge.indexes")
    op.execute("ALTER TABLE knowledge.organizations DROP COLUMN next_index")
