"""Subscriptions, reservations and the usage ledger."""

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = (
    """
    CREATE TABLE billing.subscriptions (
        id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        plan text NOT NULL,
        started_at timestamptz NOT NULL,
        ended_at timestamptz CHECK (ended_at >= started_at),
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE UNIQUE INDEX subscriptions_one_active ON billing.subscriptions (organization_id) WHERE ended_at IS NULL
    """,
    """
    CREATE TRIGGER subscriptions_touch BEFORE UPDATE ON billing.subscriptions
    FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at()
    """,
    """
    CREATE TABLE billing.reservations (
        id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        period date NOT NULL,
        reserved_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL
    )
    """,
    "CREATE INDEX reservations_by_organization ON billing.reservations (organization_id, expires_at)",
    """
    CREATE TABLE billing.usage_records (
        organization_id uuid NOT NULL,
        resource text NOT NULL CHECK (resource IN ('messages', 'api_calls', 'storage_bytes')),
        event_id text NOT NULL,
        quantity bigint NOT NULL,
        period date NOT NULL,
        occurred_at timestamptz NOT NULL,
        recorded_at timestamptz NOT NULL DEFAULT now(),
        user_id uuid,
        api_key_id uuid,
        prompt_tokens bigint,
        completion_tokens bigint,
        model text,
        PRIMARY KEY (organization_id, resource, event_id)
    )
    """,
    # Every balance is a sum over it: the quantity rides along, so that the table itself isn't visited.
    """
    CREATE INDEX usage_records_by_period ON billing.usage_records (organization_id, resource, period)
    INCLUDE (quantity)
    """,
    """
    CREATE FUNCTION billing.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'billing.% is append-only: record a correcting event instead', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END $$
    """,
    """
    CREATE TRIGGER usage_records_append_only BEFORE UPDATE OR DELETE ON billing.usage_records
    FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_change()
    """,
)


def upgrade() -> None:
    op.execute("SET ROLE footnote_billing")
    for statement in STATEMENTS:
        op.execute(statement)
    op.execute("RESET ROLE")


def downgrade() -> None:
    for table in ("usage_records", "reservations", "subscriptions"):
        op.execute(f"DROP TABLE billing.{table}")
    op.execute("DROP FUNCTION billing.refuse_change()")
