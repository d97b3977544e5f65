"""Ways to say the same in a question, evened out before its words are compared."""

import re

_BE = "(?:is|are|was|were)"
_EVENED = tuple(
    (re.compile(rf"\b(?:{pattern})\b"), instead)
    for pattern, instead in (
        (r"can't", "can not"),
        (r"won't", "will not"),
        (r"(is|are|was|were|do|does|did|has|have|had|would|should|could|must)n't", r"\1 not"),
        (r"(?:required|needed|needs?|obliged|supposed|has|have|had|ought) to", "must"),
        (r"(?:allowed|permitted|able) to", "can"),
        (r"other than|apart from|aside from|besides|except(?: for)?", "besides"),
        (r"prior to", "before"),
        (r"(?:along|together) with", "with"),
        (r"according to", "per"),
        (r"in order to", "to"),
        (r"(?:comes?|came) from", "from"),
        (r"at first", "originally"),
        (r"in the end|in total|at all", ""),
        (r"(?:known|referred to) as", "called"),
        (r"takes? place|took place|taken place", "happen"),
        (r"how much (?:do|does|did|will|would) (.+?) cost", r"what is \1 cost"),
        (rf"how ({_BE} .+? (?:called|named))", r"what \1"),
        (r"what (?:do|does|did) (?:you|we|they|people|one) call", "what is called"),
        (r"what (?:term|name|word) (?:corresponds to|is (?:given to|used for))", "what is called"),
        (rf"what {_BE} the (?:term|name|word) (?:for|given to)", "what is called"),
        (rf"(?:what|which) {_BE} the (?:location|site) of", "where is"),
    )
)
_MEANING = re.compile(r"^\W*what (?:do|does|did) (.+) mean\W*$")


def evened(question: str) -> str:
    """In lower case, each such way as one of them."""
    folded = question.casefold().replace("’", "'")
    for pattern, instead in _EVENED:
        folded = pattern.sub(instead, folded)
    return _MEANING.sub(r"what is \1", folded)
