"""Invitations: how members come to an organisation that exists."""

from alembic import op

revision = "0006"
down_revision = "0005"

STATEMENTS = (
    # An invitation ends with the membership of whoever made it, so that a removed admin leaves no way back in.
    """
    CREATE TABLE auth.invitations (
        id uuid PRIMARY KEY,
        organization_id uuid NOT NULL,
        email text NOT NULL,
        role text NOT NULL CHECK (role IN ('owner', 'admin', 'member')),
        invited_by uuid NOT NULL,
        hash bytea NOT NULL CONSTRAINT invitations_hash UNIQUE,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL,
        CONSTRAINT invitations_email UNIQUE (organization_id, email),
        CONSTRAINT invitations_organization UNIQUE (organization_id, id),
        FOREIGN KEY (organization_id, invited_by) REFERENCES auth.memberships ON DELETE CASCADE
    )
    """,
    "CREATE INDEX invitations_by_inviter ON auth.invitations (organization_id, invited_by)",
    """
    CREATE TABLE auth.invitation_groups (
        invitation_id uuid NOT NULL,
        group_id uuid NOT NULL,
        organization_id uuid NOT NULL,
        PRIMARY KEY (invitation_id, group_id),
        FOREIGN KEY (organization_id, invitation_id) REFERENCES auth.invitations (organization_id, id)
            ON DELETE CASCADE,
        FOREIGN KEY (organization_id, group_id) REFERENCES auth.groups (organization_id, id) ON DELETE CASCADE
    )
    """,
    "CREATE INDEX invitation_groups_by_group ON auth.invitation_groups (organization_id, group_id)",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("SET LOCAL ROLE footnote_auth")
    for statement in STATEMENTS:
        op.execute(statement)
    op.execute("RESET ROLE")


def downgrade() -> None:
    op.execute("DROP TABLE auth.invitation_groups")
    op.execute("DROP TABLE auth.invitations")
