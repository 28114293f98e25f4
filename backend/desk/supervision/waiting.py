"""What the desks list, as conditions in SQL over tickets. Each stands once, so that it can be counted and listed.

What the state of a ticket does not say follows from its history: a request that nobody has decided yet. The partial
indexes of the history on these events serve the conditions.
"""

from sqlalchemy import Boolean, ColumnElement, Select, and_, exists, literal_column, not_, select
from sqlalchemy.orm import aliased

from backend import audit
from backend.audit import AuditEntry
from backend.tickets.lifecycle import Event
from backend.tickets.models import TO_PUBLISH_SQL, Category, CategoryClass, Ticket, TicketState, is_open
from backend.tickets.second_looks.models import OPEN_LOOK, SecondLook
from backend.tickets.second_looks.reviewers import visible_to
from backend.users.policy import Actor


def not_taken() -> ColumnElement[bool]:
    """A unit has the ticket, and nobody there has taken it yet."""
    return and_(is_open(), Ticket.state == TicketState.NEW)


def pause_is_disputed() -> ColumnElement[bool]:
    """The sender does not agree with a pause, and the province has not judged that yet."""
    dispute, judgement = aliased(AuditEntry), aliased(AuditEntry)
    same_pause = judgement.data["pause"].as_integer() == dispute.data["pause"].as_integer()
    judged = exists().where(judgement.chain == dispute.chain, _is_kind(judgement, Event.PAUSE_JUDGED), same_pause)
    return and_(is_open(), exists().where(*_of_ticket(dispute, Event.PAUSE_DISPUTED), not_(judged)))


def extension_is_requested() -> ColumnElement[bool]:
    """An officer has asked for more time, and nobody has granted or denied it. The ticket is still worked on."""
    request, later = aliased(AuditEntry), aliased(AuditEntry)
    ends = (Event.EXTENDED, Event.EXTENSION_DENIED, Event.DISPUTED, Event.REOPENED, Event.SECOND_LOOK_SENT_BACK)
    decided = exists().where(
        later.chain == request.chain, later.seq > request.seq, later.action.in_([event.value for event in ends])
    )
    worked_on = Ticket.state.in_((TicketState.ACCEPTED, TicketState.IN_PROGRESS))
    return and_(is_open(), worked_on, exists().where(*_of_ticket(request, Event.EXTENSION_REQUESTED), not_(decided)))


def answer_awaits_approval() -> ColumnElement[bool]:
    return and_(is_open(), Ticket.state == TicketState.AWAITING_APPROVAL)


def awaits_leader() -> ColumnElement[bool]:
    """The leader of the unit has to decide: about an answer, or about an extension."""
    return and_(is_open(), answer_awaits_approval() | extension_is_requested())


def sender_objects() -> ColumnElement[bool]:
    """The sender does not accept a pause, or had an answer taken up again."""
    return and_(is_open(), pause_is_disputed() | (Ticket.episode > 1))


def about_conduct() -> ColumnElement[bool]:
    """An open complaint about the conduct of a unit."""
    return and_(is_open(), Ticket.category_code.in_(_conduct_categories()))


def to_publish(actor: Actor) -> ColumnElement[bool]:
    """Answered and not public yet.

    Complaints about conduct are left out, because their unit must not read them. So are answers that the level above
    looks at, because they may change; but not for somebody of the unit, who would learn of the second look by that.
    """
    is_open_look = literal_column(f"second_looks.{OPEN_LOOK}", Boolean())
    looked_at = exists().where(SecondLook.ticket_id == Ticket.id, is_open_look, visible_to(actor))
    return and_(
        literal_column(f"tickets.{TO_PUBLISH_SQL}", Boolean()),
        Ticket.category_code.not_in(_conduct_categories()),
        not_(looked_at),
    )


def _conduct_categories() -> Select[str]:
    return select(Category.code).where(Category.category_class == CategoryClass.CONDUCT)


def _of_ticket(entry: type[AuditEntry], event: Event) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return the conditions that an entry is of the ticket's chain and of this kind."""
    return entry.chain == audit.ticket_chain_of(Ticket.id), _is_kind(entry, event)


def _is_kind(entry: type[AuditEntry], event: Event) -> ColumnElement[bool]:
    """Return the condition that an entry is of this kind, as its partial index states it."""
    return entry.action == literal_column(f"'{event.value}'")
