"""What one answer shows of a ticket's page beside the ticket: what was typed, and what came of it."""

from dataclasses import dataclass, field

from backend.deadlines.clocks import ClockPreview
from backend.desk.actions import TicketAction
from backend.desk.answer_fields import errors_on_page
from backend.desk.drafts.queries import TicketDrafts
from backend.desk.ticket_lists import TicketList
from backend.errors import DomainError, Invalid
from backend.web.forms import EMPTY, FormReader, FormView


@dataclass(frozen=True)
class ActionAttempt:
    """An action that was submitted: what was typed, and its result, either a refusal or the preview."""

    action: TicketAction
    form: FormView
    refusal: DomainError | None = None
    preview: ClockPreview | None = None

    @classmethod
    def refused(cls, action: TicketAction, typed: FormReader, refusal: DomainError) -> "ActionAttempt":
        """Return the form as typed, with the refusal at its field. A refusal without a field stands above the page.

        The services call an action's text ``text``; here it gets the name of the field on the page.
        """
        at_field = isinstance(refusal, Invalid) and bool(refusal.errors)
        form = typed.form(refusal if isinstance(refusal, Invalid) else None)
        errors = errors_on_page(form.errors, action.field, action.inputs)
        return cls(action, FormView(form.values, errors), None if at_field else refusal)


@dataclass(frozen=True)
class TicketPageView:
    """What one answer shows of a ticket's page beside the ticket itself.

    ``attempt`` is an action that was refused or previewed; ``typed`` is what was typed on the page, None where the
    draft is shown. ``seen`` is the version that the page showed when it was sent, ``confirmation`` the sentence
    about what was just carried out, ``notice`` a refusal that belongs to no action.
    """

    ticket_list: TicketList = field(default_factory=TicketList)
    attempt: ActionAttempt | None = None
    typed: FormView | None = None
    seen: int | None = None
    confirmation: str = ""
    notice: DomainError | None = None
    with_contact: bool = False
    whole_course: bool = False

    def form(self, drafts: TicketDrafts) -> FormView:
        """Return what the fields show: what was just sent, or else the draft."""
        if self.attempt is not None:
            return self.attempt.form
        if self.typed is not None:
            return self.typed
        return FormView(drafts.own.fields) if drafts.own else EMPTY
