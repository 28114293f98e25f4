"""A whole draw: the same from the same lists, unmoved by changes elsewhere, with weights that add up to the truth."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.sampling.drawing import Sample, draw_sample
from analytics.sampling.sample_design import DESIGNS, SampleDesignError, load_design
from analytics.sampling.sample_lists import Household, ListError, ListFault, ListUnit
from tests.analytics.sample_lists import TWO_STRATA, design, population

DESIGN = design(*TWO_STRATA)
UNITS, PEOPLE = population("NNNSSS", villages=4, households=5)


def chosen(sample: Sample, commune: str) -> list[tuple[str, str]]:
    return [(b.household.village, b.household.code) for b in sample.ballots if b.branch.codes[0] == commune]


@settings(max_examples=25)
@given(st.randoms(use_true_random=False), st.integers(0, 2**63))
def test_rows_in_any_order_give_the_same_sample(random, seed: int) -> None:
    units, people = list(UNITS), list(PEOPLE)
    random.shuffle(units)
    random.shuffle(people)
    assert draw_sample(DESIGN, units, people, seed) == draw_sample(DESIGN, UNITS, PEOPLE, seed)


def test_another_seed_gives_another_sample() -> None:
    draws = {
        tuple((b.household.village, b.household.code) for b in draw_sample(DESIGN, UNITS, PEOPLE, s).ballots)
        for s in range(20)
    }
    assert len(draws) == 20


def test_changed_lists_of_one_commune_leave_the_others_as_they_were() -> None:
    before = draw_sample(DESIGN, UNITS, PEOPLE, 7)
    here = before.ballots[0].branch.codes[0]
    new = ListUnit(999, "village", f"{here}V9", "Bản mới", here, {"size": "9"})
    people = [*PEOPLE, *(Household(9000 + h, f"n{h:02d}", new.code) for h in range(9))]
    after = draw_sample(DESIGN, [*UNITS, new], people, 7)
    others = {b.branch.codes[0] for b in before.ballots} - {here}
    assert others
    assert all(chosen(before, commune) == chosen(after, commune) for commune in others)


def test_villages_can_be_drawn_before_their_households_are_listed() -> None:
    first = draw_sample(DESIGN, UNITS, None, 11)
    listed = {branch.codes[-1] for branch in first.villages}
    assert not first.ballots
    then = draw_sample(DESIGN, UNITS, [one for one in PEOPLE if one.village in listed], 11)
    assert then.villages == first.villages
    assert then.ballots == draw_sample(DESIGN, UNITS, PEOPLE, 11).ballots


def test_sums_of_weights_are_unbiased_over_many_draws() -> None:
    """Horvitz and Thompson: households, and a total that goes with commune, village and household."""
    value = {
        (p.village, p.code): 1.0 + int(p.village[1:3]) + 2 * (p.village[-1] == "1") + int(p.code) % 3 for p in PEOPLE
    }
    sums = []
    for seed in range(3000):
        ballots = draw_sample(DESIGN, UNITS, PEOPLE, seed).ballots
        sums.append(
            [
                sum(b.weight for b in ballots),
                sum(b.weight * value[b.household.village, b.household.code] for b in ballots),
            ]
        )
    means, errors = np.mean(sums, axis=0), np.std(sums, axis=0) / np.sqrt(3000)
    truth = np.array([len(PEOPLE), sum(value.values())])
    assert (np.abs(means - truth) < 4 * errors).all(), (means, truth, errors)
    assert (errors < 0.01 * truth).all()


def test_every_household_is_drawn_as_often_as_its_weight_says() -> None:
    two_stages = design(*TWO_STRATA[1:])
    sizes = {"A": 4, "B": 6, "C": 9}
    units = [ListUnit(at + 2, "village", code, "", "", {}) for at, code in enumerate(sizes)]
    people = [Household(0, f"{h}", code) for code, size in sizes.items() for h in range(size)]
    counts: Counter[tuple[str, str]] = Counter()
    weights = {}
    for seed in range(10_000):
        for ballot in draw_sample(two_stages, units, people, seed).ballots:
            key = ballot.household.village, ballot.household.code
            counts[key] += 1
            weights[key] = ballot.weight
    for (village, code), weight in weights.items():
        p = 2 / 3 * 3 / sizes[village]
        assert weight == pytest.approx(1 / p)
        assert abs(counts[village, code] / 10_000 - p) < 4.5 * np.sqrt(p * (1 - p) / 10_000)
    assert len(weights) == len(people)


def test_self_weighting_design_gives_equal_weights() -> None:
    """Villages by size and as many households from each: every household has the same chance (18 of 60 here)."""
    stages = (
        {"level": "village", "select": "pps", "size": "size", "take": 3},
        {"level": "household", "select": "srswor", "take": 6},
    )
    sizes = {"A": 10, "B": 12, "C": 18, "D": 20}
    units = [ListUnit(2, "village", code, "", "", {"size": str(n)}) for code, n in sizes.items()]
    people = [Household(2, f"{h:02d}", code) for code, n in sizes.items() for h in range(n)]
    sample = draw_sample(design(*stages), units, people, 1)
    assert [ballot.weight for ballot in sample.ballots] == pytest.approx([60 / 18] * 18)
    assert sample.households == pytest.approx(60)
    assert sample.weighting_effect == pytest.approx(1)


def test_certain_units_are_strata_and_the_first_uncertain_one_is_the_first_stage_unit() -> None:
    stages = ({"level": "commune", "select": "all", "of": 6}, *TWO_STRATA[1:])
    sample = draw_sample(design(*stages), UNITS, PEOPLE, 3)
    ballot = sample.ballots[0]
    assert (ballot.branch.stratum, ballot.psu, ballot.population) == (("C00",), ballot.branch.codes[1], 4)
    assert not sample.lonely_strata
    pps = draw_sample(DESIGN, UNITS, PEOPLE, 3).ballots[0]
    assert (pps.branch.stratum, pps.psu, pps.population) == (("N",), pps.branch.codes[0], None)


def test_where_all_units_are_certain_households_are_first_stage_units() -> None:
    stages = ({"level": "village", "select": "all", "of": 3}, {"level": "household", "select": "srswor", "take": 3})
    units = [ListUnit(2, "village", code, "", "", {}) for code in "AB"]
    people = [Household(2, f"{h}", code) for code in "AB" for h in range(8)]
    ballots = draw_sample(design(*stages), units, people, 1).ballots
    assert {(b.branch.stratum, b.population) for b in ballots} == {(("A",), 8), (("B",), 8)}
    assert all(b.psu == b.household.code for b in ballots)


def test_list_cut_from_a_larger_village_weighs_more() -> None:
    stages = (
        {"level": "village", "select": "all", "of": 3},
        {"level": "household", "select": "srswor", "take": 2, "list_cap": 5, "list_size": "size"},
    )
    units = [
        ListUnit(2, "village", code, "", "", {"size": size}) for code, size in {"A": "20", "B": "9", "C": ""}.items()
    ]
    people = [Household(2, f"{h}", code) for code, n in {"A": 5, "B": 4, "C": 5}.items() for h in range(n)]
    sample = draw_sample(design(*stages), units, people, 1)
    weights = {ballot.household.village: ballot.weight for ballot in sample.ballots}
    assert weights == pytest.approx({"A": 20 / 2, "B": 4 / 2, "C": 5 / 2})
    assert sample.unknown_listing == ("C",)


def test_reserves_come_in_order_and_are_not_in_the_sample() -> None:
    sample = draw_sample(DESIGN, UNITS, PEOPLE, 5)
    drawn = {(b.household.village, b.household.code) for b in sample.ballots}
    spare = [(r.parents[-1], r.rank, r.household.code) for r in sample.reserves if r.household]
    assert [rank for _village, rank, _code in spare] == [1, 2] * 8
    assert not drawn & {(village, code) for village, _rank, code in spare}
    assert Counter(r.level for r in sample.reserves) == {"commune": 2, "village": 4, "household": 16}


def fault(units: list[ListUnit], people: list[Household] | None = None) -> set[tuple[ListFault, int, str]]:
    with pytest.raises(ListError) as refused:
        draw_sample(DESIGN, units, people, 1)
    return {(one.kind, one.line, one.code) for one in refused.value.faults}


def test_every_fault_of_the_units_is_told_at_once_with_its_line() -> None:
    found = fault(
        [
            *UNITS,
            replace(UNITS[0], line=50),
            ListUnit(51, "commune", "C77", "", "", {"stratum": "", "size": "10"}),
            ListUnit(52, "commune", "C78", "", "", {"stratum": "N", "size": "1.500"}),
            ListUnit(53, "commune", "C79", "", "", {"stratum": "N"}),
            ListUnit(54, "village", "V1", "", "C99", {}),
            ListUnit(55, "hamlet", "H1", "", "C00", {}),
            ListUnit(56, "village", "", "", "C00", {}),
        ]
    )
    assert found == {
        (ListFault.DUPLICATE, 50, "C00"),
        (ListFault.NO_STRATUM, 51, "C77"),
        (ListFault.BAD_SIZE, 52, "C78"),
        (ListFault.NO_SIZE, 53, "C79"),
        (ListFault.UNKNOWN_PARENT, 54, "V1"),
        (ListFault.UNKNOWN_LEVEL, 55, "H1"),
        (ListFault.NO_CODE, 56, ""),
    }


@pytest.mark.parametrize("seed", range(5))
def test_commune_with_too_few_villages_is_refused_whatever_the_seed_would_draw(seed: int) -> None:
    units = [unit for unit in UNITS if unit.code not in ("C01V1", "C01V2", "C01V3")]
    with pytest.raises(ListError) as refused:
        draw_sample(DESIGN, units, None, seed)
    (only,) = refused.value.faults
    assert (only.kind, only.code, only.have, only.need) == (ListFault.TOO_FEW, "C01", 1, 2)


def test_villages_short_of_households_are_refused_or_taken_whole_as_the_design_says() -> None:
    village = draw_sample(DESIGN, UNITS, None, 1).villages[0].chain[-1]
    few = [one for one in PEOPLE if one.village != village.code or one.code < "002"]
    assert fault(UNITS, few) == {(ListFault.TOO_FEW, village.line, village.code)}
    willing = design(*TWO_STRATA[:2], {**TWO_STRATA[2], "short": "all"})
    taken = [b for b in draw_sample(willing, UNITS, few, 1).ballots if b.household.village == village.code]
    assert [b.probabilities[-1] for b in taken] == [1, 1]


def test_faults_of_households_are_told_with_their_line() -> None:
    found = fault(
        UNITS, [*PEOPLE, Household(70, "000", "C00V0"), Household(71, "1", "C99V9"), Household(72, "", "C00V0")]
    )
    assert found == {
        (ListFault.DUPLICATE, 70, "000"),
        (ListFault.UNKNOWN_PARENT, 71, "1"),
        (ListFault.NO_CODE, 72, ""),
    }


def test_the_sample_of_2023_has_558_ballots_as_published() -> None:
    found = load_design("lai-chau-2023")
    assert [stage.planned for stage in found.stages] == [3, 3, 2, 31]
    assert found.ballots == 558 == 3 * 186 == 9 * 62 == 18 * 31


@pytest.mark.parametrize("code", DESIGNS)
def test_shipped_designs_can_be_read(code: str) -> None:
    assert load_design(code).ballots > 0


@pytest.mark.parametrize(
    ("stage", "says"),
    [
        ({"select": "srswor"}, "give one of"),
        ({"select": "srswor", "take": 2, "total": 3}, "give one of"),
        ({"select": "srswor", "total": 2}, "strata go with"),
        ({"select": "srswor", "take": 2, "strata": "s"}, "strata go with"),
        ({"select": "pps", "take": 2}, "pps needs"),
        ({"select": "srswor", "take": 0}, "above 0"),
        ({"select": "srswor", "take": 2.5}, "above 0"),
        ({"select": "lottery", "take": 2}, "lottery"),
        ({"select": "srswor", "take": 2, "taek": 2}, "taek"),
        ({"take": 2}, "select"),
    ],
)
def test_design_that_says_too_little_or_too_much_is_refused(stage: dict[str, object], says: str) -> None:
    with pytest.raises(SampleDesignError, match=says):
        design({"level": "village", **stage}, {"level": "household", "select": "srswor", "take": 3})
