"""One comparison of units: verdict and interval agree, whatever the numbers."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from analytics.compare import ComparabilityMark, compare_indices, since_last_break
from analytics.difference import (
    DifferenceVerdict,
    ErrorControl,
    adjust_probabilities,
    estimate_difference,
    judge_differences,
    multipliers,
)
from analytics.estimation.estimate import Estimate
from analytics.operations import wilson_interval
from backend.indicators.official_ratios import OfficialTicket, on_time_ratio, satisfied_ratio
from backend.indicators.unit_comparison import SCORE_POINTS, SHARE_POINTS, UnitTally, compare_units

P_VALUES = st.lists(st.floats(0, 1, allow_subnormal=False), max_size=20)
SHARES = st.lists(st.tuples(st.integers(10, 200), st.floats(0, 1)), min_size=2, max_size=40)
FIGURES = st.lists(st.tuples(st.floats(20, 100), st.floats(0.1, 9)), min_size=1, max_size=12)
OUTCOMES = st.sampled_from(["on_time", "late", "overdue", "open", "none"])
METHODS = st.sampled_from(["qd2640", "form-2022", "qd1001-2023", "dak-nong"])


def tallies(shares: list[tuple[int, float]]) -> list[UnitTally]:
    return [UnitTally(i, n, round(n * p), round(n * p)) for i, (n, p) in enumerate(shares, start=1)]


def test_six_units_below_the_whole_by_their_own_intervals_are_not_called_worse() -> None:
    units = [UnitTally(i, 40, 32, 32) for i in range(1, 7)] + [UnitTally(i, 40, 38, 38) for i in range(7, 39)]
    whole = sum(unit.total for unit in units) / sum(unit.n for unit in units)
    alone = [wilson_interval(int(unit.total), unit.n) for unit in units]
    assert sum(share.hi is not None and share.hi < whole for share in alone) == 6
    assert {one.verdict for one in compare_units(units, SHARE_POINTS)} == {DifferenceVerdict.NO_EVIDENCE}


@given(SHARES)
def test_a_verdict_is_given_exactly_where_the_printed_interval_leaves_out_zero(shares: list[tuple[int, float]]) -> None:
    for one in compare_units(tallies(shares), SHARE_POINTS):
        assert one.lo <= one.value <= one.hi
        assert (one.verdict is DifferenceVerdict.HIGHER) == (one.lo > 0)
        assert (one.verdict is DifferenceVerdict.LOWER) == (one.hi < 0)


@given(st.lists(st.lists(st.integers(1, 5), min_size=1, max_size=30), min_size=2, max_size=12))
def test_scores_are_compared_within_what_is_possible(units: list[list[int]]) -> None:
    sums = [
        UnitTally(i, len(scores), sum(scores), sum(score * score for score in scores)) for i, scores in enumerate(units)
    ]
    found = compare_units(sums, SCORE_POINTS)
    assert {one.unit_id for one in found} <= {i for i, scores in enumerate(units) if len(scores) >= 10}
    assert all(-80 <= one.lo <= one.value <= one.hi <= 80 for one in found)


@given(P_VALUES, st.sampled_from(list(ErrorControl)))
def test_adjusted_p_values_are_the_p_values_times_their_factors(p_values: list[float], control: ErrorControl) -> None:
    factors = multipliers(p_values, control)
    assert all(factor >= 1 for factor in factors)
    assert adjust_probabilities(p_values, control) == [
        min(1.0, p * factor) for p, factor in zip(p_values, factors, strict=True)
    ]


@given(
    st.lists(st.tuples(st.floats(20, 100), st.floats(0.1, 9)), min_size=1, max_size=12),
    st.sampled_from(list(ErrorControl)),
)
def test_judged_intervals_agree_with_their_verdicts(figures: list[tuple[float, float]], control: ErrorControl) -> None:
    base = Estimate("", "", 558, 79.0, 0.78, 557, None, None, None)
    singles = [
        estimate_difference(base, Estimate("", "", 50, value, se, 49, None, None, None)) for value, se in figures
    ]
    for single, one in zip(singles, judge_differences(singles, control=control), strict=True):
        assert one.lo is not None and one.hi is not None and single.lo is not None and single.hi is not None
        assert one.lo <= single.lo + 1e-9 and one.hi >= single.hi - 1e-9
        assert (one.verdict is DifferenceVerdict.HIGHER) == (one.lo > 0)
        assert (one.verdict is DifferenceVerdict.LOWER) == (one.hi < 0)


@given(st.lists(METHODS, max_size=8), st.sampled_from(["sipas", "service", "service.feedback.1"]))
def test_what_follows_the_last_break_is_comparable_with_the_last_figure(methods: list[str], code: str) -> None:
    series = [(2015 + i, method) for i, method in enumerate(methods)]
    start, broken = since_last_break(series, code)
    assert all(
        compare_indices(method, methods[-1], code).mark is ComparabilityMark.COMPARABLE for method in methods[start:]
    )
    assert (broken is None) == (start == 0)
    assert broken is None or (
        broken.year == series[start][0] and broken.comparability.mark is not ComparabilityMark.COMPARABLE
    )


@given(st.lists(st.builds(OfficialTicket, OUTCOMES, st.booleans(), st.booleans())))
def test_official_ratios_take_each_ticket_off_once(tickets: list[OfficialTicket]) -> None:
    missed = sum(ticket.missed for ticket in tickets)
    on_time, satisfied = on_time_ratio(len(tickets), missed), satisfied_ratio(Counter(tickets))
    assert on_time.n == satisfied.n == len(tickets)
    assert satisfied.k <= on_time.k == len(tickets) - missed
    assert satisfied.k >= on_time.k - sum(ticket.dissatisfied or ticket.again for ticket in tickets)
