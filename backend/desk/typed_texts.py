"""The texts that an officer typed on the page of a ticket, which of them remain after one action, and their draft.

The page is one form, so every button sends every text (see docs/decisions/0020-typed-texts.md).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from backend.desk import answer_fields
from backend.desk.actions import ACTIONS, TicketAction
from backend.desk.drafts import service as drafts
from backend.tickets import queries
from backend.tickets.models import Ticket
from backend.users.policy import Actor
from backend.web.forms import FormReader, FormView

# Quick to choose again, and no text to copy.
CHOICES = answer_fields.CHOICES | {"to_unit", "to_user", "procedure", "stands", "mention"}


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

    The page fills in the draft that waits for approval and the points that are listed; unchanged they do not count as
    typed. Neither does a text that was sent a moment ago.
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


@dataclass(frozen=True)
class PageTexts:
    """A submitted page of a ticket. Without an account, which no signed-in person lacks, nothing is kept."""

    session: Session
    actor: Actor
    ticket: Ticket
    form: FormReader

    @property
    def seen(self) -> int | None:
        """The version of the ticket that the page showed."""
        typed = self.form.raw("version").strip()
        return int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= 9 else None

    def unsent(self, used: Collection[str] = ()) -> dict[str, str]:
        """Return the typed fields; those in ``used`` are empty, and so are those whose text is recorded already."""
        fields = drafts.typed_fields(self.form.form().values)
        fields = {name: "" if name in used else value for name, value in fields.items()}
        if not any(value.strip() for value in fields.values()):
            return fields
        return blank_recorded(fields, queries.list_latest_texts(self.session, self.ticket.id))

    def keep(self, now: datetime, used: Collection[str] = ()) -> bool:
        """Keep as a draft what is not used; return whether nothing is lost now.

        The draft counts as typed for the version that the reader now sees.
        """
        if self.actor.user_id is None:
            return False
        fields = self.unsent(used)
        try:
            drafts.keep_draft(
                self.session, self.actor.user_id, self.ticket.id, fields, version=self.ticket.version, now=now
            )
        except drafts.DraftTooLarge:
            return not any(value.strip() for value in fields.values())
        return True


def _plain(text: str) -> str:
    """Browsers send line ends as CR LF."""
    return text.replace("\r\n", "\n").strip()
