"""Sessions, messages, the traces of answers, and the outbox of settlements."""

from alembic import op

revision = "0005"
down_revision = "0004"

STATEMENTS = (
    """
    CREATE TABLE chat.sessions (
        id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        user_id uuid NOT NULL,
        title text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE INDEX sessions_by_owner ON chat.sessions (organization_id, user_id, updated_at DESC, id DESC)
    """,
    """
    CREATE TRIGGER sessions_touch BEFORE UPDATE ON chat.sessions
    FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at()
    """,
    """
    CREATE TABLE chat.messages (
        id uuid PRIMARY KEY,
        session_id uuid NOT NULL REFERENCES chat.sessions (id) ON DELETE CASCADE,
        organization_id uuid NOT NULL,
        user_id uuid NOT NULL,
        position bigint GENERATED ALWAYS AS IDENTITY,
        role text NOT NULL CHECK (role IN ('user', 'assistant')),
        status text NOT NULL CHECK (status IN ('completed', 'generating', 'stopped', 'failed', 'interrupted')),
        content text NOT NULL,
        citations jsonb NOT NULL DEFAULT '[]',
        sources jsonb NOT NULL DEFAULT '[]',
        metadata jsonb,
        reservation_id uuid,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    "CREATE INDEX messages_by_session ON chat.messages (session_id, position)",
    "CREATE INDEX messages_generating ON chat.messages (created_at) WHERE status = 'generating'",
    """
    CREATE TRIGGER messages_touch BEFORE UPDATE ON chat.messages
    FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at()
    """,
    """
    CREATE TABLE chat.traces (
        message_id uuid PRIMARY KEY REFERENCES chat.messages (id) ON DELETE CASCADE,
        organization_id uuid NOT NULL,
        user_id uuid NOT NULL,
        question text NOT NULL,
        steps jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE TABLE chat.outbox (
        id uuid PRIMARY KEY,
        topic varchar(80) NOT NULL,
        payload jsonb NOT NULL,
        attempts integer NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL DEFAULT now(),
        due_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    "CREATE INDEX ix_outbox_due_at ON chat.outbox (due_at)",
)


def upgrade() -> None:
    op.execute("SET LOCAL ROLE footnote_chat")
    for statement in STATEMENTS:
        op.execute(statement)
    op.execute("RESET ROLE")


def downgrade() -> None:
    for table in ("outbox", "traces", "messages", "sessions"):
        op.execute(f"DROP TABLE chat.{table}")
