"""How old a document is and its language, as stated and as its file tells; the index rows follow."""

from alembic import op

revision = "0009"
down_revision = "0008"

STATEMENTS = (
    "ALTER TABLE knowledge.documents ADD COLUMN dated_at timestamptz NOT NULL DEFAULT now()",
    """
    ALTER TABLE knowledge.revisions
        ADD COLUMN language text,
        ADD COLUMN dated_at timestamptz,
        ADD COLUMN content_language text,
        ADD COLUMN content_date timestamptz NOT NULL DEFAULT now()
    """,
    "UPDATE knowledge.revisions SET content_date = created_at",
    # Nobody has changed these documents now.
    "ALTER TABLE knowledge.documents DISABLE TRIGGER documents_touch",
    """
    UPDATE knowledge.documents AS document SET dated_at = coalesce(
        (SELECT revision.created_at FROM knowledge.revisions AS revision WHERE revision.id = document.served_revision),
        document.created_at)
    """,
    "ALTER TABLE knowledge.documents ENABLE TRIGGER documents_touch",
    # What index rows newly say of their document. One after another, so that what comes meanwhile needn't wait.
    """
    INSERT INTO knowledge.outbox (id, topic, payload, due_at)
    SELECT gen_random_uuid(), 'index-behind',
        jsonb_build_object('organization_id', organization_id, 'document_id', id),
        now() + row_number() OVER (ORDER BY organization_id, id) * interval '50 milliseconds'
    FROM knowledge.documents WHERE served_version IS NOT NULL AND purged_at IS NULL
    """,
)


def upgrade() -> None:
    op.execute("SET LOCAL ROLE footnote_knowledge")
    for statement in STATEMENTS:
        op.execute(statement)
    op.execute("RESET ROLE")


def downgrade() -> None:
    op.execute("ALTER TABLE knowledge.documents DROP COLUMN dated_at")
    op.execute(
        "ALTER TABLE knowledge.revisions DROP COLUMN language, DROP COLUMN dated_at, DROP COLUMN content_language, "
        "DROP COLUMN content_date"
    )
