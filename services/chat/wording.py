"""A question in the words of the documents that were found, where the glossary says that they mean the same."""

import re
from collections.abc import Sequence

from libs.contracts.knowledge import Expansion, RetrievedPassage
from libs.text.phrases import Said


def in_the_documents_words(question: str, expansions: Sequence[Expansion], passages: Sequence[RetrievedPassage]) -> str:
    """The question with each expanded term as the best passage that knows it in any form says it.

    Whatever judges an answer compares words: "How much PTO do I get?" is answered by a page on paid time off, which may
    never say PTO.
    """
    if not expansions:
        return question
    read = [Said("\n".join((one.title, *one.location.heading_path, one.content))) for one in passages]
    for expansion in expansions:
        form = _form(expansion, read)
        if form != expansion.said:
            term = rf"(?<!\w){re.escape(expansion.said)}(?!\w)"
            question = re.sub(term, lambda _, form=form: form, question)
    return question


def _form(expansion: Expansion, read: Sequence[Said]) -> str:
    for passage in read:
        for form in (expansion.said, *expansion.ways):
            if form in passage:
                return form
    return expansion.said
