"""Differences with verdicts, ranks with intervals, small units."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.compare import compare_indices
from analytics.difference import (
    DifferenceVerdict,
    ErrorControl,
    adjust_probabilities,
    estimate_difference,
    judge_differences,
)
from analytics.estimation.estimate import Estimate, is_publishable
from analytics.rank import rank_units, volume_groups
from analytics.small_areas import shrink_figures, variance_between


def figure(value, se, df=30, domain="ALL", n=400):
    return Estimate("feedback", domain, n, value, se, df, None, None, None)


def test_clear_change_between_years_is_called_higher_and_its_mirror_lower():
    up = estimate_difference(figure(78.2, 0.3), figure(80.1, 0.4))
    assert (up.verdict, round(up.value, 2), round(up.se, 2)) == (DifferenceVerdict.HIGHER, 1.9, 0.5)
    # Welch and Satterthwaite: 0.25^2 / (0.09^2 / 30 + 0.16^2 / 30)
    assert up.df == pytest.approx(0.25**2 / (0.09**2 / 30 + 0.16**2 / 30))
    assert up.lo > 0
    assert estimate_difference(figure(80.1, 0.4), figure(78.2, 0.3)).verdict is DifferenceVerdict.LOWER


def test_change_inside_the_noise_is_no_evidence():
    one = estimate_difference(figure(79.34, 0.55), figure(79.82, 0.55))
    assert one.verdict is DifferenceVerdict.NO_EVIDENCE
    assert one.lo < 0 < one.hi


def test_methods_that_differ_give_no_number_but_the_reason():
    broken = compare_indices("form-2022", "qd1001-2023", "sipas")
    one = estimate_difference(figure(78.2, 0.1), figure(90.1, 0.1), comparability=broken)
    assert (one.verdict, one.value, one.reason) == (DifferenceVerdict.NOT_COMPARABLE, None, broken)


@pytest.mark.parametrize("other", [figure(85, None), figure(85, 0.1, df=0), figure(85, 0.0), figure(None, None)])
def test_figures_without_error_are_no_evidence(other):
    assert estimate_difference(figure(80, 0.0), other).verdict is DifferenceVerdict.NO_EVIDENCE


def test_adjusted_p_values_are_those_of_r():
    # R: p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), "holm" / "BH"); p.adjust(c(0.5, 0.001, 0.04), ...)
    p = [0.01, 0.02, 0.03, 0.04, 0.05]
    assert adjust_probabilities(p) == pytest.approx([0.05, 0.08, 0.09, 0.09, 0.09])
    assert adjust_probabilities(p, ErrorControl.BENJAMINI_HOCHBERG) == pytest.approx([0.05] * 5)
    assert adjust_probabilities([0.5, 0.001, 0.04]) == pytest.approx([0.5, 0.003, 0.08])
    assert adjust_probabilities([0.5, 0.001, 0.04], ErrorControl.BENJAMINI_HOCHBERG) == pytest.approx(
        [0.5, 0.003, 0.06]
    )


def test_many_comparisons_of_nothing_give_hardly_any_verdict():
    generator = np.random.default_rng(11)
    alarms = dict.fromkeys(ErrorControl, 0)
    for _ in range(100):
        pairs = generator.normal(80, 0.5, (63, 2))
        single = [estimate_difference(figure(a, 0.5, df=1000), figure(b, 0.5, df=1000)) for a, b in pairs]
        for control in ErrorControl:
            alarms[control] += any(
                one.verdict is not DifferenceVerdict.NO_EVIDENCE for one in judge_differences(single, control=control)
            )
    assert alarms[ErrorControl.NONE] > 80
    assert alarms[ErrorControl.HOLM] <= 12
    assert alarms[ErrorControl.BENJAMINI_HOCHBERG] <= 12


def test_ranks_share_ties_and_carry_the_width_of_the_noise():
    ranks = rank_units(["a", "b", "c", "d"], [80.004, 90, 80.0, 70], [0.1, 0.1, 0.1, None], seed=1)
    assert [(one.rank, one.tied) for one in ranks] == [(2, True), (1, False), (2, True), (4, False)]
    assert [(one.lo, one.hi) for one in ranks] == [(2, 3), (1, 1), (2, 3), (None, None)]


def test_same_seed_gives_the_same_ranks_in_any_order():
    generator = np.random.default_rng(3)
    units = [f"u{i:02d}" for i in range(63)]
    values, errors = generator.normal(80, 2, 63).tolist(), generator.uniform(0.3, 2, 63).tolist()
    forward = rank_units(units, values, errors, seed=7)
    backward = rank_units(units[::-1], values[::-1], errors[::-1], seed=7)
    assert forward == backward[::-1]
    assert all(one.lo <= one.rank <= one.hi for one in forward)
    assert max(one.hi - one.lo for one in forward) > 10


def test_faulty_ranks_are_refused():
    for units, values, errors in ((["a", "a"], [1, 2], [1, 1]), (["a"], [1, 2], [1]), (["a"], [float("nan")], [1])):
        with pytest.raises(ValueError):
            rank_units(units, values, errors, seed=1)


def test_units_are_ranked_among_those_of_like_volume():
    assert volume_groups([0, 29, 30, 299, 300, 9000]) == [0, 0, 1, 1, 2, 2]
    with pytest.raises(ValueError):
        volume_groups([1], bounds=(300, 30))


@given(
    st.lists(st.tuples(st.floats(60, 95), st.floats(0.2, 8)), min_size=3, max_size=40),
    st.floats(70, 90),
)
def test_shrunken_figures_lie_between_the_unit_and_the_province(figures, centre):
    units = [figure(value, se, domain=str(i)) for i, (value, se) in enumerate(figures)]
    for unit, result in zip(units, shrink_figures(units, figure(centre, 0.2)), strict=True):
        low, high = sorted((unit.estimate, centre))
        assert low - 1e-9 <= result.value <= high + 1e-9
        assert result.shrunk
        assert 0 <= result.weight < 1
        assert result.se >= 0


def test_noisy_units_are_drawn_further_than_precise_ones():
    units = [figure(value, se, domain=str(i)) for i, (value, se) in enumerate([(70, 5), (70, 0.5), (90, 2), (85, 3)])]
    noisy, precise, *_ = shrink_figures(units, figure(80, 0.2))
    assert noisy.value > precise.value + 2
    assert precise.value == pytest.approx(70, abs=0.1)


def test_variance_between_units_solves_its_equation_or_is_nothing():
    distance, noise = np.array([3.0, -4.0, 1.0, 0.5]), np.array([1.0, 2.0, 0.5, 0.3])
    between = variance_between(distance, noise)
    assert (distance**2 / (between + noise)).sum() == pytest.approx(4)
    assert variance_between(distance / 100, noise) == 0


def test_units_below_the_threshold_are_not_published_unless_asked_for():
    small, unit = figure(70, 2, domain="small", n=9), figure(75, 1, domain="unit", n=10)
    hidden, shown = shrink_figures([small, unit], figure(80, 0.2))
    assert (hidden.value, hidden.se, hidden.shrunk) == (None, None, False)
    assert shown.value is not None
    asked, _ = shrink_figures([small, unit], figure(80, 0.2), publish_small=True)
    assert asked.value is not None
    assert [is_publishable(n) for n in (0, 9, 10)] == [False, False, True]


def test_unit_without_ballots_takes_the_figure_of_the_province_with_the_error_between_units():
    units = [figure(None, None, domain="empty", n=0), figure(70, 1, domain="a"), figure(90, 1, domain="b")]
    empty, *_ = shrink_figures(units, figure(80, 0.2), publish_small=True)
    assert (empty.value, empty.weight) == (80, 0)
    assert empty.se > 5
