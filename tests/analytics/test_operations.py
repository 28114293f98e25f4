"""Shares, mean scores and weighted days: reference values from elsewhere, and invariants."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.operations import (
    SMALL_N,
    mean_index,
    mean_index_of_counts,
    median_days,
    t_quantile,
    weighted_quantile,
    wilson_interval,
)


@pytest.mark.parametrize(
    ("k", "n", "lo", "hi"),
    [
        # R 4.2: prop.test(40, 100, correct = FALSE)
        (40, 100, 0.3094, 0.4980),
        # Newcombe (1998), Statistics in Medicine 17, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_is_that_of_independent_sources(k: int, n: int, lo: float, hi: float) -> None:
    share = wilson_interval(k, n)
    assert (share.k, share.n, share.value) == (k, n, k / n)
    assert share.lo == pytest.approx(lo, abs=5e-5)
    assert share.hi == pytest.approx(hi, abs=5e-5)


def test_share_of_nobody_has_no_value() -> None:
    share = wilson_interval(0, 0)
    assert (share.value, share.lo, share.hi) == (None, None, None)


@pytest.mark.parametrize("level", [0.05, 0.0, 1.0, 95, -0.95])
def test_error_probability_in_place_of_a_confidence_level_is_refused(level: float) -> None:
    with pytest.raises(ValueError, match="confidence level"):
        wilson_interval(40, 100, level)
    with pytest.raises(ValueError, match="confidence level"):
        mean_index([4, 5], level=level)


@pytest.mark.parametrize(("k", "n"), [(-1, 5), (6, 5), (1, 0)])
def test_impossible_share_is_refused(k: int, n: int) -> None:
    with pytest.raises(ValueError, match="no share"):
        wilson_interval(k, n)


@given(n=st.integers(1, 10**6), data=st.data(), level=st.floats(0.5, 0.999))
def test_wilson_contains_its_share_stays_in_0_to_1_and_mirrors(n: int, data: st.DataObject, level: float) -> None:
    k = data.draw(st.integers(0, n))
    share, mirror = wilson_interval(k, n, level), wilson_interval(n - k, n, level)
    assert share.lo is not None
    assert share.hi is not None
    assert share.value is not None
    assert 0 <= share.lo <= share.value <= share.hi <= 1
    assert mirror.hi is not None
    assert share.lo == pytest.approx(1 - mirror.hi, abs=1e-12)


def test_mean_index_has_the_interval_of_students_t() -> None:
    """By hand: 3.9 -+ 2.262157 x sqrt(8.9 / 9) / sqrt(10), the quantile from printed tables."""
    index = mean_index([5, 4, 4, 3, 5, 2, 4, 5, 4, 3])
    assert index.n == 10
    assert index.value == pytest.approx(78.0)
    assert index.lo == pytest.approx(3.188628 * 20, abs=2e-5)
    assert index.hi == pytest.approx(4.611372 * 20, abs=2e-5)


@pytest.mark.parametrize(
    ("df", "quantile"),
    [
        (1, 12.706205),  # printed tables of Student's t
        (9, 2.262157),
        (126, (62.1630926794538 - 61.8832816724015) / 0.141392199950215),  # R 4.2, survey 4.1: (estimate - lo) / se
    ],
)
def test_t_quantile_is_that_of_tables_and_of_r(df: int, quantile: float) -> None:
    assert t_quantile(0.975, df) == pytest.approx(quantile, abs=1e-6)


def test_published_item_follows_from_its_scores() -> None:
    """Lai Châu 2023, notice of the result: 2,200 points of 558 people are 78.85."""
    scores = [4] * 526 + [3] * 32
    assert sum(scores) == 2200
    value = mean_index(scores).value
    assert value is not None
    assert round(value, 2) == 78.85


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_answers_have_no_interval(count: int) -> None:
    index = mean_index([4] * count)
    assert index.value == (80.0 if count else None)
    assert (index.lo, index.hi, index.suppressed) == (None, None, False)


def test_equal_answers_have_an_interval_of_one_point() -> None:
    index = mean_index([4, 4, 4])
    assert (index.value, index.lo, index.hi) == (80.0, 80.0, 80.0)


@pytest.mark.parametrize(("n", "suppressed"), [(0, False), (1, True), (9, True), (10, False)])
def test_few_answers_are_suppressed_below_the_threshold(n: int, suppressed: bool) -> None:
    index = mean_index([3, 5] * (n // 2) + [3] * (n % 2), suppress_below=SMALL_N)
    assert index.suppressed is suppressed
    assert (index.value is None) == (suppressed or n == 0)
    assert index.n == n


@pytest.mark.parametrize("score", [0, 6, float("nan")])
def test_score_outside_the_scale_is_refused(score: float) -> None:
    with pytest.raises(ValueError, match="outside"):
        mean_index([3, score])


@given(st.lists(st.integers(1, 5), max_size=60))
def test_sums_from_a_database_give_the_same_index_as_the_scores(scores: list[int]) -> None:
    whole = mean_index(scores)
    from_sums = mean_index_of_counts(len(scores), sum(scores), sum(score**2 for score in scores))
    assert from_sums == whole
    if whole.lo is not None and whole.hi is not None and whole.value is not None:
        assert 20 <= whole.lo <= whole.value + 1e-9
        assert whole.value - 1e-9 <= whole.hi <= 100


cases = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 6)), max_size=30)


@given(cases=cases, q=st.floats(0, 1))
def test_quantile_of_counts_is_that_of_the_cases_written_out(cases: list[tuple[int, int]], q: float) -> None:
    days, counts = [day for day, _ in cases], [count for _, count in cases]
    written_out = np.repeat(days, counts)
    result = weighted_quantile(days, counts, q)
    if written_out.size == 0:
        assert result is None
    else:
        assert result == pytest.approx(float(np.quantile(written_out, q)), abs=1e-6)


def test_quantile_outside_0_to_1_is_refused() -> None:
    with pytest.raises(ValueError, match="no quantile"):
        weighted_quantile([1], [1], 95)


def test_median_of_working_days() -> None:
    assert median_days([3, 1, 2]) == 2
    assert median_days([4, 1]) == 2.5
    assert median_days([]) is None
