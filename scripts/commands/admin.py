"""`footnote admin …`: what an operator sets for one organisation."""

from typing import Annotated

import typer

from scripts.commands.running import console, run, settings

app = typer.Typer(no_args_is_help=True, help="What an operator sets for one organisation.")


@app.command("plan")
def admin_plan(organization: str, plan: str) -> None:
    """Move an organisation (id, name or a member's address) to a plan."""
    from scripts.admin import set_plan

    found = run(set_plan(settings(), organization, plan))
    console.print(f"{found.name} ({found.organization_id}) is on {plan}.", highlight=False)


@app.command("limits")
def admin_limits(
    organization: str,
    requests_per_minute: Annotated[int | None, typer.Option(min=1, help="For each subject and class of route.")] = None,
) -> None:
    """Give an organisation its own requests a minute; without a number, the default again."""
    from scripts.admin import set_limits

    found = run(set_limits(settings(), organization, requests_per_minute))
    value = requests_per_minute if requests_per_minute is not None else "the default number of"
    console.print(f"{found.name} ({found.organization_id}) may make {value} requests a minute.", highlight=False)
