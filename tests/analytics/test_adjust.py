"""Ratings adjusted to all closed tickets: exact values, the survey estimator beside it, and what pooling keeps."""

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.adjust import NonresponseBounds, RatingCell, pool_cells, post_stratified, worst_case
from analytics.estimation.calibrate import post_stratify
from analytics.estimation.design import build_design
from analytics.estimation.estimate import estimate_means


def cell(key: str, closed: int, scores: list[int]) -> RatingCell:
    return RatingCell(tuple(key.split("/")), closed, len(scores), float(sum(scores)), float(sum(s * s for s in scores)))


UNEQUAL = [
    cell("late/web", 60, [1, 1, 2, 2, 3, 3]),
    cell("on_time/web", 40, [4, 5, 5, 4, 5, 4, 5, 4, 5, 4, 5, 4, 4, 5]),
]


def test_each_cell_weighs_as_its_closed_tickets() -> None:
    found = post_stratified(UNEQUAL)
    # 0.6 x 12/6 + 0.4 x 63/14 = 1.2 + 1.8 = 3.0 of 5; the plain mean of the 20 ratings is 3.75 of 5.
    assert found.value == pytest.approx(60.0, rel=1e-14)
    assert (found.n, found.closed, found.cells, found.pooled) == (20, 100, 2, 0)
    # Squares about the cells' means: 4 and 3.5. V = 20/19 ((60/600)^2 4 + (40/1400)^2 3.5); se on 100: x 20.
    assert found.se == pytest.approx(20 * (20 / 19 * (0.1**2 * 4 + (40 / 1400) ** 2 * 3.5)) ** 0.5, rel=1e-13)


def test_it_is_the_post_stratified_estimate_of_a_survey() -> None:
    groups = ["late"] * 6 + ["on_time"] * 14
    scores = [1, 1, 2, 2, 3, 3, 4, 5, 5, 4, 5, 4, 5, 4, 5, 4, 5, 4, 4, 5]
    design = post_stratify(build_design(20, weights=np.full(20, 5.0)), groups, {"late": 60, "on_time": 40})
    expected = estimate_means(design, {"score": scores}, {"index": {"score": 20.0}}).get("index")
    found = post_stratified(UNEQUAL)
    for ours, theirs in ((found.value, expected.estimate), (found.se, expected.se), (found.lo, expected.lo)):
        assert ours == pytest.approx(theirs, rel=1e-12)


def test_without_different_cells_it_is_the_plain_mean_and_its_error() -> None:
    scores = [3, 4, 5, 4, 2, 5, 4, 4, 3, 5]
    found = post_stratified([cell("all", 500, scores)])
    assert found.value == pytest.approx(20 * np.mean(scores))
    assert found.se == pytest.approx(20 * np.std(scores, ddof=1) / 10**0.5)


def test_few_ratings_give_no_figure() -> None:
    found = post_stratified([cell("all", 500, [4] * 9)])
    assert (found.n, found.closed, found.value, found.se, found.lo) == (9, 500, None, None, None)


def test_thin_cells_are_pooled_with_their_like_and_the_rest_with_the_thinnest() -> None:
    cells = [
        cell("late/web/roads", 10, [1, 2, 1, 2, 1]),
        cell("late/web/water", 5, [3, 3]),
        cell("late/telegram/roads", 4, [2, 2, 2]),
        cell("on_time/web/roads", 80, [5] * 12),
        cell("on_time/web/water", 7, []),
        cell("on_time/telegram/roads", 6, [4, 4, 4]),
        cell("on_time/telegram/water", 6, [2, 2]),
    ]
    assert pool_cells(cells) == [
        # Two late cells without five ratings of their own: water by web, and the single one by Telegram.
        RatingCell(("late", "web", "roads"), 19, 10, 19.0, 41.0),
        RatingCell(("on_time", "telegram"), 12, 5, 16.0, 56.0),
        RatingCell(("on_time", "web", "roads"), 87, 12, 60.0, 300.0),
    ]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["late", "on_time"]), st.sampled_from(["web", "telegram"]), st.sampled_from("abcd"),
            st.integers(0, 6), st.lists(st.integers(1, 5), max_size=9),
        ),
        min_size=1, max_size=12, unique_by=lambda row: row[:3],
    )
)  # fmt: skip
def test_pooling_loses_no_ticket_and_no_rating(rows: list[tuple[str, str, str, int, list[int]]]) -> None:
    cells = [cell("/".join(row[:3]), row[3] + len(row[4]), row[4]) for row in rows]
    pooled = pool_cells(cells)
    for field in ("closed", "n", "total", "squares"):
        assert sum(getattr(c, field) for c in pooled) == sum(getattr(c, field) for c in cells)
    assert len(pooled) <= 1 or all(c.n >= 5 for c in pooled)
    found = post_stratified(cells)
    bounds = worst_case(found.n, sum(c.total for c in cells), found.closed)
    if found.value is not None:
        assert bounds is not None and bounds.lo - 1e-9 <= found.value <= bounds.hi + 1e-9


def test_bounds_if_nobody_else_had_answered() -> None:
    bounds = worst_case(20, 75, 100)
    assert astuple(bounds) == pytest.approx((20 * 1.55, 20 * 4.75))
    assert worst_case(4, 16, 4) == NonresponseBounds(80.0, 80.0)
    assert worst_case(0, 0, 0) is None


def test_more_ratings_than_tickets_is_refused() -> None:
    with pytest.raises(ValueError, match="more ratings"):
        post_stratified([cell("all", 2, [1, 2, 3])])
