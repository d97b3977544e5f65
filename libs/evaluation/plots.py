"""Reports' plots as SVG: means with their intervals, how they spread over the questions, what refusing costs."""

import html
import math
from collections.abc import Sequence

from libs.contracts.answer_evaluation import CurvePoint
from libs.contracts.evaluation import EvaluationReport
from libs.evaluation.measures import HEADLINE

# Told apart by those who see few colours too (Okabe and Ito 2008).
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
WIDTH, HEIGHT = 520, 300
LEFT, RIGHT, TOP, BOTTOM = 120, 20, 16, 48
GRID, INK = "#d0d7de", "#57606a"
TICKS = 5
# From here on a tick every tenth is enough.
WIDE = 0.45


def interval_plot(report: EvaluationReport) -> str:
    values = [one.measures[HEADLINE] for one in report.strategies]
    low = math.floor(min((one.low for one in values), default=0) * 10) / 10
    high = max(math.ceil(max((one.high for one in values), default=1) * 10) / 10, low + 0.1)
    step = (HEIGHT - TOP - BOTTOM) / max(len(values), 1)
    drawn = [*_x_axis(low, high, f"{HEADLINE}, 95 % interval")]
    for number, (one, value) in enumerate(zip(report.strategies, values, strict=True)):
        y = TOP + step * (number + 0.5)
        start, middle, end = (_x(at, low, high) for at in (value.low, value.value, value.high))
        colour = _colour(number)
        whiskers = f"M{start:.1f} {y:.1f}H{end:.1f}M{start:.1f} {y - 6:.1f}v12M{end:.1f} {y - 6:.1f}v12"
        drawn += [
            _text(LEFT - 10, y + 4, one.strategy, anchor="end"),
            f'<path d="{whiskers}" stroke="{colour}" stroke-width="2" fill="none"/>',
            f'<circle cx="{middle:.1f}" cy="{y:.1f}" r="5" fill="{colour}"/>',
        ]
    return _svg(f"{HEADLINE} of each strategy with its interval", drawn)


def spread_plot(report: EvaluationReport) -> str:
    """The share of questions that are at most so good: the lower a line, the better."""
    drawn = _frame(f"{HEADLINE} of a question", "share of questions at most that good")
    for number, one in enumerate(report.strategies):
        drawn.append(
            f'<path d="{_steps(sorted(one.per_question.values()))}" stroke="{_colour(number)}" stroke-width="2"'
            ' fill="none"/>'
        )
        y = TOP + 16 + 18 * number
        drawn.append(f'<path d="M{LEFT + 12} {y}h18" stroke="{_colour(number)}" stroke-width="3"/>')
        drawn.append(_text(LEFT + 36, y + 4, one.strategy))
    return _svg(f"How {HEADLINE} spreads over the questions", drawn)


def risk_plot(points: Sequence[CurvePoint]) -> str:
    """Risk over coverage: the lower, the better."""
    drawn = _frame("share of the questions that are answered", "share of those answers that are wrong")
    drawn.append(_line([(one.coverage, one.risk) for one in points], 0))
    return _svg("Risk over coverage", drawn)


def refusal_plot(points: Sequence[CurvePoint], wanted_right: float) -> str:
    """Refused unanswerable questions over answerable ones answered right: the higher, the better."""
    drawn = _frame("share of the answerable answered right", "share of the unanswerable refused")
    both = [(one.right, one.refused) for one in points if one.right is not None and one.refused is not None]
    drawn.append(_line(both, 1))
    x = _x(wanted_right, 0, 1)
    drawn.append(f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="{INK}" stroke-dasharray="4 4"/>')
    return _svg("What refusing more would cost", drawn)


def _frame(across: str, up: str) -> list[str]:
    """Two shares, each from 0 to 1."""
    drawn = [*_x_axis(0, 1, across)]
    for tick in range(TICKS + 1):
        share = tick / TICKS
        drawn.append(_text(LEFT - 10, _y(share) + 4, f"{share:.1f}", anchor="end"))
        drawn.append(f'<path d="M{LEFT} {_y(share):.1f}H{WIDTH - RIGHT}" stroke="{GRID}"/>')
    drawn.append(
        f'<text transform="translate({LEFT - 50} {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle"'
        f' fill="{INK}">{html.escape(up)}</text>'
    )
    return drawn


def _line(points: Sequence[tuple[float, float]], colour: int) -> str:
    places = [f"{_x(across, 0, 1):.1f} {_y(up):.1f}" for across, up in points]
    if not places:
        return ""
    x, y = places[-1].split()
    last = f'<circle cx="{x}" cy="{y}" r="5" fill="{_colour(colour)}"/>'
    return f'<path d="M{"L".join(places)}" stroke="{_colour(colour)}" stroke-width="2" fill="none"/>{last}'


def _steps(values: Sequence[float]) -> str:
    """The empirical distribution function as a path."""
    path = [f"M{_x(0, 0, 1):.1f} {_y(0):.1f}"]
    for number, value in enumerate(values, 1):
        if number == len(values) or values[number] != value:
            path.append(f"H{_x(value, 0, 1):.1f}V{_y(number / len(values)):.1f}")
    return "".join([*path, f"H{_x(1, 0, 1):.1f}"])


def _x_axis(low: float, high: float, title: str) -> list[str]:
    drawn = [_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, title, anchor="middle")]
    ticks = round((high - low) / (0.05 if high - low < WIDE else 0.1))
    for tick in range(ticks + 1):
        value = low + (high - low) * tick / ticks
        x = _x(value, low, high)
        drawn.append(f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="{GRID}"/>')
        drawn.append(_text(x, HEIGHT - BOTTOM + 18, f"{value:.2f}", anchor="middle"))
    return drawn


def _x(value: float, low: float, high: float) -> float:
    return LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT)


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def _text(x: float, y: float, content: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{INK}">{html.escape(content)}</text>'


def _svg(title: str, drawn: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-size="13"><title>{html.escape(title)}</title>'
        + "".join(drawn)
        + "</svg>"
    )
