"""Brings the system of record's schema up to the code's."""

from alembic import command
from alembic.config import Config

from libs.config.settings import REPOSITORY


def migrate(url: str, revision: str = "head") -> None:
    """Applies every missing migration to the database at `url`, as its owner; a second run changes nothing."""
    config = Config()
    config.set_main_option("script_location", str(REPOSITORY / "migrations" / "postgres"))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    command.upgrade(config, revision)
