"""What is said among units: against Welch's test of scipy, and what must hold whatever the numbers."""

from datetime import date
from math import isclose

from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from backend.indicators.unit_comparison import UnitTally
from backend.indices.measures.sides import TicketSpan
from backend.indices.measures.sums import SpanSums
from backend.indices.measures.unit_ranks import RankTally, drawn_values, unit_gaps
from backend.indices.measures.values import RunValue
from backend.indices.models import FigureSide

FIRST, LAST = date(2026, 1, 1), date(2026, 10, 31)
SCORES = st.lists(st.integers(1, 5), min_size=1, max_size=40)


def tally(unit_id: int, scores: list[int]) -> RankTally:
    numbers = [float(score) for score in scores]
    span = TicketSpan(unit_id, FIRST, LAST, SpanSums())
    return RankTally(span, UnitTally(unit_id, len(numbers), sum(numbers), sum(number**2 for number in numbers)))


def rated(*units: list[int]) -> list[RunValue]:
    return list(unit_gaps([tally(i, scores) for i, scores in enumerate(units, start=1)], FigureSide.RATINGS, 0, 20))


def test_a_unit_is_tested_against_all_others_as_by_welch_and_holm() -> None:
    units = [[5, 4, 5, 5, 4, 5, 5, 4, 5, 5], [3, 4, 2, 3, 4, 3, 5, 2, 3, 4, 3], [4, 4, 5, 3, 4, 4, 4, 5, 3, 4, 4, 4]]
    found = rated(*units)
    tests = []
    for i, one in enumerate(found):
        others = [score for j, scores in enumerate(units) for score in scores if j != i]
        tests.append(stats.ttest_ind(units[i], others, equal_var=False))
        assert one.value is not None
        assert isclose(one.value, 20 * (sum(units[i]) / len(units[i]) - sum(others) / len(others)))
    single = [float(test.pvalue) for test in tests]
    ordered = sorted(single)
    holm = [max(min(1.0, ordered[k] * (3 - k)) for k in range(ordered.index(p) + 1)) for p in single]
    assert all(isclose(one.extra["p"], p) for one, p in zip(found, holm, strict=True))
    for one, test, p, adjusted in zip(found, tests, single, holm, strict=True):
        ends = test.confidence_interval(1 - 0.05 * p / adjusted)
        assert one.lo is not None and isclose(one.lo, 20 * ends.low)
        assert one.hi is not None and isclose(one.hi, 20 * ends.high)
    assert [one.extra["verdict"] for one in found] == ["higher", "lower", "no-evidence"]


def test_a_unit_of_nine_is_compared_with_nobody_and_a_spotless_one_is_not_certain() -> None:
    shares = [tally(1, [1] * 12), tally(2, [1] * 20 + [0] * 2), tally(3, [0] * 9)]
    found = list(unit_gaps(shares, FigureSide.OPERATIONS, 2, 100))
    assert [one.unit_id for one in found] == [1, 2]
    assert found[0].value is not None and found[0].lo is not None and found[0].hi is not None
    assert found[0].lo < found[0].value <= found[0].hi <= 100


@given(st.lists(SCORES, min_size=2, max_size=12))
def test_a_drawn_figure_lies_between_its_own_and_the_provinces(units: list[list[int]]) -> None:
    everybody = [score for scores in units for score in scores]
    centre = 20 * sum(everybody) / len(everybody)
    found = {one.unit_id: one for one in drawn_values([tally(i, scores) for i, scores in enumerate(units)])}
    for i, scores in enumerate(units):
        assert (i in found) <= (len(scores) >= 5)
        if i in found:
            one, own = found[i], 20 * sum(scores) / len(scores)
            assert one.value is not None and one.lo is not None and one.hi is not None
            assert min(own, centre) - 1e-9 <= one.value <= max(own, centre) + 1e-9
            assert one.lo <= one.value <= one.hi
            assert isclose(one.value, one.extra["weight"] * own + (1 - one.extra["weight"]) * centre)
    weights = sorted((len(units[i]), one.extra["weight"]) for i, one in found.items() if i is not None)
    assert [weight for _n, weight in weights] == sorted(weight for _n, weight in weights)
