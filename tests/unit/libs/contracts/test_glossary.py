from typing import Any

import pytest
from pydantic import ValidationError

from libs.contracts.glossary import (
    ENTRIES_MAX,
    MEANS_MAX,
    PHRASE_MAX_CHARS,
    GlossaryEntryRequest,
    GlossaryReplacement,
)


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        ({"term": "", "means": ["a day"]}, "term"),
        ({"term": "\x00", "means": ["a day"]}, "term"),
        ({"term": "…", "means": ["a day"]}, "term"),
        ({"term": "it", "means": ["technology"]}, "term"),
        ({"term": "x" * (PHRASE_MAX_CHARS + 1), "means": ["a day"]}, "term"),
        ({"term": "a b c d e f g h i", "means": ["a day"]}, "term"),
        ({"term": "time. Off", "means": ["a day"]}, "term"),
        ({"term": "\ud800A", "means": ["a day"]}, "term"),
        ({"term": 3, "means": ["a day"]}, "term"),
        ({"term": "PTO", "means": []}, "means"),
        ({"term": "PTO", "means": "paid time off"}, "means"),
        ({"term": "PTO", "means": [f"way {n}" for n in range(MEANS_MAX + 1)]}, "means"),
        ({"term": "PTO", "means": ["paid time off", ""]}, "means.1"),
        ({"term": "PTO", "means": ["leave", "Leave"]}, ""),
        ({"term": "PTO", "means": ["pto"]}, ""),
        ({"term": "PTO", "means": ["leave"], "note": "x" * 501}, "note"),
        ({"term": "PTO", "means": ["leave"], "weight": 3}, "weight"),
    ],
)
def test_what_an_entry_can_not_be(entry: dict[str, Any], field: str):
    with pytest.raises(ValidationError) as error:
        GlossaryEntryRequest.model_validate(entry)
    assert ".".join(map(str, error.value.errors()[0]["loc"])) == field


def test_spaces_are_evened_out():
    entry = GlossaryEntryRequest(term=" PTO ", means=["paid \n time  off"])
    assert (entry.term, entry.means) == ("PTO", ["paid time off"])


def test_a_glossary_has_each_term_once_whatever_its_case():
    with pytest.raises(ValidationError, match="'pto' stands there twice"):
        GlossaryReplacement.model_validate(
            {"entries": [{"term": "PTO", "means": ["leave"]}, {"term": "pto", "means": ["vacation"]}]}
        )


def test_a_glossary_is_bounded():
    entries = [{"term": f"T{n}", "means": ["leave"]} for n in range(ENTRIES_MAX + 1)]
    with pytest.raises(ValidationError, match="at most"):
        GlossaryReplacement.model_validate({"entries": entries})
    assert len(GlossaryReplacement.model_validate({"entries": entries[1:]}).entries) == ENTRIES_MAX
