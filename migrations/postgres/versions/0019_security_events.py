"""Attempts on an organisation's answers: instructions in passages, refused questions, flagged texts."""

from alembic import op

revision = "0019"
down_revision = "0018"

STATEMENTS = (
    """
    CREATE TABLE chat.security_events (
        id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        kind text NOT NULL,
        user_id uuid NOT NULL,
        message_id uuid NOT NULL,
        document_id uuid,
        chunk_id uuid,
        day date NOT NULL,
        times integer NOT NULL DEFAULT 1,
        details jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE UNIQUE INDEX security_events_of_passages
    ON chat.security_events (organization_id, kind, chunk_id, day) WHERE chunk_id IS NOT NULL
    """,
    "CREATE INDEX security_events_by_organization ON chat.security_events (organization_id, updated_at DESC, id DESC)",
    "CREATE INDEX security_events_by_age ON chat.security_events (updated_at)",
    """
    CREATE TRIGGER security_events_touch BEFORE UPDATE ON chat.security_events
    FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at()
    """,
)


def upgrade() -> None:
    op.execute("SET LOCAL ROLE footnote_chat")
    for statement in STATEMENTS:
        op.execute(statement)
    op.execute("RESET ROLE")


def downgrade() -> None:
    op.execute("DROP TABLE chat.security_events")
