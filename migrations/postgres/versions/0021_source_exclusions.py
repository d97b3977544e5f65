"""Pages and objects that somebody deleted, so that their source doesn't bring them back."""

from alembic import op

revision = "0021"
down_revision = "0020"

STATEMENT = """
    CREATE TABLE knowledge.source_exclusions (
        source_id uuid NOT NULL REFERENCES knowledge.sources (id) ON DELETE CASCADE,
        external_id text NOT NULL,
        PRIMARY KEY (source_id, external_id)
    )
"""


def upgrade() -> None:
    op.execute("SET LOCAL ROLE footnote_knowledge")
    op.execute(STATEMENT)
    op.execute("RESET ROLE")


def downgrade() -> None:
    op.execute("DROP TABLE knowledge.source_exclusions")
