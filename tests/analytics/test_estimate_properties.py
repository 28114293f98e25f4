"""What must hold for any survey, beside a slow and obvious implementation of the same definitions."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.estimation.design import DesignError, DesignFault, build_design
from analytics.estimation.estimate import (
    EstimateNote,
    estimate_means,
    estimate_ratios,
    estimate_totals,
    index_of,
    share_items,
)

ITEMS = ("a", "b", "c")


@st.composite
def surveys(draw, least_units=2, blanks=True):
    """Small surveys with strata, units named alike in every stratum, uneven weights, blanks and domains."""
    seed = draw(st.integers(0, 2**32 - 1))
    generator = np.random.default_rng(seed)
    rows = []
    for stratum in range(draw(st.integers(1, 4))):
        for unit in range(draw(st.integers(least_units, 5))):
            rows += [(stratum, unit)] * int(generator.integers(1, 7))
    n = len(rows)
    items = {name: generator.integers(1, 6, n).astype(float) for name in ITEMS}
    if blanks and draw(st.booleans()):
        for values in items.values():
            values[generator.random(n) < 0.2] = np.nan
    return {
        "strata": np.array([row[0] for row in rows]),
        "psu": np.array([row[1] for row in rows]),
        "weights": np.where(generator.random(n) < 0.05, 0, generator.uniform(0.5, 80, n)) + (np.arange(n) == 0),
        "fpc": draw(st.sampled_from([None, "sizes", "fractions"])),
        "domain": generator.choice(["x", "y", "z"], n),
        "items": items,
    }


def design_of(survey, **changes):
    strata = survey["strata"]
    fpc = {None: None, "sizes": 6.0 + strata, "fractions": 0.1 + strata / 10}[survey["fpc"]]
    parts = {"strata": strata, "psu": survey["psu"], "weights": survey["weights"], "fpc": fpc}
    return build_design(len(strata), **{**parts, **changes})


INDICES = {"all": index_of(ITEMS), "two": index_of(("a", "c"), 4)}


def everything(survey, **changes):
    return estimate_means(design_of(survey), survey["items"], INDICES, by=survey["domain"], **changes)


def slow_mean(survey, of, inside):
    """Mean or composite and its variance, ballot by ballot; None without answers."""
    weights, n = survey["weights"], len(survey["strata"])
    value, linear = 0.0, [0.0] * n
    for item, coefficient in of.items():
        scores = survey["items"][item]
        answered = [i for i in range(n) if inside[i] and not np.isnan(scores[i])]
        total = sum(weights[i] for i in answered)
        if total == 0:
            return None
        mean = sum(weights[i] * scores[i] for i in answered) / total
        value += coefficient * mean
        for i in answered:
            linear[i] += coefficient * weights[i] * (scores[i] - mean) / total
    return value, sum(slow_stratum(survey, h, linear) for h in set(survey["strata"].tolist()))


def slow_stratum(survey, h, linear):
    here = [i for i in range(len(linear)) if survey["strata"][i] == h]
    units = sorted({survey["psu"][i] for i in here})
    sums = [sum(linear[i] for i in here if survey["psu"][i] == unit) for unit in units]
    n = len(units)
    drawn = {None: 0, "sizes": n / (6 + h), "fractions": 0.1 + h / 10}[survey["fpc"]]
    mean = sum(sums) / n
    return (1 - drawn) * n / (n - 1) * sum((z - mean) ** 2 for z in sums)


@given(surveys())
def test_estimates_equal_those_of_an_obvious_implementation(survey):
    estimates = everything(survey)
    wanted = {**{item: {item: 1.0} for item in ITEMS}, **INDICES}
    for domain in estimates.domains:
        inside = [domain in ("ALL", label) for label in survey["domain"]]
        for variable, of in wanted.items():
            ours, slow = estimates.get(variable, domain), slow_mean(survey, of, inside)
            if slow is None:
                assert ours.estimate is None
                assert ours.note is EstimateNote.NO_ANSWERS
            else:
                assert ours.estimate == pytest.approx(slow[0], rel=1e-12)
                assert ours.se == pytest.approx(sqrt(slow[1]), rel=1e-9, abs=1e-12)


def figures(estimates):
    return [(row.estimate, row.se, row.lo, row.hi) for row in estimates]


def close(one, other, rel=1e-9, absolute=1e-11):
    """Both missing, or as good as equal."""
    if one is None or other is None:
        return one is other
    return one == pytest.approx(other, rel=rel, abs=absolute)


def same(first, second):
    for left, right in zip(first, second, strict=True):
        assert all(close(*pair) for pair in zip(left, right, strict=True)), (left, right)


@given(surveys(), st.sampled_from([1e-300, 1e-6, 3.7, 1e9, 1e300]))
def test_scaling_all_weights_changes_no_mean(survey, factor):
    scaled = design_of(survey, weights=survey["weights"] * factor)
    same(figures(estimate_means(scaled, survey["items"], INDICES, by=survey["domain"])), figures(everything(survey)))


@given(surveys(), st.randoms(use_true_random=False))
def test_order_of_ballots_changes_nothing(survey, shuffler):
    order = list(range(len(survey["strata"])))
    shuffler.shuffle(order)
    moved = {key: survey[key][order] for key in ("strata", "psu", "weights", "domain")}
    moved |= {"fpc": survey["fpc"], "items": {name: values[order] for name, values in survey["items"].items()}}
    same(figures(everything(moved)), figures(everything(survey)))


@given(surveys())
def test_domain_of_everybody_equals_the_whole(survey):
    design, nobody_else = design_of(survey), np.full(len(survey["strata"]), "all")
    estimates = estimate_means(design, survey["items"], INDICES, by=nobody_else, where=nobody_else == "all")
    for variable in estimates.variables:
        whole, domain = estimates.get(variable), estimates.get(variable, "all")
        assert (whole.estimate, whole.se, whole.df, whole.deff) == (
            domain.estimate, domain.se, domain.df, domain.deff
        )  # fmt: skip


@given(surveys(least_units=1))
def test_units_of_one_ballot_are_what_leaving_the_units_out_means(survey):
    alone = {"single": "certainty", "fpc": None}
    each = design_of(survey, psu=np.arange(len(survey["strata"])), **alone)
    none = design_of(survey, psu=None, **alone)
    same(
        figures(estimate_means(each, survey["items"], INDICES)), figures(estimate_means(none, survey["items"], INDICES))
    )


@given(surveys())
def test_blanks_make_the_ballots_that_answered_a_domain(survey):
    design = design_of(survey)
    for name, scores in survey["items"].items():
        answered = ~np.isnan(scores)
        blank = estimate_means(design, {name: scores}).get(name)
        domain = estimate_means(design, {name: np.where(answered, scores, 0)}, where=answered).get(name)
        assert close(blank.estimate, domain.estimate)
        assert close(blank.se, domain.se)
        assert (blank.n, blank.df) == (domain.n, domain.df)


@given(surveys(blanks=False))
def test_error_of_a_composite_is_that_of_the_mean_of_its_items(survey):
    """Without blanks c' V c is the variance of each ballot's own composite, and so is the design effect."""
    row_mean = sum(20 / 3 * scores for scores in survey["items"].values())
    composite = everything(survey)
    own = estimate_means(design_of(survey), {"all": row_mean}, by=survey["domain"])
    for domain in composite.domains:
        joint, single = composite.get("all", domain), own.get("all", domain)
        assert close(joint.se, single.se)
        assert close(joint.deff, single.deff, rel=1e-7)


def test_design_effect_of_a_composite_hardly_moves_when_one_answer_is_blank():
    generator = np.random.default_rng(5)
    n = 20_000
    unit = generator.integers(0, 200, n)
    items = {name: np.rint(generator.normal(3, 1, n) + unit % 3) for name in ITEMS}
    design = build_design(n, psu=unit, weights=np.full(n, 7.0))
    complete = estimate_means(design, items, INDICES, by=unit % 2)
    items["a"][0] = np.nan
    blank = estimate_means(design, items, INDICES, by=unit % 2)
    for domain in ("ALL", "0", "1"):
        before, after = complete.get("all", domain).deff, blank.get("all", domain).deff
        assert after == pytest.approx(before, rel=1e-3)
        assert before > 2


@given(surveys())
def test_population_drawn_in_full_leaves_no_error(survey):
    full = design_of(survey, fpc=np.ones(len(survey["strata"])))
    for row in estimate_means(full, survey["items"], INDICES, by=survey["domain"]):
        assert row.se in (0, None)


@given(surveys())
def test_mean_is_the_ratio_of_two_totals(survey):
    design, scores = design_of(survey), survey["items"]["a"]
    ones = np.where(np.isnan(scores), np.nan, 1.0)
    ratio = estimate_ratios(design, {"a": (scores, ones)}, by=survey["domain"])
    mean = estimate_means(design, {"a": scores}, by=survey["domain"])
    totals = estimate_totals(design, {"upper": scores, "lower": ones}, by=survey["domain"])
    for domain in mean.domains:
        assert close(ratio.get("a", domain).estimate, mean.get("a", domain).estimate)
        assert close(ratio.get("a", domain).se, mean.get("a", domain).se, rel=1e-7, absolute=1e-9)
        upper, lower = totals.get("upper", domain), totals.get("lower", domain)
        if lower.estimate:
            assert upper.estimate / lower.estimate == pytest.approx(mean.get("a", domain).estimate)


def test_equal_answers_have_no_error_and_no_design_effect():
    answers = {"a": [3.0] * 6, "b": [0.1] * 6}
    design = build_design(6, psu=[1, 1, 2, 2, 3, 3], weights=[1.1, 7.3, 2.9, 3.7, 1e6, 0.3])
    for row in estimate_means(design, answers, {"i": {"a": 20, "b": 5}}):
        assert (row.se, row.deff, row.note) == (0, None, EstimateNote.NO_DESIGN_EFFECT)
        assert row.lo == row.hi == row.estimate


def test_one_ballot_has_a_mean_and_no_interval():
    design = build_design(1, weights=[5], single="certainty")
    row = estimate_means(design, {"a": [4]}).get("a")
    assert (row.n, row.estimate, row.se, row.df, row.lo, row.hi) == (1, 4, 0, 0, None, None)
    assert row.note is EstimateNote.NO_INTERVAL


def test_domain_without_counting_ballots_has_no_figures():
    design = build_design(4, weights=[1, 1, 0, 0])
    row = estimate_means(design, {"a": [1, 2, 3, 4]}, by=["x", "x", "y", "y"]).get("a", "y")
    assert (row.n, row.estimate, row.se, row.df, row.note) == (0, None, None, 0, EstimateNote.NO_ANSWERS)


def test_average_of_no_strata_gives_no_error_instead_of_not_a_number():
    design = build_design(3, strata=[1, 2, 3], single="average")
    row = estimate_means(design, {"a": [1, 2, 4]}).get("a")
    assert (row.se, row.lo, row.note) == (None, None, EstimateNote.NO_VARIANCE)


def test_shares_are_means_of_indicators_and_leave_blanks_out():
    items = share_items([1, 2, np.nan, 2], {"two": [2], "low": [1, 2]})
    shares = estimate_means(build_design(4), items)
    assert shares.get("two").estimate == pytest.approx(2 / 3)
    assert shares.get("low").estimate == 1


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"weights": [1, -1, 1, 1]}, DesignFault.WEIGHT_NEGATIVE),
        ({"weights": [1, np.nan, 1, 1]}, DesignFault.WEIGHT_MISSING),
        ({"weights": [1, np.inf, 1, 1]}, DesignFault.WEIGHT_MISSING),
        ({"weights": [0, 0, 0, 0]}, DesignFault.WEIGHTS_ZERO),
        ({"weights": [1, 1]}, DesignFault.LENGTH),
        ({"strata": ["a", None, "b", "b"]}, DesignFault.LABEL_MISSING),
        ({"fpc": [10, 10, 10, 0.5]}, DesignFault.FPC_MIXED),
        ({"fpc": [10, 10, 10, -1]}, DesignFault.FPC_MISSING),
        ({"fpc": [10, 11, 10, 10]}, DesignFault.FPC_VARIES),
        ({"fpc": [3, 3, 3, 3]}, DesignFault.FPC_SMALL),
    ],
)
def test_faulty_designs_are_refused_with_the_reason(changes, fault):
    with pytest.raises(DesignError) as refusal:
        build_design(4, **changes)
    assert refusal.value.fault is fault


@pytest.mark.parametrize(
    ("items", "indices", "fault"),
    [
        ({"a": [1, 2, 3, np.inf]}, {}, DesignFault.NOT_FINITE),
        ({"a": ["x", "y", "z", "u"]}, {}, DesignFault.NOT_NUMERIC),
        ({"a": [1, 2]}, {}, DesignFault.LENGTH),
        ({"a": [1, 2, 3, 4]}, {"i": {"b": 1.0}}, DesignFault.UNKNOWN_ITEM),
        ({}, {}, DesignFault.NO_ITEMS),
    ],
)
def test_faulty_requests_are_refused_with_the_reason(items, indices, fault):
    with pytest.raises(DesignError) as refusal:
        estimate_means(build_design(4), items, indices)
    assert refusal.value.fault is fault
