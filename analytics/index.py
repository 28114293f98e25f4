"""Aggregation of the satisfaction tree: from its leaves up to the overall index.

Every aggregate is a linear combination of leaves, so the rule is written once as weights (`leaf_weights`); values
and, for estimates from ballots, their covariance follow from the same weights. Sums are exact (fractions), nothing
is rounded on the way; `rounded` is applied once, to what is shown.
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

    ``value`` is None when no leaf below it has a value. ``missing`` names the leaves below it that had none: the
    value then is the aggregate of what remains, and is to be shown as such.
    """

    code: str
    value: Fraction | None
    used: int
    missing: tuple[str, ...]

    @property
    def complete(self) -> bool:
        return not self.missing


def recompute_index(method: IndexMethod, leaves: Mapping[str, Number | None]) -> dict[str, ComputedIndex]:
    """All aggregates of the method's tree from the values of its leaves, in the order of the tree.

    Values are percentages (0..100); a leaf that is absent or None is missing. Codes that are no leaves of the
    method are ignored, so a whole published table can be passed. Raises `MethodError` for a method whose
    aggregation is not known.
    """
    known = {leaf: _exact(value) for leaf in method.leaves if (value := leaves.get(leaf)) is not None}
    weights = leaf_weights(method, frozenset(known))
    return {code: _compute_aggregate(method, code, weights[code], known) for code in method.aggregates}


def leaf_weights(method: IndexMethod, present: frozenset[str]) -> dict[str, dict[str, Fraction]]:
    """For every aggregate the weight of each present leaf; the weights of one aggregate add to 1.

    ``items``: every leaf below weighs the same. ``children``: every node directly below weighs the same, and
    shares its weight among its own leaves. A node below without any present leaf drops out.
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
    """The tree of ``method`` aggregated as ``other`` does: what a figure would have been under the other formula.

    Only aggregation is exchanged. A level that ``other`` takes as printed keeps the rule of ``method``. Raises
    `MethodError` where the other formula averages items and some items of ``method`` are not known.
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
    """Two decimals, half away from zero, as the Ministry prints: 80.675 becomes 80.68."""
    exact = _exact(value)
    return (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(CENT, ROUND_HALF_UP)


def _combine_weights(
    method: IndexMethod, code: str, weights: Mapping[str, Mapping[str, Fraction]]
) -> dict[str, Fraction]:
    node = method.nodes[code]
    if method.aggregation[node.level] is LevelRule.ITEMS:
        present = [leaf for leaf in method.leaves_below(code) if weights[leaf]]
        return dict.fromkeys(present, Fraction(1, len(present))) if present else {}
    below = [weights[child] for child in node.children if weights[child]]
    return {leaf: weight / len(below) for part in below for leaf, weight in part.items()}


def _compute_aggregate(
    method: IndexMethod, code: str, weights: Mapping[str, Fraction], known: Mapping[str, Fraction]
) -> ComputedIndex:
    value = sum((weight * known[leaf] for leaf, weight in weights.items()), Fraction(0)) if weights else None
    missing = tuple(leaf for leaf in method.leaves_below(code) if leaf not in known)
    return ComputedIndex(code, value, len(weights), missing)


def _exact(value: Number) -> Fraction:
    """Floats are read as they print (79.82, not 79.8199...), so that ties round as on paper."""
    return Fraction(str(value)) if isinstance(value, float) else Fraction(value)
