"""Organisations' own questions, the runs over them, and the answers of a run under way."""

from alembic import op

revision = "0013"
down_revision = "0012"

STATEMENTS = (
    """
    CREATE TABLE knowledge.question_sets (
        id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        name text NOT NULL,
        questions jsonb NOT NULL,
        question_count integer NOT NULL,
        judgement_count integer NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE TRIGGER question_sets_touch BEFORE UPDATE ON knowledge.question_sets
    FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at()
    """,
    "CREATE INDEX question_sets_listing ON knowledge.question_sets (organization_id, name, id)",
    """
    CREATE TABLE knowledge.evaluation_runs (
        id uuid PRIMARY KEY,
        set_id uuid NOT NULL REFERENCES knowledge.question_sets (id) ON DELETE CASCADE,
        organization_id uuid NOT NULL,
        user_id uuid NOT NULL,
        subject jsonb NOT NULL,
        set_name text NOT NULL,
        questions jsonb NOT NULL,
        strategies text[] NOT NULL,
        status text NOT NULL CHECK (status IN ('pending', 'running', 'completed', 'failed')),
        attempts integer NOT NULL DEFAULT 0,
        lease uuid,
        lease_until timestamptz,
        last_turn_at timestamptz NOT NULL DEFAULT now(),
        searched integer NOT NULL DEFAULT 0,
        searches integer NOT NULL,
        report jsonb,
        error text,
        created_at timestamptz NOT NULL DEFAULT now(),
        finished_at timestamptz
    )
    """,
    # One at a time for each organisation, also when two requests come at the same moment.
    """
    CREATE UNIQUE INDEX evaluation_runs_unfinished ON knowledge.evaluation_runs (organization_id)
    WHERE status IN ('pending', 'running')
    """,
    "CREATE INDEX evaluation_runs_listing ON knowledge.evaluation_runs (organization_id, user_id, created_at DESC)",
    "CREATE INDEX evaluation_runs_of_set ON knowledge.evaluation_runs (set_id)",
    """
    CREATE TABLE knowledge.evaluation_answers (
        run_id uuid NOT NULL REFERENCES knowledge.evaluation_runs (id) ON DELETE CASCADE,
        question integer NOT NULL,
        strategy text NOT NULL,
        document_ids uuid[] NOT NULL,
        chunk_ids uuid[] NOT NULL,
        milliseconds double precision NOT NULL,
        degraded text[] NOT NULL,
        knowledge_version bigint NOT NULL,
        PRIMARY KEY (run_id, question, strategy)
    )
    """,
)


def upgrade() -> None:
    op.execute("SET LOCAL ROLE footnote_knowledge")
    for statement in STATEMENTS:
        op.execute(statement)
    op.execute("RESET ROLE")


def downgrade() -> None:
    for table in ("evaluation_answers", "evaluation_runs", "question_sets"):
        op.execute(f"DROP TABLE knowledge.{table}")
