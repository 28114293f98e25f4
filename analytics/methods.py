"""Methods of SIPAS as data: who answered what, how scores become indices, how indices aggregate.

The methods are the files in ``analytics/data``; this module reads and checks them. Evidence marks: S printed in a
source document, V read in a public source, D derived by arithmetic on published figures and checked, ? not verified.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

METHODS = ("qd1001-2023", "form-2022", "dak-nong", "qd2640")


class MethodError(ValueError):
    """A part of a method is missing or wrong, or the method cannot compute what is wanted."""


class IndexLevel(StrEnum):
    """Level of a node in the satisfaction tree."""

    ITEM = "item"
    GROUP = "group"
    COMPONENT = "component"
    OVERALL = "overall"


class LevelRule(StrEnum):
    """How a level gets its value: mean of all items below it, mean of the nodes directly below it, or as printed."""

    ITEMS = "items"
    CHILDREN = "children"
    PRINTED = "printed"
    UNKNOWN = "unknown"


class MethodEvidence(StrEnum):
    """How sure a part of a method is."""

    SOURCE = "S"
    PUBLIC = "V"
    DERIVED = "D"
    UNVERIFIED = "?"


@dataclass(frozen=True, slots=True)
class BilingualText:
    """A text of the data in Vietnamese and English."""

    vi: str
    en: str


@dataclass(frozen=True, slots=True)
class IndexNode:
    """One index of the tree. ``as_printed`` says why its value cannot be computed from the items below it."""

    code: str
    parent: str | None
    level: IndexLevel
    children: tuple[str, ...] = ()
    as_printed: BilingualText | None = None


@dataclass(frozen=True, slots=True)
class IndexMethod:
    """A method. ``nodes`` is its tree, in order from the root down; it is empty where the tree was not verified."""

    code: str
    name: BilingualText
    first_year: int
    last_year: int
    respondents: BilingualText
    legal_basis: str
    published_by: str
    item_formula: str
    item_max: int | None
    aggregation: Mapping[IndexLevel, LevelRule]
    evidence: Mapping[str, MethodEvidence]
    nodes: Mapping[str, IndexNode] = field(default_factory=dict)

    @property
    def computable(self) -> bool:
        """Whether tree and aggregation are known, so that this method can compute indices."""
        return bool(self.nodes) and LevelRule.UNKNOWN not in self.aggregation.values()

    def covers(self, year: int) -> bool:
        return self.first_year <= year <= self.last_year

    def is_leaf(self, code: str) -> bool:
        """Return whether the node gets its value from outside: an item, or a group known only as printed."""
        node = self.nodes[code]
        return not node.children or self.aggregation.get(node.level) is LevelRule.PRINTED

    @property
    def leaves(self) -> tuple[str, ...]:
        return tuple(code for code in self.nodes if self.is_leaf(code))

    @property
    def aggregates(self) -> tuple[str, ...]:
        return tuple(code for code in self.nodes if not self.is_leaf(code))

    def leaves_below(self, code: str) -> tuple[str, ...]:
        """Return the leaves of the subtree of ``code``, in the order of the tree."""
        if self.is_leaf(code):
            return (code,)
        leaves: list[str] = []
        for child in self.nodes[code].children:
            leaves += self.leaves_below(child)
        return tuple(leaves)


@lru_cache
def load_method(code: str) -> IndexMethod:
    """Return the shipped method of this code. Raises `MethodError` for an unknown code or a faulty file."""
    if code not in METHODS:
        raise MethodError(f"no method {code!r}; there are {', '.join(METHODS)}")
    return parse_method(tomllib.loads((_folder() / f"{code}.toml").read_text(encoding="utf-8")))


def method_of_year(year: int, codes: Iterable[str] = ("qd2640", "form-2022", "qd1001-2023")) -> IndexMethod | None:
    """Return the Ministry's method of a year, or None where none is known."""
    return next((method for method in map(load_method, codes) if method.covers(year)), None)


def parse_method(raw: Mapping[str, Any]) -> IndexMethod:
    """Check the parsed TOML of a method and return it. Raises `MethodError`, which names what is missing or wrong."""
    try:
        method = IndexMethod(
            code=raw["code"],
            name=_text(raw, "name"),
            first_year=int(raw["first_year"]),
            last_year=int(raw["last_year"]),
            respondents=_text(raw, "respondents"),
            legal_basis=raw["legal_basis"],
            published_by=raw["published_by"],
            item_formula=raw["item"]["formula"],
            item_max=raw["item"].get("max"),
            aggregation={IndexLevel(level): LevelRule(rule) for level, rule in raw["aggregation"].items()},
            evidence={part: MethodEvidence(mark) for part, mark in raw["evidence"].items()},
            nodes=_tree(raw.get("tree"), raw.get("as_printed", {})),
        )
    except KeyError as error:
        raise MethodError(f"the method lacks {error.args[0]!r}") from error
    except ValueError as error:
        raise MethodError(str(error)) from error
    _check(method)
    return method


def _check(method: IndexMethod) -> None:
    if method.first_year > method.last_year:
        raise MethodError(f"{method.code}: the years of validity run backwards")
    if missing := {IndexLevel.GROUP, IndexLevel.COMPONENT, IndexLevel.OVERALL} - method.aggregation.keys():
        raise MethodError(f"{method.code}: no aggregation for {', '.join(sorted(missing))}")
    if missing_evidence := {"respondents", "item", "aggregation", "tree"} - method.evidence.keys():
        raise MethodError(f"{method.code}: no evidence mark for {', '.join(sorted(missing_evidence))}")
    if (method.item_formula == "mean-over-max") != (method.item_max is not None):
        raise MethodError(f"{method.code}: a mean over the maximum needs the maximum, and only it does")
    if method.aggregation[IndexLevel.GROUP] is not LevelRule.PRINTED:
        _check_bare_groups(method)


def _check_bare_groups(method: IndexMethod) -> None:
    """Refuse a group that has no items and does not say why its value is taken as printed."""
    for node in method.nodes.values():
        if node.level is IndexLevel.GROUP and not node.children and node.as_printed is None:
            raise MethodError(f"{method.code}: {node.code} has no items and no reason why")


def _tree(raw: Mapping[str, Any] | None, printed: Mapping[str, Mapping[str, str]]) -> dict[str, IndexNode]:
    """Return the nodes of the tree, each parent before its children.

    ``raw`` gives the components and the number of items in each of their groups. ``printed`` gives the reason for each
    group whose value is taken as printed.
    """
    if raw is None:
        return {}
    root = raw["root"]
    components: Mapping[str, Mapping[str, int]] = raw["components"]
    nodes = {root: IndexNode(root, None, IndexLevel.OVERALL, tuple(components))}
    for component, groups in components.items():
        codes = tuple(f"{component}.{name}" for name in groups)
        nodes[component] = IndexNode(component, root, IndexLevel.COMPONENT, codes)
        for code, size in zip(codes, groups.values(), strict=True):
            items = tuple(f"{code}.{number}" for number in range(1, size + 1))
            reason = BilingualText(**printed[code]) if code in printed else None
            nodes[code] = IndexNode(code, component, IndexLevel.GROUP, items, reason)
            nodes |= {item: IndexNode(item, code, IndexLevel.ITEM) for item in items}
    if unknown := printed.keys() - nodes.keys():
        raise MethodError(f"as printed, but not in the tree: {', '.join(sorted(unknown))}")
    return nodes


def _text(raw: Mapping[str, Any], name: str) -> BilingualText:
    return BilingualText(vi=raw[f"{name}_vi"], en=raw[f"{name}_en"])


def _folder() -> Traversable:
    return files("analytics") / "data"
