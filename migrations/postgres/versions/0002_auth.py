"""Organisations, their members, and how members sign in."""

from alembic import op

revision = "0002"
down_revision = "0001"

TABLES = ("organizations", "users", "memberships", "groups", "group_members", "sessions", "refresh_tokens", "api_keys")
TOUCHED = ("organizations", "users", "memberships", "groups")

STATEMENTS = (
    """
    CREATE TABLE auth.organizations (
        id uuid PRIMARY KEY,
        name text NOT NULL,
        requests_per_minute integer CHECK (requests_per_minute > 0),
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    "CREATE INDEX organizations_by_name ON auth.organizations (name)",
    """
    CREATE TABLE auth.users (
        id uuid PRIMARY KEY,
        email text NOT NULL CONSTRAINT users_email UNIQUE,
        password_hash text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE TABLE auth.memberships (
        organization_id uuid NOT NULL REFERENCES auth.organizations ON DELETE CASCADE,
        user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE,
        role text NOT NULL CHECK (role IN ('owner', 'admin', 'member')),
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (organization_id, user_id)
    )
    """,
    "CREATE INDEX memberships_by_user ON auth.memberships (user_id)",
    """
    CREATE TABLE auth.groups (
        id uuid PRIMARY KEY,
        organization_id uuid NOT NULL REFERENCES auth.organizations ON DELETE CASCADE,
        name text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT groups_name UNIQUE (organization_id, name),
        CONSTRAINT groups_organization UNIQUE (organization_id, id)
    )
    """,
    # The organisation is part of every reference below, so that a row can't join two organisations, and so that
    # whoever leaves one loses its groups, sessions and keys in the same statement.
    """
    CREATE TABLE auth.group_members (
        group_id uuid NOT NULL,
        user_id uuid NOT NULL,
        organization_id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (group_id, user_id),
        FOREIGN KEY (organization_id, group_id) REFERENCES auth.groups (organization_id, id) ON DELETE CASCADE,
        FOREIGN KEY (organization_id, user_id) REFERENCES auth.memberships ON DELETE CASCADE
    )
    """,
    "CREATE INDEX group_members_by_user ON auth.group_members (user_id, organization_id)",
    """
    CREATE TABLE auth.sessions (
        id uuid PRIMARY KEY,
        user_id uuid NOT NULL,
        organization_id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL,
        revoked_at timestamptz,
        FOREIGN KEY (organization_id, user_id) REFERENCES auth.memberships ON DELETE CASCADE
    )
    """,
    "CREATE INDEX sessions_by_user ON auth.sessions (user_id, organization_id)",
    """
    CREATE TABLE auth.refresh_tokens (
        hash bytea PRIMARY KEY,
        session_id uuid NOT NULL REFERENCES auth.sessions ON DELETE CASCADE,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL,
        used_at timestamptz
    )
    """,
    "CREATE INDEX refresh_tokens_by_session ON auth.refresh_tokens (session_id)",
    """
    CREATE TABLE auth.api_keys (
        id uuid PRIMARY KEY,
        user_id uuid NOT NULL,
        organization_id uuid NOT NULL,
        name text NOT NULL,
        prefix text NOT NULL,
        hash bytea NOT NULL CONSTRAINT api_keys_hash UNIQUE,
        created_at timestamptz NOT NULL DEFAULT now(),
        last_used_at timestamptz,
        revoked_at timestamptz,
        FOREIGN KEY (organization_id, user_id) REFERENCES auth.memberships ON DELETE CASCADE
    )
    """,
    "CREATE INDEX api_keys_by_user ON auth.api_keys (user_id, organization_id)",
)


def upgrade() -> None:
    op.execute("SET ROLE footnote_auth")
    for statement in STATEMENTS:
        op.execute(statement)
    for table in TOUCHED:
        op.execute(
            f"CREATE TRIGGER {table}_touch BEFORE UPDATE ON auth.{table} "
            "FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at()"
        )
    op.execute("RESET ROLE")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE auth.{table}")
