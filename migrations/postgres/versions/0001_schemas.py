"""One schema and one role per service; a role sees its own schema only."""

import os

from alembic import op

revision = "0001"
down_revision = None

SCHEMAS = ("auth", "billing", "knowledge", "chat")


def upgrade() -> None:
    for schema in SCHEMAS:
        role = f"footnote_{schema}"
        # Roles belong to the whole server, which may hold several databases of Footnote's.
        op.execute(
            f"""
            DO $$ BEGIN
                CREATE ROLE {role} LOGIN;
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
            END $$
            """
        )
        password = os.environ.get(f"FOOTNOTE_{schema.upper()}_DATABASE_PASSWORD")
        if password:
            quoted = password.replace("'", "''")
            op.execute(f"ALTER ROLE {role} PASSWORD '{quoted}'")
        op.execute(f"CREATE SCHEMA {schema} AUTHORIZATION {role}")
    op.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    op.execute(
        """
        CREATE FUNCTION public.touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.updated_at = now();
            RETURN NEW;
        END $$
        """
    )


def downgrade() -> None:
    op.execute("DROP FUNCTION public.touch_updated_at()")
    for schema in SCHEMAS:
        op.execute(f"DROP SCHEMA {schema} CASCADE")
