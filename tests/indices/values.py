"""Compares the values of the two sides: counted from the rows of tickets, and from the roll-ups."""

from datetime import date
from math import isclose
from typing import Any

from sqlalchemy.orm import Session

from backend.indicators.rollups import service as rollups
from backend.indices.measures import inputs
from backend.indices.measures.rolled_up import read_sums
from backend.indices.measures.values import RunValue
from backend.indices.runs import service as runs
from backend.units.models import Unit
from backend.users.models import Role
from backend.users.policy import Actor


def assert_same_values(session: Session, unit: Unit | None, first: date, last: date, today: date) -> list[RunValue]:
    """Every value of a period is the same both ways; returns them."""
    asked = runs.prepare_request(session, unit, first, last, Actor(Role.MANAGER), today)
    rows = inputs.read_inputs(session, asked)
    from_tickets = runs.compute_values(rows, asked, runs.SEED)
    rollups.bring_up_to_date(today)
    sums = read_sums(session, asked)
    from_rollups = runs.values_of_sums(inputs.read_others(session, asked), sums, asked, runs.SEED)
    assert [_place(value) for value in from_rollups] == [_place(value) for value in from_tickets]
    for before, after in zip(from_tickets, from_rollups, strict=True):
        for name in ("n", "value", "se", "lo", "hi", "extra"):
            wanted, found = getattr(before, name), getattr(after, name)
            assert _alike(wanted, found), (_place(before), name, wanted, found)
    assert (sums.tickets, sums.demonstration) == (len(rows.cases), rows.demonstration)
    return from_rollups


def _place(value: RunValue) -> tuple[Any, ...]:
    return value.code, value.item, value.unit_id, value.first, value.last, value.about


def _alike(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, dict):
        return wanted.keys() == found.keys() and all(_alike(part, found[name]) for name, part in wanted.items())
    if isinstance(wanted, float) and isinstance(found, float):
        return isclose(wanted, found, rel_tol=1e-9, abs_tol=1e-9)
    return bool(wanted == found)
