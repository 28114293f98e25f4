"""Reading a form: each field cleaned, every refusal at its field, and what was typed kept for showing it again."""

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

# A form of 1 MB of Vietnamese text is about 4 MB on the wire (each byte as %XX); it must arrive, so that it is refused
# at its field with the text still there. Routes that take files say `max_body_size=FILES` of their own.
ORDINARY = 4 * 1024 * 1024
FILES = 25 * 1024 * 1024
MOST_FIELDS = 200
ID_MOST = 2**31 - 1  # what the database's integers hold, ids among them
BEYOND = re.compile("exceeded maximum size|Too many (fields|files)")  # starlette.formparsers
MOST_FILES = 100  # so that who chooses too many photos is told so by the form, with all else still in it


@dataclass(frozen=True)
class FormView:
    """What a form shows: the values typed and the refusals, by field. Macros of ``ui`` read nothing else."""

    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, DomainError] = field(default_factory=dict)

    def value(self, name: str, default: object = "") -> str:
        found = self.values.get(name)
        return str(default) if found is None else found

    def error(self, name: str) -> DomainError | None:
        return self.errors.get(name)


EMPTY = FormView()


class FormReader:
    """A submitted form while it is read. ``refuse`` collects; ``check`` raises all refusals together."""

    def __init__(self, data: FormData) -> None:
        self.data = data
        self.refusals: list[Invalid] = []

    def raw(self, name: str) -> str:
        """The last value of that name as typed; empty when missing or a file."""
        values = [value for value in self.data.getlist(name) if isinstance(value, str)]
        return values[-1] if values else ""

    def text(self, name: str, *, limit: int, multiline: bool = False, required: str | None = None) -> str:
        """The cleaned text of a field; ``required`` is the sentence shown when nothing is left of it."""
        try:
            value = clean_text(self.raw(name), limit=limit, multiline=multiline, field=name)
        except Invalid as refusal:
            self.refusals.append(refusal)
            return ""
        if required and not value:
            self.refuse(name, required)
        return value

    def choice(self, name: str, options: Collection[str], message: str | None = None, *, optional: bool = False) -> str:
        """One of ``options``, else a refusal; with ``optional`` nothing chosen is empty."""
        value = self.raw(name)
        if value in options or (optional and not value):
            return value
        self.refuse(name, message or _("Hãy chọn một trong các mục."))
        return ""

    def integer(self, name: str, message: str | None = None) -> int | None:
        """A whole number up to ``ID_MOST``, or None when empty or refused."""
        value = self.raw(name).strip()
        if not value:
            return None
        if value.isascii() and value.isdigit() and len(value) <= 18 and int(value) <= ID_MOST:
            return int(value)
        self.refuse(name, message or _("Hãy nhập một số."))
        return None

    def day(self, name: str) -> date | None:
        """A date as 22/11/2026 (also 22-11-2026, 22.11.2026, 2026-11-22), or None when empty or refused."""
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
        """Files really chosen (an empty file field arrives as a file without a name)."""
        return [v for v in self.data.getlist(name) if isinstance(v, UploadFile) and v.filename]

    def refuse(self, name: str, message: str, **params: object) -> None:
        self.refusals.append(Invalid(message, field=name, errors=(), **params))

    def check(self) -> None:
        """Raise what was refused so far, all of it, or nothing."""
        Invalid.collect(self.refusals)

    def form(self, refusal: Invalid | None = None) -> FormView:
        """The form to show again: as typed, with the refusals of ``refusal`` (or those collected)."""
        errors = refusal.errors if refusal else tuple(self.refusals)
        values = {name: value for name, value in self.data.multi_items() if isinstance(value, str)}
        first: dict[str, DomainError] = {}  # of each field, in the order of the form
        for error in errors:
            if error.field:
                first.setdefault(error.field, error)
        return FormView(values, first)

    def rest(self, used: Collection[str]) -> FormView:
        """The form to show again after some of its fields were used: what was typed in the others is still there."""
        return FormView({name: value for name, value in self.form().values.items() if name not in used})

    def refused(self, refusal: DomainError, field: str) -> FormView:
        """The form to show again; a refusal that names no field of its own stands at ``field``."""
        if isinstance(refusal, Invalid) and any(error.field for error in refusal.errors):
            return self.form(refusal)
        return FormView(self.form().values, {refusal.field or field: refusal})


async def read_form(request: Request) -> FormReader:
    """The form of a request, within limits. The parser answers whatever is wrong alike; too much of something is told
    by its words."""
    try:
        return FormReader(await request.form(max_fields=MOST_FIELDS, max_files=MOST_FILES, max_part_size=ORDINARY))
    except HTTPException as refusal:
        if BEYOND.search(refusal.detail):
            raise TooLarge from refusal
        raise


TypedDep = Annotated[FormReader, Depends(read_form)]
