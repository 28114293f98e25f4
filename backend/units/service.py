"""Set up the units that are shipped with the package."""

import csv
import json
import tomllib
from collections.abc import Iterator
from datetime import date, timedelta
from importlib.resources import files
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.files.text import fold_text
from backend.units.models import Succession, Unit, UnitKind

DATA = files("backend.units").joinpath("data")
KIND_BY_WORD = {"xã": UnitKind.COMMUNE, "phường": UnitKind.WARD, "thị": UnitKind.TOWNSHIP}
CONDUCT_DESK_OF_COMMUNES = "LC-VP"


def load_shipped(session: Session) -> None:
    """Store province, centre, departments, 38 communes and wards with borders, and 106 former units with successors.

    Do nothing where they are stored already.
    """
    if session.scalar(select(Unit.id).where(Unit.kind == UnitKind.PROVINCE)) is not None:
        return
    plan = tomllib.loads(DATA.joinpath("province.toml").read_text(encoding="utf-8"))
    province = _unit(plan["province"]["code"], plan["province"]["name"], UnitKind.PROVINCE, plan["since"])
    session.add(province)
    session.flush()
    bodies = _bodies(session, plan, province)
    communes = _communes(session, plan["merger"], province, bodies[CONDUCT_DESK_OF_COMMUNES])
    _former(session, plan, province, communes)


def _unit(code: str, name: str, kind: UnitKind, valid_from: date, **more: Any) -> Unit:
    return Unit(code=code, name=name, folded=fold_text(name), kind=kind, valid_from=valid_from, **more)


def _bodies(session: Session, plan: dict[str, Any], province: Unit) -> dict[str, Unit]:
    """Store the centre and the departments, each with its conduct desk, and return them by code."""
    bodies = {
        row["code"]: _unit(
            row["code"], row["name"], UnitKind(row["kind"]), plan["since"], parent_id=province.id, receives=True
        )
        for row in plan["body"]
    }
    session.add_all(bodies.values())
    session.flush()
    for row in plan["body"]:
        bodies[row["code"]].conduct_desk_id = bodies[row["desk"]].id
    return bodies


def _communes(session: Session, since: date, province: Unit, desk: Unit) -> dict[str, Unit]:
    """Store the communes and wards of today, and return them by code."""
    borders = json.loads(DATA.joinpath("lai_chau_communes.geojson").read_text(encoding="utf-8"))["features"]
    border = {feature["properties"]["code"]: feature["geometry"] for feature in borders}
    communes = {
        row["code"]: _unit(
            row["code"],
            row["name"],
            KIND_BY_WORD[row["type"]],
            since,
            parent_id=province.id,
            receives=True,
            conduct_desk_id=desk.id,
            border=border[row["code"]],
            source="Nghị quyết 1670/NQ-UBTVQH15",
        )
        for row in _rows("lai_chau_communes.csv")
    }
    session.add_all(communes.values())
    session.flush()
    return communes


def _former(session: Session, plan: dict[str, Any], province: Unit, communes: dict[str, Unit]) -> None:
    """Store the units that ended with the merger, below their former districts, and their successors."""
    until = plan["merger"] - timedelta(days=1)
    rows = list(_rows("lai_chau_old_to_new.csv"))
    districts = {
        code: _unit(code, name, UnitKind.DISTRICT, plan["since"], valid_to=until, parent_id=province.id)
        for code, name in {row["old_district_code"]: row["old_district"] for row in rows}.items()
    }
    session.add_all(districts.values())
    session.flush()
    for row in rows:
        kind = KIND_BY_WORD[row["old_name_nq1670"].split()[0].lower()]
        unit = _unit(row["old_code"], row["old_name_nq1670"], kind, plan["since"], valid_to=until)
        unit.parent_id = districts[row["old_district_code"]].id
        session.add(unit)
        session.flush()
        session.add(
            Succession(
                former_id=unit.id,
                successor_id=communes[row["new_code"]].id,
                on=plan["merger"],
                basis=plan["merger_basis"],
            )
        )
    session.flush()


def _rows(name: str) -> Iterator[dict[str, str]]:
    yield from csv.DictReader(DATA.joinpath(name).read_text(encoding="utf-8-sig").splitlines())
