"""Conversations with branches, a bin, pins, sharing inside the organisation, and feedback on answers."""

from alembic import op

revision = "0016"
down_revision = "0015"

STATEMENTS = (
    """
    ALTER TABLE chat.sessions
        ADD COLUMN asked_at timestamptz NOT NULL DEFAULT now(),
        ADD COLUMN pinned boolean NOT NULL DEFAULT false,
        ADD COLUMN shared boolean NOT NULL DEFAULT false,
        ADD COLUMN imported boolean NOT NULL DEFAULT false,
        ADD COLUMN by_program boolean NOT NULL DEFAULT false,
        ADD COLUMN deleted_at timestamptz,
        ADD COLUMN leaf_id uuid
    """,
    "ALTER TABLE chat.sessions DISABLE TRIGGER sessions_touch",
    """
    ALTER TABLE chat.messages
        ADD COLUMN parent_id uuid REFERENCES chat.messages (id) ON DELETE CASCADE,
        ADD COLUMN options jsonb,
        ADD COLUMN stop_asked boolean NOT NULL DEFAULT false
    """,
    "ALTER TABLE chat.messages DISABLE TRIGGER messages_touch",
    """
    UPDATE chat.messages AS message SET parent_id = before.id
    FROM (
        SELECT id AS message_id, lag(id) OVER (PARTITION BY session_id ORDER BY position) AS id FROM chat.messages
    ) AS before
    WHERE message.id = before.message_id AND before.id IS NOT NULL
    """,
    """
    UPDATE chat.sessions AS session SET asked_at = session.updated_at, leaf_id = (
        SELECT message.id FROM chat.messages AS message WHERE message.session_id = session.id
        ORDER BY message.position DESC LIMIT 1
    )
    """,
    "ALTER TABLE chat.sessions ENABLE TRIGGER sessions_touch",
    "ALTER TABLE chat.messages ENABLE TRIGGER messages_touch",
    "DROP INDEX chat.sessions_by_owner",
    """
    CREATE INDEX sessions_by_owner
    ON chat.sessions (organization_id, user_id, pinned DESC, asked_at DESC, id DESC)
    """,
    """
    CREATE INDEX sessions_shared ON chat.sessions (organization_id, asked_at DESC, id DESC)
    WHERE shared AND deleted_at IS NULL
    """,
    "CREATE INDEX sessions_deleted ON chat.sessions (deleted_at) WHERE deleted_at IS NOT NULL",
    "CREATE INDEX messages_by_parent ON chat.messages (parent_id)",
    "CREATE INDEX sessions_words ON chat.sessions USING gin (to_tsvector('simple', title))",
    """
    CREATE INDEX messages_words ON chat.messages USING gin (to_tsvector('simple', content)) WHERE role = 'user'
    """,
    """
    CREATE TABLE chat.feedback (
        message_id uuid PRIMARY KEY REFERENCES chat.messages (id) ON DELETE CASCADE,
        organization_id uuid NOT NULL,
        user_id uuid NOT NULL,
        rating smallint NOT NULL CHECK (rating BETWEEN 1 AND 5),
        comment text NOT NULL DEFAULT '',
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    "CREATE INDEX feedback_by_organization ON chat.feedback (organization_id, updated_at DESC, message_id DESC)",
    """
    CREATE TRIGGER feedback_touch BEFORE UPDATE ON chat.feedback
    FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at()
    """,
)


def upgrade() -> None:
    op.execute("SET LOCAL ROLE footnote_chat")
    for statement in STATEMENTS:
        op.execute(statement)
    op.execute("RESET ROLE")


def downgrade() -> None:
    op.execute("DROP TABLE chat.feedback")
    op.execute("DROP INDEX chat.messages_words, chat.sessions_words, chat.messages_by_parent, chat.sessions_by_owner")
    # Whoever goes back loses the bin: what lay in it was deleted.
    op.execute("DELETE FROM chat.sessions WHERE deleted_at IS NOT NULL")
    op.execute("ALTER TABLE chat.messages DROP COLUMN parent_id, DROP COLUMN options, DROP COLUMN stop_asked")
    op.execute(
        "ALTER TABLE chat.sessions DROP COLUMN asked_at, DROP COLUMN pinned, DROP COLUMN shared, "
        "DROP COLUMN imported, DROP COLUMN by_program, DROP COLUMN deleted_at, DROP COLUMN leaf_id"
    )
    op.execute("CREATE INDEX sessions_by_owner ON chat.sessions (organization_id, user_id, updated_at DESC, id DESC)")
