"""Rows of Python as a table that a statement can join: one array for each column, whatever the number of rows."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import FromClause, column, func, literal
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine


def rows_as_table(name: str, columns: Mapping[str, TypeEngine[Any]], rows: Sequence[Sequence[Any]]) -> FromClause:
    """Return the rows as a table with this name. ``columns``: their names and types, in the order of the rows."""
    arrays = (literal([row[nth] for row in rows], ARRAY(type_)) for nth, type_ in enumerate(columns.values()))
    named = (column(column_name, type_) for column_name, type_ in columns.items())
    return func.unnest(*arrays).table_valued(*named).render_derived(name=name)
