"""How often 95% intervals hold the truth: 1,000 samples from a known population of 2,000 villages."""

import numpy as np
import pytest

from analytics.estimation.design import build_design
from analytics.estimation.estimate import estimate_means, index_of

SAMPLES = 1000
STRATA, VILLAGES, HOUSEHOLDS = 8, 250, 60
DRAWN, ANSWERING = 15, 12
ITEMS = ("q37", "q38", "q39")


@pytest.fixture(scope="module")
def population():
    """Scores 1..5 (villages x households x items) that hang together by village, and a domain across villages."""
    generator = np.random.default_rng(2023)
    villages = STRATA * VILLAGES
    level = (
        generator.normal(3.4, 0.35, (villages, 1, 1))
        + np.repeat(np.linspace(-0.4, 0.4, STRATA), VILLAGES)[:, None, None]
    )
    person = generator.normal(0, 0.5, (villages, HOUSEHOLDS, 1))
    noise = generator.normal(0, 0.7, (villages, HOUSEHOLDS, len(ITEMS)))
    scores = np.clip(np.rint(level + person + noise), 1, 5)
    domain = generator.random((villages, HOUSEHOLDS)) < generator.uniform(0.15, 0.6, (villages, 1))
    return scores, domain


def draw(population, generator):
    """Villages of every stratum at random, households within them at random: scores, domain, stratum, village."""
    scores, domain = population
    order = generator.random((STRATA, VILLAGES)).argpartition(DRAWN, axis=1)[:, :DRAWN]
    village = (order + VILLAGES * np.arange(STRATA)[:, None]).ravel()
    household = generator.random((village.size, HOUSEHOLDS)).argpartition(ANSWERING, axis=1)[:, :ANSWERING]
    rows = np.repeat(village, ANSWERING), household.ravel()
    return scores[rows], domain[rows], rows[0] // VILLAGES, rows[0]


def test_intervals_hold_the_truth_as_often_as_they_say(population):
    scores, domain = population
    truth = {
        "mean": scores[..., 0].mean(),
        "domain": scores[..., 0][domain].mean(),
        "composite": scores.mean() * 20,
    }
    generator = np.random.default_rng(39)
    hits = dict.fromkeys(truth, 0)
    for _sample in range(SAMPLES):
        answers, inside, stratum, village = draw(population, generator)
        design = build_design(
            len(village),
            strata=stratum,
            psu=village,
            weights=np.full(len(village), VILLAGES * HOUSEHOLDS / (DRAWN * ANSWERING)),
            fpc=np.full(len(village), VILLAGES),
        )
        items = {name: answers[:, i] for i, name in enumerate(ITEMS)}
        estimates = estimate_means(design, items, {"feedback": index_of(ITEMS)}, by=inside)
        figures = {
            "mean": estimates.get("q37"),
            "domain": estimates.get("q37", "True"),
            "composite": estimates.get("feedback"),
        }
        for name, row in figures.items():
            hits[name] += row.lo <= truth[name] <= row.hi
    coverage = {name: hit / SAMPLES for name, hit in hits.items()}
    assert all(0.93 <= share <= 0.97 for share in coverage.values()), coverage
