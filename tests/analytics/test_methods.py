"""The shipped methods, and what the loader refuses."""

import copy
import tomllib
from importlib.resources import files
from typing import Any

import pytest

from analytics.compare import ComparabilityMark, compare_indices
from analytics.methods import METHODS, IndexLevel, LevelRule, MethodError, load_method, method_of_year, parse_method


def raw_method(code: str) -> dict[str, Any]:
    return tomllib.loads((files("analytics") / "data" / f"{code}.toml").read_text(encoding="utf-8"))


def test_tree_of_2023_has_39_items_in_9_groups_and_2_components() -> None:
    method = load_method("qd1001-2023")
    levels = [node.level for node in method.nodes.values()]
    assert {level: levels.count(level) for level in IndexLevel} == {
        IndexLevel.ITEM: 39,
        IndexLevel.GROUP: 9,
        IndexLevel.COMPONENT: 2,
        IndexLevel.OVERALL: 1,
    }
    assert len(method.leaves_below("policy")) == 23
    assert len(method.leaves_below("service")) == 16


def test_every_shipped_method_loads_and_only_the_unverified_one_cannot_compute() -> None:
    methods = [load_method(code) for code in METHODS]
    assert [method.code for method in methods] == list(METHODS)
    assert [method.code for method in methods if not method.computable] == ["qd2640"]


def test_leaves_of_dak_nong_are_its_nine_groups() -> None:
    method = load_method("dak-nong")
    assert {method.nodes[code].level for code in method.leaves} == {IndexLevel.GROUP}
    assert len(method.leaves) == 9


@pytest.mark.parametrize(
    ("year", "code"), [(2017, "qd2640"), (2021, "qd2640"), (2022, "form-2022"), (2026, "qd1001-2023")]
)
def test_year_has_the_method_of_its_validity(year: int, code: str) -> None:
    method = method_of_year(year)
    assert method is not None
    assert method.code == code


def test_year_outside_all_validities_has_no_method() -> None:
    assert method_of_year(2016) is None


def test_unknown_method_is_refused_with_the_known_ones() -> None:
    with pytest.raises(MethodError, match="qd1001-2023"):
        load_method("../../etc/passwd")


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("legal_basis",), None, "lacks 'legal_basis'"),
        (("aggregation", "group"), "avarage", "avarage"),
        (("aggregation", "overall"), None, "no aggregation for overall"),
        (("evidence", "tree"), None, "no evidence mark for tree"),
        (("last_year",), 2000, "run backwards"),
        (("item", "max"), None, "needs the maximum"),
        (("tree", "components", "service", "feedback"), 0, "service.feedback has no items"),
    ],
)
def test_faulty_method_is_refused_by_name_of_the_fault(path: tuple[str, ...], value: object, says: str) -> None:
    raw = copy.deepcopy(raw_method("qd1001-2023"))
    place = raw
    for step in path[:-1]:
        place = place[step]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    with pytest.raises(MethodError, match=says):
        parse_method(raw)


def test_reason_for_a_node_outside_the_tree_is_refused() -> None:
    raw = raw_method("form-2022")
    raw["as_printed"]["service.speed"] = {"vi": "x", "en": "x"}
    with pytest.raises(MethodError, match=r"service\.speed"):
        parse_method(raw)


def test_levels_of_2023_average_items_and_of_2022_average_children() -> None:
    assert load_method("qd1001-2023").aggregation[IndexLevel.OVERALL] is LevelRule.ITEMS
    assert load_method("form-2022").aggregation[IndexLevel.OVERALL] is LevelRule.CHILDREN


@pytest.mark.parametrize(
    ("code", "mark"),
    [
        ("sipas", ComparabilityMark.FORMULA_CHANGED),
        ("policy", ComparabilityMark.FORMULA_CHANGED),
        ("policy.implementation.3", ComparabilityMark.ITEM_NOT_ASKED),
        ("policy.outcome", ComparabilityMark.ITEM_NOT_ASKED),
        ("policy.outcome.1", ComparabilityMark.COMPARABLE),
        ("policy.outcome.10", ComparabilityMark.ITEM_NOT_ASKED),
        ("service.access.2", ComparabilityMark.ITEM_NOT_ASKED),
        ("service.access.1", ComparabilityMark.COMPARABLE),
        ("service.officer", ComparabilityMark.ITEM_NOT_ASKED),
        ("service.feedback", ComparabilityMark.COMPARABLE),
        ("service.feedback.3", ComparabilityMark.COMPARABLE),
        ("interest.1", ComparabilityMark.FORMULA_CHANGED),
        ("harassment.1", ComparabilityMark.COMPARABLE),
        ("channel_used.1", ComparabilityMark.NOT_COMPARABLE),
        ("experience.4", ComparabilityMark.WORDING_CHANGED),
    ],
)
def test_figure_of_2022_and_2023_carries_its_mark(code: str, mark: ComparabilityMark) -> None:
    assert compare_indices("form-2022", "qd1001-2023", code).mark is mark
    assert compare_indices("qd1001-2023", "form-2022", code).mark is mark


def test_surveys_that_no_rule_pairs_are_not_comparable_and_one_method_is() -> None:
    assert compare_indices("dak-nong", "qd1001-2023", "sipas").mark is ComparabilityMark.NOT_COMPARABLE
    assert compare_indices("qd1001-2023", "qd1001-2023", "sipas").mark is ComparabilityMark.COMPARABLE
