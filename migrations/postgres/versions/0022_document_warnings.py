"""What of a document couldn't be read, though the rest of it was."""

from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.execute("SET LOCAL ROLE footnote_knowledge")
    op.execute("ALTER TABLE knowledge.documents ADD COLUMN warnings text[] NOT NULL DEFAULT '{}'")
    op.execute("RESET ROLE")


def downgrade() -> None:
    op.execute("ALTER TABLE knowledge.documents DROP COLUMN warnings")
