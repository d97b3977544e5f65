"""Words are looked for in the asker's own questions, no more in those of all organisations."""

from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.execute("SET LOCAL ROLE footnote_chat")
    op.execute(
        "CREATE INDEX messages_by_asker ON chat.messages (organization_id, user_id, session_id) WHERE role = 'user'"
    )
    op.execute("DROP INDEX chat.messages_words, chat.sessions_words")
    op.execute("RESET ROLE")


def downgrade() -> None:
    op.execute("DROP INDEX chat.messages_by_asker")
    op.execute("CREATE INDEX sessions_words ON chat.sessions USING gin (to_tsvector('simple', title))")
    op.execute(
        "CREATE INDEX messages_words ON chat.messages USING gin (to_tsvector('simple', content)) WHERE role = 'user'"
    )
