"""The form of a new version of a calendar: clean its fields, fill it from a file, confirm the file's changes."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from backend.calendars import day_changes, editing, imports
from backend.calendars.day_changes import DayChange
from backend.calendars.exception_lines import VIETNAMESE, read_exceptions, write_exceptions
from backend.errors import DomainError, Invalid, _
from backend.files.days import day_written
from backend.files.text import LINE_ENDS, clean_text
from backend.web.forms import FormReader, FormView

TEXT_MOST: Final = 60_000
# Other fields: ``brought`` holds the changes of a file, ``take`` the ticked days, ``confirmed`` the confirmation.
BROUGHT, CONFIRMED, TAKE = "brought", "confirmed", "take"


@dataclass(frozen=True)
class EditedForm:
    """The form, the changes of a file that wait for a confirmation, the ticked days, and a notice about the file."""

    form: FormView
    changes: Sequence[DayChange] = ()
    confirmed_days: Collection[date] = ()
    notice: tuple[str, Mapping[str, object]] | None = None


def fill_from_file(form: FormReader, language: str) -> EditedForm:
    """Return the form filled from the uploaded file. Nothing is stored.

    Raises Invalid at the field of the file, or at wrong fields of the form: they must be right before a file can be
    compared with them.
    """
    files = form.files("file")
    if not files:
        raise Invalid(_("Hãy chọn một tệp .csv hoặc .ics."), field="file")
    cleaned = _cleaned(form)
    earlier = {change.day: change for change in day_changes.read_changes(form.raw(BROUGHT))}
    before = editing.read_calendar("vn", "", cleaned, "")
    try:
        brought = imports.read_guarded(files[0].file.read(imports.BYTES_MOST + 1))
        merged = day_changes.merge_days(before, brought, replace_years=form.ticked("replace"))
    except Invalid as refusal:
        raise refusal.at("file") from None
    fresh = {change.day: change for change in merged.changes}
    sure_days = {day for day, change in fresh.items() if not change.unsure}
    texts = editing.texts_of_days(merged.exceptions, brought.years | dict(before.years), language)
    message = _(
        "Đã đọc %(n)s ngày từ tệp (bỏ qua %(skipped)s sự kiện không phải cả ngày). Chưa lưu: hãy xem lại rồi lưu."
    )
    return EditedForm(
        FormView({**form.form().values, **cleaned, **texts, CONFIRMED: ""}),
        [change for _day, change in sorted((earlier | fresh).items())],
        (_confirmed_days(form) - fresh.keys()) | sure_days,
        (message, {"n": len(brought.exceptions), "skipped": brought.skipped}),
    )


def texts_to_save(form: FormReader) -> dict[str, str]:
    """Return the texts of the calendar with the confirmed changes of a file. Raises Invalid without a confirmation."""
    cleaned = _cleaned(form)
    changes = day_changes.read_changes(form.raw(BROUGHT))
    if not changes:
        return cleaned
    if not form.ticked(CONFIRMED):
        raise Invalid(_("Hãy xem các ngày đổi theo tệp rồi đánh dấu xác nhận."), field=CONFIRMED)
    try:
        exceptions = read_exceptions(cleaned["exceptions"])
    except Invalid as refusal:
        raise refusal.at("exceptions") from None
    merged = day_changes.apply_changes(exceptions, changes, _confirmed_days(form))
    return cleaned | {"exceptions": write_exceptions(merged, VIETNAMESE)}


def form_again(form: FormReader, refusal: DomainError) -> EditedForm:
    """Return the form as it was typed, with the refusal, the changes that wait and the ticked days."""
    view = form.form(refusal) if isinstance(refusal, Invalid) else form.refused(refusal, "file")
    return replace(form_as_typed(form), form=view)


def form_as_typed(form: FormReader) -> EditedForm:
    """Return the form as it was typed, with the changes that wait and the ticked days."""
    try:
        changes = day_changes.read_changes(form.raw(BROUGHT))
    except Invalid:
        changes = []
    return EditedForm(form.form(), changes, _confirmed_days(form))


def _cleaned(form: FormReader) -> dict[str, str]:
    """Return the fields of the calendar without invisible characters. Raises Invalid at wrong fields."""
    texts: dict[str, str] = {}
    errors: list[Invalid] = []
    for name in editing.FIELDS:
        try:
            texts[name] = _clean_lines(form.raw(name), name)
        except Invalid as refusal:
            errors.append(refusal)
    Invalid.collect(errors)
    return texts


def _clean_lines(text: str, field: str) -> str:
    """Clean a text line by line, so that line numbers stay as the writer sees them."""
    lines = LINE_ENDS.sub("\n", text).split("\n")
    joined = "\n".join(clean_text(line, limit=TEXT_MOST, field=field) for line in lines)
    if len(joined) > TEXT_MOST:
        raise Invalid(_("Dài quá %(limit)s ký tự. Hãy viết ngắn lại."), field=field, limit=TEXT_MOST)
    return joined


def _confirmed_days(form: FormReader) -> set[date]:
    """The days whose boxes are ticked."""
    days = (day_written(value) for value in form.data.getlist(TAKE) if isinstance(value, str))
    return {day for day in days if day is not None}
