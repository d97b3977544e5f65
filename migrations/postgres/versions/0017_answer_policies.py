"""How an organisation's questions are answered, and what each person asks of the answers."""

from alembic import op

revision = "0017"
down_revision = "0016"

STATEMENTS = (
    """
    CREATE TABLE chat.answer_policies (
        organization_id uuid PRIMARY KEY,
        policy jsonb NOT NULL,
        updated_by uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE TABLE chat.instructions (
        organization_id uuid NOT NULL,
        user_id uuid NOT NULL,
        instructions text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (organization_id, user_id)
    )
    """,
    *(
        f"""
        CREATE TRIGGER {table}_touch BEFORE UPDATE ON chat.{table}
        FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at()
        """
        for table in ("answer_policies", "instructions")
    ),
)


def upgrade() -> None:
    op.execute("SET LOCAL ROLE footnote_chat")
    for statement in STATEMENTS:
        op.execute(statement)
    op.execute("RESET ROLE")


def downgrade() -> None:
    op.execute("DROP TABLE chat.instructions, chat.answer_policies")
