"""What a classifier's labels say of two texts: whether the second follows from the first, or contradicts it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_ENTAILS = frozenset({"entailment", "entails", "entailed", "entail"})
_CONTRADICTS = frozenset({"contradiction", "contradicts", "contradictory", "contradict"})


@dataclass(frozen=True)
class EntailmentLabels:
    """The model's own spelling; `contradiction` is None of a model that only tells entailment from the rest."""

    entailment: str
    contradiction: str | None


def entailment_labels(labels: Iterable[str]) -> EntailmentLabels:
    """Found by name, whatever the order. Raises ValueError where none means entailment."""
    known = list(labels)
    entails = next((label for label in known if label.strip().casefold() in _ENTAILS), None)
    if entails is None:
        raise ValueError(f"none of the labels {', '.join(map(repr, known))} is called entailment")
    return EntailmentLabels(entails, next((one for one in known if one.strip().casefold() in _CONTRADICTS), None))


@dataclass(frozen=True)
class Inference:
    """Probabilities, 0 to 1; that of contradiction is 0 of a model that doesn't tell it."""

    entailment: float
    contradiction: float = 0.0


def inference_of(scores: Mapping[str, float]) -> Inference:
    """From the score of each label. Raises ValueError where none means entailment."""
    labels = entailment_labels(scores)
    return Inference(scores[labels.entailment], scores[labels.contradiction] if labels.contradiction else 0.0)
