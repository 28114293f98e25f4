"""Aggregation of the tree: against published figures, and its invariants."""

import csv
from decimal import Decimal
from fractions import Fraction
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.index import leaf_weights, recompute_index, round_half, under_rules_of
from analytics.methods import IndexMethod, MethodError, load_method

QD1001 = load_method("qd1001-2023")
FORM_2022 = load_method("form-2022")


def printed(file: str, column: str) -> dict[str, Decimal]:
    text = (files("backend.indices") / "data" / file).read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {row["code"]: Decimal(row[column]) for row in rows if row[column]}


LAI_CHAU_2023 = printed("sipas_lai_chau_satisfaction.csv", "y2023")
LAI_CHAU_2022 = printed("sipas_lai_chau_satisfaction.csv", "y2022")


@pytest.mark.parametrize(
    ("method", "figures", "aggregates"),
    [
        (QD1001, LAI_CHAU_2023, 12),
        (FORM_2022, LAI_CHAU_2022, 8),
        (load_method("dak-nong"), printed("sipas_gia_nghia_2023.csv", "y2023"), 3),
    ],
)
def test_published_tree_is_recomputed_within_a_cent(
    method: IndexMethod, figures: dict[str, Decimal], aggregates: int
) -> None:
    computed = recompute_index(method, figures)
    assert len(computed) == aggregates
    assert all(result.complete for result in computed.values())
    differences = [abs(round_half(result.value or 0) - figures[code]) for code, result in computed.items()]
    assert max(differences) <= Decimal("0.01")


def test_only_service_procedure_differs_because_its_items_were_rounded() -> None:
    computed = recompute_index(QD1001, LAI_CHAU_2023)
    off = {code for code, result in computed.items() if round_half(result.value or 0) != LAI_CHAU_2023[code]}
    assert off == {"service.procedure"}
    assert computed["service.procedure"].value == Fraction("80.675")


def test_formula_of_2022_on_the_figures_of_2023_gives_the_other_total() -> None:
    restated = recompute_index(under_rules_of(QD1001, FORM_2022), LAI_CHAU_2023)
    assert round_half(restated["policy"].value or 0) == Decimal("79.45")
    assert round_half(restated["service"].value or 0) == Decimal("79.83")
    assert round_half(restated["sipas"].value or 0) == Decimal("79.64")


def test_formula_over_items_is_refused_where_groups_are_known_only_as_printed() -> None:
    with pytest.raises(MethodError, match=r"policy\.implementation"):
        under_rules_of(FORM_2022, QD1001)


def test_national_figures_of_2024_follow_from_the_two_components_by_number_of_items() -> None:
    """(23 x 83.84 + 16 x 84.09) / 39 = 83.94, as published."""
    items = {leaf: 83.84 if leaf.startswith("policy") else 84.09 for leaf in QD1001.leaves}
    assert round_half(recompute_index(QD1001, items)["sipas"].value or 0) == Decimal("83.94")


def test_missing_item_marks_every_aggregate_above_it_and_no_other() -> None:
    figures = {code: value for code, value in LAI_CHAU_2023.items() if code != "service.feedback.2"}
    computed = recompute_index(QD1001, figures)
    marked = {code for code, result in computed.items() if not result.complete}
    assert marked == {"service.feedback", "service", "sipas"}
    assert computed["service.feedback"].missing == ("service.feedback.2",)
    assert computed["service.feedback"].used == 2
    assert computed["service.feedback"].value == Fraction("78.905")


def test_group_without_any_value_has_none_and_drops_out_above() -> None:
    figures = {leaf: 50.0 if leaf.startswith("policy") else None for leaf in QD1001.leaves}
    computed = recompute_index(QD1001, figures)
    assert computed["service"].value is None
    assert computed["sipas"].value == 50
    assert len(computed["sipas"].missing) == 16


def test_unverified_method_computes_nothing() -> None:
    with pytest.raises(MethodError, match="not verified"):
        recompute_index(load_method("qd2640"), {})


@pytest.mark.parametrize(
    ("value", "shown"),
    [(80.675, "80.68"), (Fraction("80.675"), "80.68"), (Decimal("80.6749"), "80.67"), (76.605, "76.61"), (5, "5.00")],
)
def test_halves_are_rounded_up_also_from_floats(value: float, shown: str) -> None:
    assert str(round_half(value)) == shown


items_2023 = st.fixed_dictionaries(
    {}, optional={leaf: st.decimals(20, 100, places=2, allow_nan=False) for leaf in QD1001.leaves}
)
methods = st.sampled_from([QD1001, under_rules_of(QD1001, FORM_2022)])


@given(method=methods, items=items_2023)
def test_aggregate_lies_between_the_least_and_the_greatest_of_its_leaves(
    method: IndexMethod, items: dict[str, Decimal]
) -> None:
    for code, result in recompute_index(method, items).items():
        below = [items[leaf] for leaf in method.leaves_below(code) if leaf in items]
        assert result.used == len(below)
        assert (result.value is None) == (not below)
        if result.value is not None:
            assert Fraction(min(below)) <= result.value <= Fraction(max(below))


@given(method=methods, present=st.frozensets(st.sampled_from(QD1001.leaves)))
def test_weights_of_an_aggregate_add_to_one(method: IndexMethod, present: frozenset[str]) -> None:
    for weights in leaf_weights(method, present).values():
        assert not weights or sum(weights.values()) == 1
