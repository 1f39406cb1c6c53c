"""The geometry of a profile's drawings: errors along time beside their bound, and their histogram."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rnn_export.reports.html.axes import Decades, Span, Tick, decades, times, whole
from rnn_export.reports.telling import layer_of
from rnn_export.verifier.bounds.products import SIGMAS
from rnn_export.verifier.profile import Curve, Profile

WIDTH, HEIGHT = 340.0, 180.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 332.0, 10.0, 150.0
DOTS = 64
"""A curve of more points has none drawn but those beyond their bound."""


@dataclass(frozen=True)
class Dot:
    """A point of a curve, with what is told of it."""

    x: float
    y: float
    text: str
    beyond: bool


@dataclass(frozen=True)
class CurveDrawing:
    """Errors along time: paths for SVG, and what stands around them."""

    title: str
    about: str
    error: str
    bound: str
    beyond: str
    dots: tuple[Dot, ...]
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]


@dataclass(frozen=True)
class Bar:
    """A bar of a histogram."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class HistogramDrawing:
    """Errors by their size in predicted deviations; ``outside`` of them lie beyond ``reach``, the bound."""

    about: str
    bars: tuple[Bar, ...]
    normal: str
    across: tuple[Tick, ...]
    outside: int
    reach: float


def common_axis(profiles: Sequence[Profile]) -> Decades:
    """Return the upward axis that all curves share, so that they can be compared by eye."""
    numbers = [
        number
        for profile in profiles
        for curve in profile.curves
        for number in (*curve.bound, *(error for error in curve.error if error > 0))
    ]
    return decades(numbers, BOTTOM, TOP, most=9)


def draw_curve(curve: Curve, up: Decades) -> CurveDrawing:
    """Return the drawing of one curve."""
    last = max(curve.steps - 1, 0)
    across = Span(0, max(last, 1), LEFT, RIGHT)
    places = [min(at * curve.stride, last) for at in range(len(curve.error))]
    errors = [(across(x), up(y)) for x, y in zip(places, curve.error, strict=True)]
    bounds = [(across(x), up(y)) for x, y in zip(places, curve.bound, strict=True)]
    if len(bounds) == 1:
        bounds = [(LEFT, bounds[0][1]), (RIGHT, bounds[0][1])]
        errors = [((LEFT + RIGHT) / 2, errors[0][1])]
    dots = [
        Dot(x, y, f"step {step}: error {_short(error)}, bound {_short(bound)}", not error <= bound)
        for (x, y), step, error, bound in zip(errors, places, curve.error, curve.bound, strict=True)
        if not error <= bound or len(errors) <= DOTS
    ]
    worst = max(map(_ratio, curve.error, curve.bound), default=0.0)
    floor = "" if not bounds else f"{_path(bounds)}V{TOP}H{bounds[0][0]}Z"
    subject = layer_of(curve.subject)
    return CurveDrawing(
        subject,
        f"{subject}: at most {times(worst)} of the bound, over {curve.steps} steps",
        _path(errors),
        _path(bounds),
        floor,
        tuple(dots),
        () if curve.steps < 2 else across.ticks(whole(last)),
        up.ticks(),
    )


def draw_histogram(profile: Profile) -> HistogramDrawing | None:
    """Return the drawing of a profile's histogram; None where it has no elements."""
    total = sum(profile.counts)
    if not total + profile.outside:
        return None
    bins = len(profile.counts)
    across = Span(-SIGMAS, SIGMAS, LEFT, RIGHT)
    wide = 2 * SIGMAS / bins
    densities = [count / max(total, 1) / wide for count in profile.counts]
    up = Span(0.0, max(*densities, 0.45), BOTTOM, TOP)
    bars = tuple(
        Bar(across(at * wide - SIGMAS) + 0.3, up(density), (RIGHT - LEFT) / bins - 0.6, round(BOTTOM - up(density), 1))
        for at, density in enumerate(densities)
        if density
    )  # fmt: skip
    points = [SIGMAS * at / 30 for at in range(-30, 31)]
    normal = [(across(x), up(math.exp(-x * x / 2) / math.sqrt(2 * math.pi))) for x in points]
    about = f"histogram of {total + profile.outside:,} errors in predicted deviations"
    marks = across.ticks((-SIGMAS, -SIGMAS / 2, 0, SIGMAS / 2, SIGMAS))
    return HistogramDrawing(about, bars, _path(normal), marks, profile.outside, SIGMAS)


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points) if points else ""


def _short(value: float) -> str:
    return "not comparable" if math.isinf(value) else f"{value:.2g}"


def _ratio(error: float, bound: float) -> float:
    if error == 0:
        return 0.0
    return error / bound if bound else math.inf
