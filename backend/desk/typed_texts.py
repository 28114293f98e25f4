"""The texts that an officer typed on the page of a ticket, and which of them remain after one action.

The page is one form, so every button sends every text (see docs/decisions/0020-typed-texts.md).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from backend.desk.actions import ACTIONS, TicketAction
from backend.web.forms import FormView

# Quick to choose again, and no text to copy.
CHOICES = frozenset({"to_unit", "to_user", "procedure", "stands", "mention"})


@dataclass(frozen=True)
class TypedText:
    """A text and the title of the action for which it was typed."""

    title: str
    text: str


def fields_of(action: TicketAction) -> Collection[str]:
    """Return the fields that an action uses up."""
    return (*((action.field,) if action.field else ()), *action.inputs, "pause")


def blank_recorded(fields: Mapping[str, str], recorded: Collection[str]) -> dict[str, str]:
    """Return the fields, empty where the text is recorded already.

    The page fills in the draft that waits for approval; an unchanged draft does not count as typed. Neither does a text
    that was sent a moment ago.
    """
    plain_texts = {_plain(text) for text in recorded}
    return {name: "" if _plain(value) in plain_texts else value for name, value in fields.items()}


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
