"""The handbook in a running Footnote, taken in once for all that asks about it."""

from collections.abc import AsyncIterator

import pytest
from rich.console import Console

from scripts.api import Api
from scripts.ingest import ingest
from tests.conftest import REPOSITORY
from tests.stack import Member, Stack


@pytest.fixture(scope="session")
async def handbook(stack: Stack) -> AsyncIterator[Member]:
    """Somebody whose organisation has the handbook and nothing else."""
    async with stack.member() as member:
        await ingest(Api(member.http), [REPOSITORY / "docs" / "handbook"], Console(quiet=True))
        yield member
