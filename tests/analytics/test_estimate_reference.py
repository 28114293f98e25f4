"""Agreement with R's package survey: the reference ballots, its documented samples, blanks, single units."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from analytics.estimation.calibrate import calibrate_linear, post_stratify, rake_weights, trim_weights
from analytics.estimation.design import DesignError, DesignFault, build_design
from analytics.estimation.estimate import estimate_means, estimate_ratios, estimate_totals, index_of
from tests.places import DATA

ITEMS = [f"q{i:02d}" for i in range(1, 40)]
INDICES = {
    "policy": index_of(ITEMS[:23]),
    "service": index_of(ITEMS[23:]),
    "feedback": index_of(ITEMS[36:]),
    "sipas": index_of(ITEMS),
}
TOLERANCE = 1e-9


def distance(ours, theirs):
    """Relative difference; absolute where R says zero."""
    return abs(ours - theirs) / (abs(theirs) or 1.0)


@pytest.fixture(scope="module")
def reference():
    ballots = pd.read_csv(DATA / "reference" / "ballots_35k.csv.gz")
    design = build_design(len(ballots), strata=ballots.province, psu=ballots.district, weights=ballots.w)
    return estimate_means(design, {item: ballots[item] for item in ITEMS}, INDICES, by=ballots.province)


def test_item_means_and_errors_of_the_reference_agree_with_r(reference, record_property):
    expected = pd.read_csv(DATA / "reference" / "item_means_r.csv")
    assert len(expected) == 39 * 64
    largest = 0.0
    row: Any
    for row in expected.itertuples():
        ours = reference.get(row.item, "ALL" if row.domain == "ALL" else str(int(row.province)))
        largest = max(largest, distance(ours.estimate, row.mean), distance(ours.se, row.se))
        assert np.isnan(row.df) or ours.df == row.df
    record_property("largest relative difference", largest)
    assert largest < TOLERANCE


def test_composites_of_the_reference_agree_with_r(reference, record_property):
    largest = 0.0
    for _case, name, value, se, df, lo, hi in pd.read_csv(DATA / "reference" / "composite_r.csv").itertuples(False):
        ours = reference.get(name)
        pairs = ((ours.estimate, value), (ours.se, se), (ours.lo, lo), (ours.hi, hi))
        largest = max(largest, *(distance(*pair) for pair in pairs))
        assert ours.df == df
    record_property("largest relative difference", largest)
    assert largest < TOLERANCE


R_API = pd.read_csv(DATA / "survey_r" / "api_r.csv").set_index(["case", "variable"])


def check(case, estimates, domain="ALL"):
    rows = R_API.loc[case].drop(index="sum", errors="ignore")
    assert len(rows)
    for variable, row in rows.iterrows():
        ours = estimates.get(variable, domain)
        assert distance(ours.estimate, row.estimate) < TOLERANCE
        assert distance(ours.se, row.se) < TOLERANCE
        assert np.isnan(row.df) or ours.df == row.df
        assert np.isnan(row.deff) or distance(ours.deff, row.deff) < TOLERANCE


@pytest.fixture(scope="module")
def strat():
    schools = pd.read_csv(DATA / "survey_r" / "apistrat.csv")
    return schools, build_design(len(schools), strata=schools.stype, weights=schools.pw, fpc=schools.fpc)


@pytest.fixture(scope="module")
def clus1():
    schools = pd.read_csv(DATA / "survey_r" / "apiclus1.csv")
    return schools, build_design(len(schools), psu=schools.dnum, weights=schools.pw, fpc=schools.fpc)


def columns(schools, *names):
    return {name: schools[name] for name in names}


def test_stratified_sample_of_schools_agrees(strat):
    schools, design = strat
    means = estimate_means(design, columns(schools, "api00", "api99", "enroll"), by=schools["sch.wide"])
    check("strat", means)
    check("strat no", means, "No")
    check("strat total", estimate_totals(design, columns(schools, "enroll")))
    check("strat ratio", estimate_ratios(design, {"api00": (schools.api00, schools.api99)}))


def test_cluster_sample_of_schools_agrees_with_the_published_figures(clus1):
    schools, design = clus1
    means = estimate_means(design, columns(schools, "api00", "enroll"), by=schools.stype)
    check("clus1", means)
    for domain in "EHM":
        check(f"clus1 {domain}", means, domain)
    assert round(means.get("api00").estimate, 2) == 644.17
    assert round(means.get("api00").se, 2) == 23.54


@pytest.mark.parametrize("single", ["adjust", "average", "certainty"])
def test_strata_with_one_unit_are_treated_as_r_treats_them(clus1, single):
    schools, _ = clus1
    labels = {"strata": schools.dnum, "psu": schools.snum, "weights": schools.pw, "single": single}
    means = estimate_means(
        build_design(len(schools), **labels), columns(schools, "api00"), by=schools.stype, where=schools.stype != "M"
    )
    check(f"single E {single}", means, "E")
    check(f"single H {single}", means, "H")
    check(f"single {single}", estimate_means(build_design(len(schools), **labels), columns(schools, "api00")))
    in_full = build_design(len(schools), **labels, fpc=np.where(schools.dnum == 413, 1, 1000))
    check(f"single fpc {single}", estimate_means(in_full, columns(schools, "api00")))


def test_strata_with_one_unit_are_refused_by_default_but_only_where_they_matter(clus1):
    schools, _ = clus1
    design = build_design(len(schools), strata=schools.dnum, psu=schools.snum, weights=schools.pw)
    with pytest.raises(DesignError) as refusal:
        estimate_means(design, columns(schools, "api00"))
    assert refusal.value.fault is DesignFault.SINGLE_PSU
    alone = schools.dnum.map(schools.dnum.value_counts()) == 1
    assert estimate_means(design, columns(schools, "api00"), where=~alone).get("api00").se > 0


def test_strata_drawn_all_but_in_full_add_nothing_and_need_no_second_unit():
    # R: svymean with these fractions has SE 0.21370338275860104 under survey.lonely.psu = "fail".
    nearly = 1 - 5e-8
    design = build_design(
        5, strata=[1, 1, 2, 2, 3], psu=[1, 2, 3, 4, 5], weights=[1, 2, 3, 4, 5], fpc=[nearly, nearly, 0.5, 0.5, nearly]
    )
    mean = estimate_means(design, {"q": [1, 2, 4, 5, 3]}).get("q")
    assert mean.se == pytest.approx(0.21370338275860104, rel=TOLERANCE)


def test_unit_of_weightless_ballots_stays_in_the_design_but_gives_no_degree_of_freedom():
    # R: svymean and degf of the same design; its third unit has weights of zero alone.
    design = build_design(
        8, strata=[1, 1, 1, 1, 2, 2, 2, 2], psu=[1, 2, 3, 3, 1, 2, 3, 3], weights=[1, 2, 0, 0, 3, 4, 0, 2]
    )
    mean = estimate_means(design, {"q": [1, 2, 4, 5, 3, 2, 5, 1]}).get("q")
    assert (mean.n, mean.estimate, mean.df) == (5, 2, 3)
    assert mean.se == pytest.approx(0.37267799624996489, rel=TOLERANCE)
    assert mean.deff == pytest.approx(1.9047619047619044, rel=TOLERANCE)


def test_design_effect_of_a_composite_with_blanks_is_that_of_its_linearised_ballots():
    # R: svymean(~z, deff = TRUE) of z = sum of the weights x linearised composite, over the ballots with any answer.
    nan = np.nan
    items = {"a": [nan, 2, 4, nan, 3, nan, 5, nan], "b": [2, 3, nan, 5, 1, nan, 4, 4]}
    design = build_design(
        8, strata=[1, 1, 1, 1, 2, 2, 2, 2], psu=[1, 2, 3, 3, 1, 2, 3, 3], weights=[3, 2, 4, 2, 3, 4, 5, 2]
    )
    index = estimate_means(design, items, {"i": index_of(["a", "b"])}, by=["x"] * 8)
    for domain in ("ALL", "x"):
        assert index.get("i", domain).n == 7
        assert index.get("i", domain).se == pytest.approx(12.614896146768887, rel=TOLERANCE)
        assert index.get("i", domain).deff == pytest.approx(2.4803202714425101, rel=TOLERANCE)


def test_average_of_no_strata_gives_no_error_even_to_equal_answers():
    # R: svymean of two strata with one unit each under survey.lonely.psu = "average" has SE NaN.
    design = build_design(4, strata=[1, 1, 2, 2], psu=[1, 1, 1, 1], single="average")
    equal = estimate_means(design, {"q": [3, 3, 3, 3]}).get("q")
    assert (equal.estimate, equal.se, equal.lo) == (3, None, None)


def test_adjusted_total_is_centred_at_the_mean_of_a_unit():
    # From the tests of R's survey 4.4; version 4.1 did not centre totals yet.
    design = build_design(
        5, strata=[1, 1, 2, 2, 3], psu=[1, 2, 3, 4, 5], weights=[10.5, 10.5, 20, 20, 15], single="adjust"
    )
    total = estimate_totals(design, {"age": [30.5, 40.5, 35, 52, 44]}).get("age")
    assert total.se**2 == pytest.approx(127579.8, rel=1e-6)


STYPE = {"E": 4421, "H": 755, "M": 1018}


def test_post_stratified_sample_agrees(clus1):
    schools, design = clus1
    post = post_stratify(design, schools.stype, STYPE)
    means = estimate_means(post, columns(schools, "api00", "enroll"), by=schools["sch.wide"])
    check("post", means)
    check("post yes", means, "Yes")
    check("post total", estimate_totals(post, columns(schools, "enroll")))
    trimmed = trim_weights(post, lower=20, upper=45)
    check("trim", estimate_means(trimmed, columns(schools, "api00")))
    assert trimmed.weights.sum() == pytest.approx(R_API.loc[("trim", "sum"), "estimate"])
    with pytest.raises(DesignError):
        post_stratify(post, schools.stype, STYPE)


def test_calibrated_sample_agrees(clus1):
    schools, design = clus1
    dummies = np.column_stack([np.ones(len(schools)), schools.stype == "H", schools.stype == "M", schools.api99])
    stype = calibrate_linear(design, dummies[:, :3], [6194, 755, 1018])
    check("cal stype", estimate_means(stype, columns(schools, "api00")))
    linear = calibrate_linear(design, dummies, [6194, 755, 1018, 3914069])
    means = estimate_means(linear, columns(schools, "api00", "enroll"), by=schools["sch.wide"])
    check("cal linear", means)
    check("cal linear no", means, "No")
    check("cal linear total", estimate_totals(linear, columns(schools, "enroll")))


def test_raked_sample_agrees(clus1):
    schools, design = clus1
    raked = rake_weights(design, [(schools.stype, STYPE), (schools["sch.wide"], {"Yes": 5122, "No": 1072})])
    means = estimate_means(raked, columns(schools, "api00", "enroll"), by=schools.stype)
    check("rake", means)
    check("rake E", means, "E")


def test_strictly_trimmed_sample_agrees(strat):
    schools, _ = strat
    design = trim_weights(build_design(len(schools), strata=schools.stype, weights=schools.pw), upper=40, strict=True)
    check("trim strict", estimate_means(design, columns(schools, "api00")))
    assert design.weights.max() <= 40
    assert design.weights.sum() == pytest.approx(schools.pw.sum())


@pytest.mark.parametrize("single", ["adjust", "average", "certainty"])
@pytest.mark.parametrize("fpc", ["no", "yes"])
def test_blanks_zero_weights_and_domains_agree(single, fpc):
    ballots = pd.read_csv(DATA / "survey_r" / "blanks.csv", dtype={"tinh": str})
    population = ballots.so_xa if fpc == "yes" else None
    design = build_design(
        len(ballots), strata=ballots.tinh, psu=ballots.xa, weights=ballots.w, fpc=population, single=single
    )
    items = {f"q{i}": ballots[f"q{i}"] for i in range(1, 6)}
    indices = {"i5": index_of(list(items)), "i2": index_of(["q4", "q5"])}
    thin = (ballots.tinh == "05") | ((ballots.tinh == "02") & (ballots.xa == 1))
    groups = estimate_means(design, items, indices, by=ballots.tuoi)
    where = {
        "nam": estimate_means(design, items, indices, where=ballots.gioi == "nam"),
        "thin": estimate_means(design, items, indices, where=thin),
    }
    expected = pd.read_csv(DATA / "survey_r" / "blanks_r.csv").query(f"single == '{single}' and fpc == '{fpc}'")
    assert len(expected) == 42
    row: Any
    for row in expected.itertuples():
        ours = where[row.where].get(row.variable) if row.where in where else groups.get(row.variable, row.where)
        assert distance(ours.estimate, row.estimate) < TOLERANCE
        assert distance(ours.se, row.se) < TOLERANCE
        if row.variable.startswith("q"):
            assert (ours.n, ours.df) == (row.n, row.df)
            figures = ((ours.lo, row.lo), (ours.hi, row.hi), (ours.deff, row.deff))
            assert all(mine is None if np.isnan(r) else distance(mine, r) < TOLERANCE for mine, r in figures)


def test_ballots_that_are_units_of_their_own_agree():
    ballots = pd.read_csv(DATA / "survey_r" / "blanks.csv", dtype={"tinh": str})
    design = build_design(len(ballots), strata=ballots.tinh, weights=ballots.w, single="adjust")
    items = {f"q{i}": ballots[f"q{i}"] for i in range(1, 6)}
    estimates = estimate_means(design, items, {"i5": index_of(list(items))}, by=ballots.tuoi)
    expected = pd.read_csv(DATA / "survey_r" / "alone_r.csv")
    assert len(expected) == 24
    row: Any
    for row in expected.itertuples():
        ours = estimates.get(row.variable, row.where)
        assert (ours.n, ours.df) == (row.n, row.df)
        for name in ("estimate", "se", "lo", "hi", "deff"):
            assert distance(getattr(ours, name), getattr(row, name)) < TOLERANCE
