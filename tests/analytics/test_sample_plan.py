"""Sizes and margins before the survey: by hand, and as repeated surveys of a made population show."""

from math import sqrt
from typing import Any

import numpy as np
import pytest

from analytics.sampling.sample_design import load_design
from analytics.sampling.sample_plan import PlanAssumptions, PlanError, SamplePlan, plan_sample, rank_resolution
from tests.analytics.sample_lists import design

SAMPLE_2023 = load_design("lai-chau-2023")


def whole(result: SamplePlan):
    return result.outlooks[0]


def villages(of: int | None, take: int, listed: int | None, each: int):
    known = {"of": of} if of else {}
    known_households = {"of": listed} if listed else {}
    return design(
        {"level": "village", "select": "srswor", "take": take, **known},
        {"level": "household", "select": "srswor", "take": each, **known_households},
    )


def test_sample_of_2023_by_hand() -> None:
    """sd 0.65 of 5 is 13 points; 558 ballots, 31 a village: deff 1 + 30 x 0.05 = 2.5."""
    found = whole(plan_sample(SAMPLE_2023, PlanAssumptions()))
    assert found.deff == pytest.approx(2.5)
    assert found.se == pytest.approx(13 * sqrt(2.5 / 558))
    assert found.margin == pytest.approx(1.959964 * 0.870154, rel=1e-6)
    assert (found.df, found.margin_t) == (1, pytest.approx(12.706205 * 0.870154, rel=1e-6))
    assert found.change_seen == pytest.approx(1.959964 * sqrt(2) * 0.870154, rel=1e-6)
    assert found.change_found == pytest.approx((1.959964 + 0.841621) * sqrt(2) * 0.870154, rel=1e-6)


def test_without_clustering_the_error_of_2023_is_about_half_a_point() -> None:
    found = whole(plan_sample(SAMPLE_2023, PlanAssumptions(icc={"village": 0.0})))
    assert (found.deff, round(found.se, 2)) == (pytest.approx(1), 0.55)


def test_needed_size_by_hand() -> None:
    """n = deff (1.96 x 13 / 2.5)^2 = 2.5 x 103.87 = 259.7: 9 villages of 31."""
    needed = whole(plan_sample(SAMPLE_2023, PlanAssumptions(margin=2.5, cost_village=500, cost_interview=50))).needed
    assert (needed.villages, needed.ballots, needed.cost) == (9, 279, 9 * 500 + 279 * 50)


def test_needed_size_within_a_village_uses_its_finite_population() -> None:
    """n0 = (1.96 x 13 / 2.5)^2 x 0.95 = 98.68; n0 / (1 + n0 / 150) = 59.5."""
    village = plan_sample(SAMPLE_2023, PlanAssumptions(margin=2.5)).outlooks[-1]
    assert (village.needed.villages, village.needed.ballots) == (1, 60)
    assert village.fpc == pytest.approx(1 - 31 / 150)


@pytest.mark.parametrize("margin", [0.6, 1.0, 2.5, 4.0, 9.0])
def test_needed_size_is_the_least_that_reaches_the_margin(margin: float) -> None:
    needed = whole(plan_sample(villages(60, 20, 80, 10), PlanAssumptions(margin=margin))).needed
    if needed is None:
        assert whole(plan_sample(villages(60, 60, 80, 10), PlanAssumptions())).margin > margin
        return
    reached = whole(plan_sample(villages(60, needed.villages, 80, 10), PlanAssumptions())).margin
    assert reached <= margin
    if needed.villages > 1:
        assert whole(plan_sample(villages(60, needed.villages - 1, 80, 10), PlanAssumptions())).margin > margin


def test_census_has_no_error() -> None:
    found = whole(plan_sample(villages(12, 12, 80, 80), PlanAssumptions()))
    assert (found.se, found.fpc) == (pytest.approx(0, abs=1e-6), pytest.approx(0, abs=1e-9))


def test_clustering_above_the_village_adds_to_the_design_effect() -> None:
    """1 + (31 - 1) 0.05 + (62 - 1) 0.02."""
    found = whole(plan_sample(SAMPLE_2023, PlanAssumptions(icc={"village": 0.05, "commune": 0.02})))
    assert found.deff == pytest.approx(1 + 30 * 0.05 + 61 * 0.02)


