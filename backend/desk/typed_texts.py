"""What an officer typed on the page of a ticket, and what is left of it once one action was done.

The page is one form, so that every button carries every text (see docs/decisions/0020-typed-texts.md).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from backend.desk.actions import DEEDS, TicketAction
from backend.tickets.lifecycle import Event
from backend.tickets.queries import CourseStep
from backend.web.forms import FormReader, FormView

CHOICES = frozenset({"to_unit", "to_user", "procedure", "stands"})  # quickly made again, and no text to be copied


@dataclass(frozen=True)
class TypedText:
    """A text, and the action that it was typed for."""

    title: str
    text: str


def fields_of(deed: TicketAction) -> Collection[str]:
    """Return the fields that an action uses up."""
    return (*((deed.field,) if deed.field else ()), *deed.inputs, "pause")


def left_typed(typed: FormReader, deed: TicketAction | None, course: Sequence[CourseStep]) -> FormView:
    """Return what was typed in the forms of other actions. A draft that the page filled in and nobody changed is not
    typed."""
    rest = typed.rest(fields_of(deed) if deed else ())
    drafts = [_plain(step.text) for step in course if step.event is Event.SUBMITTED_FOR_APPROVAL]
    values = {
        name: value
        for name, value in rest.values.items()
        if name != "approved" or not drafts or _plain(value) != drafts[-1]
    }
    return FormView(values)


def typed_texts(form: FormView, open_paths: Collection[str] = ()) -> list[TypedText]:
    """Return what was typed for actions other than the ``open_paths``, in the order of the page."""
    closed = [deed for deed in DEEDS.values() if deed.path not in open_paths]
    pairs = [(deed, name) for deed in closed for name in (*deed.inputs, deed.field) if name and name not in CHOICES]
    return [TypedText(deed.title, text) for deed, name in pairs if (text := form.value(name).strip())]


def something_typed(form: FormView) -> bool:
    """Whether any field of any action holds something."""
    names = {name for deed in DEEDS.values() for name in fields_of(deed)} - {"pause"}
    return any(form.value(name).strip() for name in names)


def paths_typed(form: FormView) -> set[str]:
    """Return the paths of the actions in whose forms something was typed: their folds stay open."""
    return {
        deed.path
        for deed in DEEDS.values()
        if any(form.value(name).strip() for name in fields_of(deed) if name != "pause")
    }


def _plain(text: str) -> str:
    """Browsers send line ends of their own kind."""
    return text.replace("\r\n", "\n").strip()
