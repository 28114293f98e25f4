"""Small populations to draw from."""

from collections.abc import Mapping, Sequence

from analytics.sampling.sample_design import SampleDesign, parse_design
from analytics.sampling.sample_lists import Household, ListUnit

TEXTS = {"name_vi": "x", "name_en": "x"}


def design(*stages: Mapping[str, object], **values: object) -> SampleDesign:
    """A design of these stages."""
    raw = {
        "code": "made",
        **TEXTS,
        "year": 2026,
        "source": "made",
        "evidence": {},
        "ranking": {"units": 34, "spread": 3.0},
        "stage": [{**TEXTS, **stage} for stage in stages],
    }
    return parse_design({**raw, **values})


def population(communes: Sequence[str], villages: int, households: int) -> tuple[list[ListUnit], list[Household]]:
    """Communes of the given strata, each with villages of growing numbers of households."""
    units: list[ListUnit] = []
    people: list[Household] = []
    for at, stratum in enumerate(communes):
        commune = f"C{at:02d}"
        sizes = [households + 3 * v + at for v in range(villages)]
        columns = {"stratum": stratum, "size": str(sum(sizes))}
        units.append(ListUnit(len(units) + 2, "commune", commune, f"Xã {at}", "", columns))
        for v, size in enumerate(sizes):
            code = f"{commune}V{v}"
            units.append(ListUnit(len(units) + 2, "village", code, f"Bản {v}", commune, {"size": str(size)}))
            people += [Household(len(people) + h + 2, f"{h:03d}", code) for h in range(size)]
    return units, people


TWO_STRATA = (
    {
        "level": "commune",
        "select": "pps",
        "size": "size",
        "strata": "stratum",
        "total": 4,
        "at_least": 2,
        "reserves": 1,
    },
    {"level": "village", "select": "srswor", "take": 2, "reserves": 1},
    {"level": "household", "select": "srswor", "take": 3, "reserves": 2},
)
