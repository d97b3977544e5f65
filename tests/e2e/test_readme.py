"""The README's conversation, run as it is printed."""

import asyncio
import json
import re

from tests.conftest import REPOSITORY
from tests.stack import Stack

README = (REPOSITORY / "README.md").read_text()
BASH = re.compile(r"```bash\n(.*?)```", re.DOTALL)
MARK = "== next block =="


async def test_the_first_conversation_works_as_printed(stack: Stack) -> None:
    blocks = [
        block.replace("localhost:8000", f"127.0.0.1:{stack.settings.base_port}") for block in BASH.findall(README)
    ]
    wait = (
        'for _ in $(seq 300); do STATE=$(curl -s $URL/documents -H "Authorization: Bearer $TOKEN"); '
        "case $STATE in *completed*) break;; esac; sleep 0.1; done"
    )
    first, *rest = blocks
    script = [f"URL={stack.url}", first, wait]
    for block in rest:
        script += [f"echo; echo '{MARK}'", block]
    process = await asyncio.create_subprocess_exec(
        "bash", "-euo", "pipefail", "-c", "\n".join(script), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    _, chat, stream, unknown = output.decode().split(MARK)
    answer = json.loads(chat)
    printed = json.loads(re.search(r"```json\n(.*?)```", README, re.DOTALL).group(1))
    assert answer["answer"] == printed["answer"]
    assert answer["citations"] == printed["citations"]
    assert re.findall(r"event: (\w+)", stream) == ["session", "sources", "token", "citation", "done"]
    assert unknown.strip() in README


def test_every_command_of_the_command_line_is_explained() -> None:
    from typer.main import get_command

    from scripts.cli import app

    for name in get_command(app).commands:
        assert f"footnote {name}" in README or f"make {name}" in README, name
