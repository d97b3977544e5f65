"""`footnote demo`: everything started, the handbook read, and a first question answered."""

from rich.console import Console

from libs.config.settings import REPOSITORY, Settings
from scripts.api import DEMO_EMAIL, credentials_file, signed_in
from scripts.ask import ask
from scripts.ingest import ingest, print_report
from scripts.seed import seed
from scripts.up import up

HANDBOOK = REPOSITORY / "docs" / "handbook"
FIRST_QUESTION = "How does reciprocal rank fusion combine two result lists?"


async def demo(settings: Settings, console: Console, *, once: bool) -> None:
    """Serves until Ctrl-C after the first answer; with `once`, stops there."""

    async def first_conversation() -> None:
        await seed(settings)
        async with signed_in(settings) as api:
            console.rule("Reading docs/handbook")
            print_report(await ingest(api, [HANDBOOK], console), console)
            console.rule(f"Asking: {FIRST_QUESTION}")
            await ask(api, FIRST_QUESTION, console)
        if not once:
            _print_next_steps(settings, console)

    await up(settings, console, first_conversation, once=once)


def _print_next_steps(settings: Settings, console: Console) -> None:
    url = f"http://localhost:{settings.base_port}"
    console.rule("Where to go next")
    console.print(f"  the web page       {url}  (sign in as {DEMO_EMAIL};", highlight=False)
    console.print(f"                     the password is in {credentials_file(settings)})", highlight=False)
    console.print(f"  the API            {url}/docs", highlight=False)
    console.print(
        '  ask                .venv/bin/footnote ask "What happens when a quota is used up?"', highlight=False
    )
    console.print("  your own files     .venv/bin/footnote ingest PATH", highlight=False)
    console.print("  what is wrong      .venv/bin/footnote doctor", highlight=False)
