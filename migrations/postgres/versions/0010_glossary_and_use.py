"""An organisation's own words, and how often its documents are found and cited."""

from alembic import op

revision = "0010"
down_revision = "0009"

STATEMENTS = (
    """
    CREATE TABLE knowledge.glossary_entries (
        id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        term text NOT NULL,
        folded_term text NOT NULL,
        means text[] NOT NULL,
        note text,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT one_entry_of_a_term UNIQUE (organization_id, folded_term)
    )
    """,
    # A query's words are looked up by key: the work depends on the query, not on the glossary's size.
    """
    CREATE TABLE knowledge.glossary_phrases (
        organization_id uuid NOT NULL,
        key text NOT NULL,
        place smallint NOT NULL,
        entry_id uuid NOT NULL REFERENCES knowledge.glossary_entries (id) ON DELETE CASCADE,
        PRIMARY KEY (organization_id, key, place, entry_id)
    )
    """,
    "CREATE INDEX glossary_phrases_of_entry ON knowledge.glossary_phrases (entry_id)",
    """
    CREATE TABLE knowledge.document_use (
        document_id uuid NOT NULL REFERENCES knowledge.documents (id) ON DELETE CASCADE,
        day date NOT NULL,
        found bigint NOT NULL DEFAULT 0,
        cited bigint NOT NULL DEFAULT 0,
        PRIMARY KEY (document_id, day)
    )
    """,
    "CREATE INDEX document_use_by_day ON knowledge.document_use (day)",
    """
    CREATE TABLE knowledge.passage_use (
        document_id uuid NOT NULL REFERENCES knowledge.documents (id) ON DELETE CASCADE,
        chunk_id uuid NOT NULL,
        day date NOT NULL,
        found bigint NOT NULL DEFAULT 0,
        cited bigint NOT NULL DEFAULT 0,
        PRIMARY KEY (document_id, chunk_id, day)
    )
    """,
    "CREATE INDEX passage_use_by_day ON knowledge.passage_use (day)",
    # The answers whose citations are counted, so that one that is told twice counts once.
    """
    CREATE TABLE knowledge.counted_answers (
        message_id uuid PRIMARY KEY,
        counted_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    "CREATE INDEX counted_answers_by_time ON knowledge.counted_answers (counted_at)",
)


def upgrade() -> None:
    op.execute("SET LOCAL ROLE footnote_knowledge")
    for statement in STATEMENTS:
        op.execute(statement)
    op.execute("RESET ROLE")


def downgrade() -> None:
    for table in ("counted_answers", "passage_use", "document_use", "glossary_phrases", "glossary_entries"):
        op.execute(f"DROP TABLE knowledge.{table}")
