"""The texts that came with one request from a ticket's page, on their way into the draft of their author."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from backend.desk.drafts import service as drafts
from backend.desk.typed_texts import blank_recorded
from backend.tickets import queries
from backend.tickets.models import Ticket
from backend.users.policy import Actor
from backend.web.forms import FormReader


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
