"""Names that a question asks about and no passage has: what is found then speaks of something else."""

from collections.abc import Sequence

from libs.contracts.knowledge import RetrievedPassage
from libs.text.names import Mentions, names_in


def unmentioned_names(question: str, passages: Sequence[RetrievedPassage]) -> list[str]:
    """The question's names, as it writes them, that stand in no passage, title or heading, not even spelt alike."""
    names = names_in(question)
    if not names:
        return []
    read = (" ".join((one.title, *one.location.heading_path, one.content)) for one in passages)
    mentioned = Mentions(" ".join(read))
    return [name for name in names if name not in mentioned]
