"""Why a content that waits to be indexed waits."""

from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.execute("SET LOCAL ROLE footnote_knowledge")
    op.execute("ALTER TABLE knowledge.revisions ADD COLUMN waits_for text")
    op.execute("RESET ROLE")


def downgrade() -> None:
    op.execute("ALTER TABLE knowledge.revisions DROP COLUMN waits_for")