def test_communes_that_are_all_taken_are_strata_and_at_least_one_village_is_needed_in_each() -> None:
    found = whole(
        plan_sample(load_design("communes-all"), PlanAssumptions(margin=5, icc={"village": 0.05, "commune": 0.1}))
    )
    assert found.deff == pytest.approx((0.05 * 1140 / 76) + 0.85)
    assert found.df == 38
    assert found.needed.villages == 38


def test_best_number_of_ballots_for_the_money_by_hand() -> None:
    """sqrt(500 / 50 x 0.95 / 0.05) = 13.8."""
    found = plan_sample(SAMPLE_2023, PlanAssumptions(cost_village=500, cost_interview=50))
    assert found.per_village == pytest.approx(sqrt(190))
    assert plan_sample(SAMPLE_2023, PlanAssumptions()).per_village is None


def test_error_is_that_of_repeated_surveys() -> None:
    """30 of 100 villages, 8 of 40 households, 4,000 times: the spread of the means is the planned error."""
    rng = np.random.default_rng(1)
    icc, sd = 0.15, 13.0
    village, rest = rng.normal(size=100), rng.normal(size=(100, 40))
    village = (village - village.mean()) / village.std(ddof=1) * sqrt(icc)
    rest = (rest - rest.mean(axis=1, keepdims=True)) / rest.std(axis=1, ddof=1, keepdims=True) * sqrt(1 - icc)
    scores = sd * (village[:, None] + rest)
    means = []
    for _survey in range(4000):
        at = rng.permutation(100)[:30]
        households = rng.permuted(np.tile(np.arange(40), (30, 1)), axis=1)[:, :8]
        means.append(scores[at[:, None], households].mean())
    found = whole(plan_sample(villages(100, 30, 40, 8), PlanAssumptions(icc={"village": icc})))
    # The share of the rest in the means of whole villages is zero here: (1 - icc) / (n M) less than in the model.
    exact = sqrt(found.se**2 - sd**2 * (1 - icc) / 40 * (1 / 30 - 1 / 100))
    assert np.std(means) == pytest.approx(exact, rel=0.04)


def test_rank_resolution_is_that_of_repeated_rankings() -> None:
    rng = np.random.default_rng(2)
    units, spread, se = 63, 3.3, 0.87
    found = rank_resolution(se, units, spread)
    estimates = rng.normal(size=(4000, units)) * spread + rng.normal(size=(4000, units)) * se
    apart = np.abs(estimates[:, :1] - estimates[:, 1:])
    assert found.interval == pytest.approx((apart < found.told_apart).sum(axis=1).mean(), rel=0.02)
    assert found.told_apart == pytest.approx(1.959964 * sqrt(2) * 0.87, rel=1e-6)
    assert found.interval < found.interval_joint < units - 1


def test_change_is_found_as_often_as_planned() -> None:
    found = whole(plan_sample(SAMPLE_2023, PlanAssumptions()))
    rng = np.random.default_rng(3)
    seen = rng.normal(size=20_000) * found.se * sqrt(2) + found.change_found
    assert (seen > found.change_seen).mean() == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"margin": 0}, "margin"),
        ({"margin": float("nan")}, "margin"),
        ({"sd": 9}, "sd"),
        ({"icc": {"village": 1.0}}, "icc"),
        ({"icc": {"village": 0.6, "commune": 0.5}}, "icc"),
        ({"icc": {"hamlet": 0.1}}, "icc level"),
        ({"level": 1.0}, "level"),
        ({"power": 0}, "power"),
        ({"spread": -1}, "spread"),
        ({"peers": 1}, "peers"),
        ({"cost_village": -5}, "cost"),
    ],
)
def test_assumptions_out_of_range_are_refused(wrong: dict[str, Any], name: str) -> None:
    with pytest.raises(PlanError, match=f"^{name}$"):
        plan_sample(SAMPLE_2023, PlanAssumptions(**wrong))
