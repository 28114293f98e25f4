"""Aggregation of the satisfaction tree: from its leaves up to the overall index.

Every aggregate is a linear combination of leaves, so the rule is written once, as weights (`leaf_weights`). Values and,
for estimates from ballots, their covariance follow from these weights. Sums are exact (fractions); `round_half` is
applied once, to what is displayed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from analytics.methods import IndexLevel, IndexMethod, LevelRule, MethodError

Number = Decimal | Fraction | float | int
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class ComputedIndex:
    """An aggregate on the 0..100 scale, unrounded.

    ``used`` counts the leaves with a weight in it. ``value`` is None where no leaf below it has a value. ``missing``
    names the leaves below it without a value. The value is then the aggregate of the other leaves, and pages must say
    so.
    """

    code: str
    value: Fraction | None
    used: int
    missing: tuple[str, ...]

    @property
    def complete(self) -> bool:
        return not self.missing


def recompute_index(method: IndexMethod, leaves: Mapping[str, Number | None]) -> dict[str, ComputedIndex]:
    """Return all aggregates of the method's tree, computed from the values of its leaves, in the order of the tree.

    Values are percentages (0..100); a leaf that is absent or None is missing. Codes that are not leaves of the method
    are ignored, so a whole published table can be passed. Raises `MethodError` for a method whose aggregation is not
    known.
    """
    present = {leaf: _exact(value) for leaf in method.leaves if (value := leaves.get(leaf)) is not None}
    weights = leaf_weights(method, frozenset(present))
    return {code: _compute_aggregate(method, code, weights[code], present) for code in method.aggregates}


def leaf_weights(method: IndexMethod, present: frozenset[str]) -> dict[str, dict[str, Fraction]]:
    """Return, for every aggregate, the weight of each present leaf; the weights of one aggregate add up to 1.

    Rule ``items``: every leaf below has the same weight. Rule ``children``: every node directly below has the same
    weight and shares it among its own leaves. A node without any present leaf drops out. Raises `MethodError` for a
    method whose aggregation is not known.
    """
    if not method.computable:
        raise MethodError(f"{method.code}: how this method aggregates is not verified, nothing can be computed")
    weights: dict[str, dict[str, Fraction]] = {}
    for code in reversed(list(method.nodes)):
        if method.is_leaf(code):
            weights[code] = {code: Fraction(1)} if code in present else {}
        else:
            weights[code] = _combine_weights(method, code, weights)
    return {code: weights[code] for code in method.aggregates}


def under_rules_of(method: IndexMethod, other: IndexMethod) -> IndexMethod:
    """Return ``method`` with the aggregation of ``other``: what a figure would have been under the other formula.

    The tree stays. A level that ``other`` takes as printed keeps the rule of ``method``. Raises `MethodError` where the
    other formula averages items and some items of ``method`` are not known.
    """
    bare = [code for code in method.leaves if method.nodes[code].level is not IndexLevel.ITEM]
    if bare and LevelRule.ITEMS in (other.aggregation[IndexLevel.COMPONENT], other.aggregation[IndexLevel.OVERALL]):
        raise MethodError(f"{method.code}: {', '.join(bare)} are known only as printed, not by their items")
    rules = {
        level: method.aggregation[level] if rule is LevelRule.PRINTED else rule
        for level, rule in other.aggregation.items()
    }
    return replace(method, aggregation=rules)


def round_half(value: Number) -> Decimal:
    """Round to two decimals, half away from zero, as the Ministry prints: 80.675 becomes 80.68."""
    exact = _exact(value)
    return (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(CENT, ROUND_HALF_UP)


def _combine_weights(
    method: IndexMethod, code: str, weights: Mapping[str, Mapping[str, Fraction]]
) -> dict[str, Fraction]:
    node = method.nodes[code]
    if method.aggregation[node.level] is LevelRule.ITEMS:
        present = [leaf for leaf in method.leaves_below(code) if weights[leaf]]
        return dict.fromkeys(present, Fraction(1, len(present))) if present else {}
    children = [weights[child] for child in node.children if weights[child]]
    combined: dict[str, Fraction] = {}
    for child_weights in children:
        combined |= {leaf: weight / len(children) for leaf, weight in child_weights.items()}
    return combined


def _compute_aggregate(
    method: IndexMethod, code: str, weights: Mapping[str, Fraction], values: Mapping[str, Fraction]
) -> ComputedIndex:
    value = sum((weight * values[leaf] for leaf, weight in weights.items()), Fraction(0)) if weights else None
    missing = tuple(leaf for leaf in method.leaves_below(code) if leaf not in values)
    return ComputedIndex(code, value, len(weights), missing)


def _exact(value: Number) -> Fraction:
    """Return the number as a fraction. A float is read as it prints (79.82, not 79.8199...): ties round as on paper."""
    return Fraction(str(value)) if isinstance(value, float) else Fraction(value)
