"""How far a long document is."""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.execute("SET LOCAL ROLE footnote_knowledge")
    op.execute("ALTER TABLE knowledge.revisions ADD COLUMN passages_done integer NOT NULL DEFAULT 0")
    op.execute("ALTER TABLE knowledge.revisions ADD COLUMN passages_total integer")
    op.execute("RESET ROLE")


def downgrade() -> None:
    op.execute("ALTER TABLE knowledge.revisions DROP COLUMN passages_done, DROP COLUMN passages_total")
