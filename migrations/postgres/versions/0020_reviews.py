"""What admins decided about answers and questions that wait for their review."""

from alembic import op

revision = "0020"
down_revision = "0019"

STATEMENTS = (
    """
    CREATE TABLE chat.review_decisions (
        organization_id uuid NOT NULL,
        subject text NOT NULL,
        decision text NOT NULL CHECK (decision IN ('make_question', 'dismiss')),
        set_id uuid,
        decided_by uuid NOT NULL,
        decided_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (organization_id, subject)
    )
    """,
    """
    CREATE INDEX messages_by_organization ON chat.messages (organization_id, created_at) WHERE role = 'assistant'
    """,
)


def upgrade() -> None:
    op.execute("SET LOCAL ROLE footnote_chat")
    for statement in STATEMENTS:
        op.execute(statement)
    op.execute("RESET ROLE")


def downgrade() -> None:
    op.execute("DROP INDEX chat.messages_by_organization")
    op.execute("DROP TABLE chat.review_decisions")
