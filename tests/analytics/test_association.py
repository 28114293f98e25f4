"""The proportional odds model against independent software, and when it is not to be run."""

from itertools import product

import numpy as np
import pytest

from analytics.association import NoFitError, associate_scores, cluster_covariance, proportional_odds

# Satisfaction of 1,681 Copenhagen residents (Madsen 1976), the example of MASS::polr; counts in the order of contact,
# type, influence, satisfaction.
FREQUENCIES = (
    "21 21 28 34 22 36 10 11 36 61 23 17 43 35 40 26 18 54 13 9 10 8 8 12 6 7 9 18 6 7 15 13 13 7 5 11 "
    "14 19 37 17 23 40 3 5 23 78 46 43 48 45 86 15 25 62 20 23 20 10 22 24 7 10 21 57 23 13 31 21 13 5 6 13"
)
# summary(polr(Sat ~ Infl + Type + Cont, weights = Freq, data = housing)) of R 4, as printed in the manual of MASS.
COEFFICIENTS = (0.5663937, 1.2888191, -0.5723501, -0.3661866, -1.0910149, 0.3602841)
ERRORS = (0.10465285, 0.12715611, 0.11923824, 0.15517344, 0.15148617, 0.09553587)
# statsmodels 0.15, OrderedModel on the 1,681 rows, cov_type="cluster" by the 24 combinations of the other questions,
# without its factor (n - 1) / (n - k): thresholds, then coefficients (its second threshold is parametrised otherwise).
CLUSTERED = (0.1445872, 0.1237987, 0.1748381, 0.1791500, 0.2246181, 0.1199919)


@pytest.fixture(scope="module")
def housing() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rows = list(product(range(2), range(4), range(3), range(1, 4)))
    counts = np.array(FREQUENCIES.split(), dtype=float)
    x = np.array([[i == 1, i == 2, t == 1, t == 2, t == 3, c == 1] for c, t, i, _s in rows], dtype=float)
    return np.array([row[3] for row in rows]), x, counts, np.array([12 * c + 3 * t + i for c, t, i, _s in rows])


Housing = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def test_agrees_with_polr_of_r(housing: Housing) -> None:
    y, x, counts, _clusters = housing
    fit = proportional_odds(y, x, counts)
    assert fit.coefficients == pytest.approx(COEFFICIENTS, abs=5e-6)
    assert fit.thresholds == pytest.approx((-0.4961353, 0.6907083), abs=5e-6)
    assert np.sqrt(np.diag(fit.inverse))[2:] == pytest.approx(ERRORS, abs=5e-6)
    assert -2 * fit.log_likelihood == pytest.approx(3479.149, abs=5e-4)


def test_cluster_robust_errors_agree_with_statsmodels(housing: Housing) -> None:
    y, x, counts, clusters = housing
    covariance = cluster_covariance(proportional_odds(y, x, counts), clusters)
    assert np.sqrt(np.diag(covariance))[2:] == pytest.approx(CLUSTERED, abs=2e-6)


def test_rows_one_by_one_give_what_their_counts_give(housing: Housing) -> None:
    y, x, counts, clusters = housing
    times = counts.astype(int)
    found = associate_scores(
        np.repeat(y, times), np.repeat(x, times, axis=0), list("abcdef"), np.repeat(clusters, times), least=10
    )
    assert found is not None
    assert (found.n, found.clusters, found.left_out) == (1681, 24, 0)
    assert [effect.coefficient for effect in found.effects] == pytest.approx(COEFFICIENTS, abs=5e-6)
    assert [effect.se for effect in found.effects] == pytest.approx(CLUSTERED, abs=2e-6)


def test_counts_of_alike_rows_agree_with_statsmodels_too(housing: Housing) -> None:
    y, x, counts, clusters = housing
    found = associate_scores(y, x, list("abcdef"), clusters, counts=counts.astype(int), least=10)
    assert found is not None
    assert (found.n, found.clusters, found.left_out) == (1681, 24, 0)
    assert [effect.coefficient for effect in found.effects] == pytest.approx(COEFFICIENTS, abs=5e-6)
    assert [effect.se for effect in found.effects] == pytest.approx(CLUSTERED, abs=2e-6)


def test_a_score_that_an_indicator_lowers_has_odds_below_one() -> None:
    generator = np.random.default_rng(1)
    late, units = generator.integers(0, 2, 2000), np.repeat(np.arange(20), 100)
    latent = generator.logistic(size=2000) - 1.5 * late
    scores = 1 + np.digitize(latent, [-2, -1, 0, 1.5])
    found = associate_scores(scores, late[:, None], ["late"], units)
    assert found is not None
    (effect,) = found.effects
    assert effect.coefficient == pytest.approx(-1.5, abs=0.25)
    assert effect.odds == pytest.approx(np.exp(effect.coefficient))
    assert effect.lo < effect.odds < effect.hi < 1
    assert effect.p < 0.001


def test_units_with_few_ratings_are_left_out_and_few_units_give_nothing() -> None:
    generator = np.random.default_rng(2)
    units = np.repeat(np.arange(12), [9, 9, *[30] * 10])
    scores, late = generator.integers(1, 6, units.size), generator.integers(0, 2, units.size)
    found = associate_scores(scores, late[:, None], ["late"], units)
    assert found is not None and (found.n, found.clusters, found.left_out) == (300, 10, 18)
    assert associate_scores(scores[:200], late[:200, None], ["late"], units[:200]) is None


@pytest.mark.parametrize(
    ("scores", "late", "why"),
    [([5] * 40, [0, 1] * 20, "same score"), ([4, 5] * 20, [1] * 40, "vary"), ([1, 5] * 20, [1, 0] * 20, "separate")],
)
def test_what_the_data_do_not_allow_is_refused(scores: list[int], late: list[int], why: str) -> None:
    with pytest.raises(NoFitError, match=why):
        proportional_odds(scores, np.array(late, dtype=float)[:, None])


def test_indicators_that_say_the_same_are_refused() -> None:
    x = np.random.default_rng(3).integers(0, 2, 200).astype(float)
    with pytest.raises(NoFitError):
        proportional_odds(np.random.default_rng(4).integers(1, 6, 200), np.column_stack([x, 1 - x]))
