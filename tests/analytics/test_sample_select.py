"""Drawing within a group: every unit as often as its probability says, the same for ever, exactly n units."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.sampling.sample_design import ListOrder
from analytics.sampling.sample_selection import (
    allocate_total,
    draw_uniforms,
    inclusion_probabilities,
    random_stream,
    select_simple,
    select_systematic,
)

DRAWS = 10_000
GOLDEN = [0.9114152156286263, 0.06023881071314052, 0.8459352647502295]
TAKEN = (1, 3, 7)
SIZES = np.array([3.0, 8, 1, 20, 5, 12, 7, 44])


def frequencies(picks: list[tuple[int, ...]], units: int) -> np.ndarray:
    counts = Counter(at for taken in picks for at in taken)
    return np.array([counts[at] / len(picks) for at in range(units)])


def assert_close(found: np.ndarray, expected: np.ndarray) -> None:
    """Within four and a half binomial standard errors: a wrong draw is far outside, a right one once in 100,000."""
    assert (np.abs(found - expected) <= 4.5 * np.sqrt(expected * (1 - expected) / DRAWS) + 1e-12).all(), found


def test_the_stream_of_a_group_never_changes() -> None:
    assert draw_uniforms(random_stream(2026, "village", "03388"), 3).tolist() == GOLDEN
    assert select_simple(random_stream(2026, "village", "03388"), 10, 3, 2).positions == TAKEN


def test_names_are_not_run_together() -> None:
    assert random_stream(1, "ab", "c").random_raw() != random_stream(1, "a", "bc").random_raw()
    assert random_stream(1, "a").random_raw() != random_stream(11, "a").random_raw()


def test_simple_sampling_takes_every_unit_and_every_pair_equally_often() -> None:
    picks = [select_simple(random_stream(seed, "x"), 6, 2, 0).positions for seed in range(DRAWS)]
    assert_close(frequencies(picks, 6), np.full(6, 1 / 3))
    pairs = Counter(picks)
    assert len(pairs) == 15
    assert_close(np.array(list(pairs.values())) / DRAWS, np.full(15, 1 / 15))


def test_a_sample_mended_with_its_reserves_is_simple_random_too() -> None:
    picks = []
    for seed in range(DRAWS):
        drawn = select_simple(random_stream(seed, "x"), 6, 2, 1)
        picks.append((drawn.positions[1], drawn.reserves[0]) if seed % 2 else (drawn.positions[0], drawn.reserves[0]))
    assert_close(frequencies([(reserve,) for _kept, reserve in picks], 6), np.full(6, 1 / 6))


@pytest.mark.parametrize("order", list(ListOrder))
def test_pps_takes_every_unit_as_often_as_its_size_says(order: ListOrder) -> None:
    drawn = [select_systematic(random_stream(seed, "x"), SIZES, 3, 2, order) for seed in range(DRAWS)]
    expected = inclusion_probabilities(SIZES, 3)
    assert_close(frequencies([one.positions for one in drawn], 8), expected)
    assert all(one.probabilities == tuple(expected[list(one.positions)]) for one in drawn)


def test_pps_takes_giants_with_certainty_and_shares_the_rest() -> None:
    # 44 of 100 three times over is more than one; then 20, 12, 8, 7, 5, 3, 1 of 56 twice.
    assert inclusion_probabilities(SIZES, 3) == pytest.approx(
        [6 / 56, 16 / 56, 2 / 56, 40 / 56, 10 / 56, 24 / 56, 14 / 56, 1]
    )


def test_shuffled_pps_lets_neighbours_come_together_and_the_list_order_does_not() -> None:
    equal = np.ones(6)
    together = {
        order: sum(
            select_systematic(random_stream(seed, "x"), equal, 2, 0, order).positions == (0, 1) for seed in range(500)
        )
        for order in ListOrder
    }
    assert together[ListOrder.CODE] == 0 < together[ListOrder.RANDOM]


sizes = st.lists(st.integers(1, 10_000), min_size=1, max_size=40)


@given(sizes, st.data())
def test_pps_takes_exactly_n_different_units_whatever_the_sizes(found: list[int], data: st.DataObject) -> None:
    n = data.draw(st.integers(1, len(found)))
    seed = data.draw(st.integers(0, 2**64))
    x = np.array(found, dtype=float)
    drawn = select_systematic(random_stream(seed, "x"), x, n, 3, data.draw(st.sampled_from(list(ListOrder))))
    assert len(set(drawn.positions)) == len(drawn.positions) == n
    assert not set(drawn.positions) & set(drawn.reserves)
    assert len(drawn.reserves) == min(3, len(found) - n)
    p = inclusion_probabilities(x, n)
    assert p.sum() == pytest.approx(n)
    assert ((p > 0) & (p <= 1)).all()


@given(sizes, st.data())
def test_shares_add_up_and_stay_within_their_strata(counts: list[int], data: st.DataObject) -> None:
    by_name = {f"s{at}": count for at, count in enumerate(counts)}
    least = data.draw(st.integers(1, 3))
    low = sum(min(least, count) for count in counts)
    total = data.draw(st.integers(low, min(sum(counts), low + 200)))
    shares = allocate_total(total, {name: 2.0 * count for name, count in by_name.items()}, by_name, least)
    assert sum(shares.values()) == total
    assert all(min(least, count) <= shares[name] <= count for name, count in by_name.items())


def test_shares_follow_size() -> None:
    counts = {"a": 20, "b": 12, "c": 6}
    assert allocate_total(12, {"a": 600.0, "b": 300.0, "c": 100.0}, counts, 2) == {"a": 7, "b": 3, "c": 2}


def test_a_total_that_cannot_be_shared_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be shared"):
        allocate_total(3, {"a": 1.0, "b": 1.0}, {"a": 5, "b": 5}, 2)
