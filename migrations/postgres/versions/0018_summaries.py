"""What a person asked in a conversation before its last messages."""

from alembic import op

revision = "0018"
down_revision = "0017"

SUMMARIES = """
    CREATE TABLE chat.summaries (
        message_id uuid PRIMARY KEY REFERENCES chat.messages (id) ON DELETE CASCADE,
        organization_id uuid NOT NULL,
        user_id uuid NOT NULL,
        topic text NOT NULL,
        phrases jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
    )
"""


def upgrade() -> None:
    op.execute("SET LOCAL ROLE footnote_chat")
    op.execute(SUMMARIES)
    op.execute("RESET ROLE")


def downgrade() -> None:
    op.execute("DROP TABLE chat.summaries")
