"""Reading of forms: fields are cleaned, refusals belong to a field, and the typed values can be displayed again."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from backend.errors import DomainError, Invalid, TooLarge, _
from backend.files.days import WRITTEN, day_written
from backend.files.text import clean_text

# Sizes of a request body. A form with 1 MB of Vietnamese text is sent as about 4 MB (each byte as %XX). It must be
# read, so that the refusal is at its field and the text is still there. Routes for files set `max_body_size=FILES`.
ORDINARY = 4 * 1024 * 1024
FILES = 25 * 1024 * 1024
MOST_FIELDS = 200
ID_MOST = 2**31 - 1  # the largest integer of the database, also for ids
BEYOND = re.compile("exceeded maximum size|Too many (fields|files)")  # messages of starlette.formparsers
MOST_FILES = 100  # high, so that the form itself refuses too many photos and keeps all other fields


@dataclass(frozen=True)
class FormView:
    """What a form displays: the typed values and the refusals, by field. The macros of ``ui`` read only this."""

    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, DomainError] = field(default_factory=dict)

    def value(self, name: str, default: object = "") -> str:
        value = self.values.get(name)
        return str(default) if value is None else value

    def error(self, name: str) -> DomainError | None:
        return self.errors.get(name)


EMPTY = FormView()


class FormReader:
    """A submitted form. ``refuse`` collects refusals; ``check`` raises all of them together."""

    def __init__(self, data: FormData) -> None:
        self.data = data
        self.refusals: list[Invalid] = []

    def raw(self, name: str) -> str:
        """Return the last value of that name as typed; empty where it is missing or a file."""
        values = [value for value in self.data.getlist(name) if isinstance(value, str)]
        return values[-1] if values else ""

    def text(self, name: str, *, limit: int, multiline: bool = False, required: str | None = None) -> str:
        """Return the cleaned text of a field. ``required`` is the refusal where the cleaned text is empty."""
        try:
            value = clean_text(self.raw(name), limit=limit, multiline=multiline, field=name)
        except Invalid as refusal:
            self.refusals.append(refusal)
            return ""
        if required and not value:
            self.refuse(name, required)
        return value

    def choice(self, name: str, options: Collection[str], message: str | None = None, *, optional: bool = False) -> str:
        """Return one of ``options``; refuse another value. With ``optional`` an empty value is allowed."""
        value = self.raw(name)
        if value in options or (optional and not value):
            return value
        self.refuse(name, message or _("Hãy chọn một trong các mục."))
        return ""

    def integer(self, name: str, message: str | None = None) -> int | None:
        """Return a whole number up to `ID_MOST`, or None where it is empty or refused."""
        value = self.raw(name).strip()
        if not value:
            return None
        if value.isascii() and value.isdigit() and len(value) <= 18 and int(value) <= ID_MOST:
            return int(value)
        self.refuse(name, message or _("Hãy nhập một số."))
        return None

    def day(self, name: str) -> date | None:
        """Return a date, or None where it is empty or refused.

        It is read from 22/11/2026, 22-11-2026, 22.11.2026 and 2026-11-22.
        """
        value = self.raw(name).strip()
        if not value:
            return None
        day = day_written(value)
        if day is None:
            unreal = WRITTEN.fullmatch(value)
            self.refuse(name, _("Ngày này không có trong lịch.") if unreal else _("Hãy viết ngày như 22/11/2026."))
        return day

    def ticked(self, name: str) -> bool:
        return bool(self.raw(name))

    def files(self, name: str) -> list[UploadFile]:
        """Return the chosen files. (An empty file field arrives as a file without a name.)"""
        return [v for v in self.data.getlist(name) if isinstance(v, UploadFile) and v.filename]

    def refuse(self, name: str, message: str, **params: object) -> None:
        self.refusals.append(Invalid(message, field=name, errors=(), **params))

    def check(self) -> None:
        """Raise all refusals so far together; do nothing where there are none."""
        Invalid.collect(self.refusals)

    def form(self, refusal: Invalid | None = None) -> FormView:
        """Return the form to display again, as typed, with the refusals of ``refusal`` or else the collected ones.

        A field has only its first refusal.
        """
        errors = refusal.errors if refusal else tuple(self.refusals)
        values = {name: value for name, value in self.data.multi_items() if isinstance(value, str)}
        error_by_field: dict[str, DomainError] = {}
        for error in errors:
            if error.field:
                error_by_field.setdefault(error.field, error)
        return FormView(values, error_by_field)

    def rest(self, used: Collection[str]) -> FormView:
        """Return the form to display again after some fields were used: the other fields keep their typed values."""
        return FormView({name: value for name, value in self.form().values.items() if name not in used})

    def refused(self, refusal: DomainError, field: str) -> FormView:
        """Return the form to display again. A refusal that names no field is at ``field``."""
        if isinstance(refusal, Invalid) and any(error.field for error in refusal.errors):
            return self.form(refusal)
        return FormView(self.form().values, {refusal.field or field: refusal})


async def read_form(request: Request) -> FormReader:
    """Return the form of a request. Raises TooLarge for too many fields or files, or too large ones.

    The parser raises the same error for every fault, so its message tells too much of something from the rest.
    """
    try:
        return FormReader(await request.form(max_fields=MOST_FIELDS, max_files=MOST_FILES, max_part_size=ORDINARY))
    except HTTPException as refusal:
        if BEYOND.search(refusal.detail):
            raise TooLarge from refusal
        raise


TypedDep = Annotated[FormReader, Depends(read_form)]
