"""Questions that ask for a number, a date or a span of time, and the sentences that can answer them."""

from libs.text.asking_languages import asking


def asks_for_quantity(question: str) -> bool:
    question = question.replace("’", "'")
    return asks_for_number(question) or (asking().when.search(question) is not None and not _asks_for_degree(question))


def asks_for_number(question: str) -> bool:
    """Whether it asks for one other than a date."""
    return asking().counts.search(question.replace("’", "'")) is not None and not _asks_for_degree(question)


def tells_quantity(question: str, sentence: str) -> bool:
    """Whether the sentence has a number, date or span; a question for a time may be answered by an event, too."""
    words = asking()
    if words.tells_quantity.search(sentence):
        return True
    return words.time.search(question) is not None and words.tells_time.search(sentence) is not None


def _asks_for_degree(question: str) -> bool:
    degree = asking().degree
    return degree is not None and degree.search(question) is not None
