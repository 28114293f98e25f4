"""The texts that an officer typed on the page of a ticket, and which of them remain after one action.

The page is one form, so every button sends every text (see docs/decisions/0020-typed-texts.md).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from backend.desk import answer_fields
from backend.desk.actions import ACTIONS, TicketAction
from backend.tickets.lifecycle import Event
from backend.tickets.queries import CourseStep
from backend.web.forms import FormReader, FormView

CHOICES = answer_fields.CHOICES | {
    "to_unit",
    "to_user",
    "procedure",
    "stands",
}  # quick to choose again, and no text to copy

FILLED_IN = {
    "approved": Event.SUBMITTED_FOR_APPROVAL,
    "points": Event.POINTS_LISTED,
}  # field -> the text it begins with


@dataclass(frozen=True)
class TypedText:
    """A text and the title of the action for which it was typed."""

    title: str
    text: str


def fields_of(action: TicketAction) -> Collection[str]:
    """Return the fields that an action uses up."""
    return (*((action.field,) if action.field else ()), *action.inputs, "pause")


def left_typed(typed: FormReader, action: TicketAction | None, course: Sequence[CourseStep]) -> FormView:
    """Return what was typed for other actions than ``action``.

    The page fills in the draft that waits for approval and the points that are listed. Unchanged they do not count as
    typed.
    """
    rest = typed.rest(fields_of(action) if action else ())
    unchanged = {name for name, event in FILLED_IN.items() if _is_unchanged(rest.value(name), event, course)}
    return FormView({name: value for name, value in rest.values.items() if name not in unchanged})


def _is_unchanged(value: str, event: Event, course: Sequence[CourseStep]) -> bool:
    texts = [_plain(step.text) for step in course if step.event is event]
    return bool(texts) and _plain(value) == texts[-1]


def typed_texts(form: FormView, open_paths: Collection[str] = ()) -> list[TypedText]:
    """Return what was typed for actions other than the ``open_paths``, in the order of the page."""
    closed_actions = [action for action in ACTIONS.values() if action.path not in open_paths]
    texts: list[TypedText] = []
    for action in closed_actions:
        texts += _texts_of(form, action)
    return texts


def _texts_of(form: FormView, action: TicketAction) -> list[TypedText]:
    names = [name for name in (*action.inputs, action.field) if name and name not in CHOICES]
    texts = [form.value(name).strip() for name in names]
    return [TypedText(action.title, text) for text in texts if text]


def something_typed(form: FormView) -> bool:
    """Return whether any field of any action is filled in."""
    return bool(paths_typed(form))


def paths_typed(form: FormView) -> set[str]:
    """Return the paths of the actions whose forms are filled in: the page keeps these unfolded."""
    return {action.path for action in ACTIONS.values() if _is_typed(form, action)}


def _is_typed(form: FormView, action: TicketAction) -> bool:
    return any(form.value(name).strip() for name in fields_of(action) if name != "pause")


def _plain(text: str) -> str:
    """Browsers send line ends as CR LF."""
    return text.replace("\r\n", "\n").strip()
