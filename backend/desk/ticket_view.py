"""The page of one ticket for staff: everything it shows, put together."""

from dataclasses import dataclass
from datetime import date

from fastapi import Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import clock
from backend.attachments import queries as attachments
from backend.deadlines.clocks import ClockPreview
from backend.deadlines.grounds import DecisionGround, GroundList, grounds_on
from backend.desk.actions import ActionOffer, TicketAction, UsualChoices, list_offers
from backend.desk.typed_texts import TypedText, paths_typed, typed_texts
from backend.errors import DomainError, Invalid, _
from backend.tickets import dossier, queries, rulebook, service
from backend.tickets.dossier import TicketTiming
from backend.tickets.due_status import DueStatus, due_statuses, ended_status
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket, TicketState
from backend.tickets.queries import CourseStep
from backend.tickets.texts import CLOCK_NAMES, EVENT_NAMES, STATE_NAMES, STATE_TONES
from backend.units import queries as units
from backend.units.models import Unit
from backend.users import queries as users
from backend.users.policy import Actor, Permission, can
from backend.web.forms import EMPTY, FormReader, FormView
from backend.web.language import gettext
from backend.web.rendering import language_of, render_page
from backend.worktime.calendar import local_time

INBOX = "/hop-thu"
BASIS = _("Căn cứ: %(basis)s")


@dataclass(frozen=True)
class ActionAttempt:
    """A deed that was sent off: what was typed, and what came of it: a refusal, or the effect that was asked for."""

    deed: TicketAction
    form: FormView
    refusal: DomainError | None = None
    effect: ClockPreview | None = None

    @classmethod
    def refused(cls, deed: TicketAction, typed: FormReader, refusal: DomainError) -> "ActionAttempt":
        """The form as typed, the refusal at the field of this deed's form, or above all if it has no field."""
        at_field = isinstance(refusal, Invalid) and bool(refusal.errors)
        form = typed.form(refusal if isinstance(refusal, Invalid) else None)
        errors = {deed.field if name == "text" else name: error for name, error in form.errors.items()}
        return cls(deed, FormView(form.values, errors), None if at_field else refusal)


def ticket_page(
    request: Request,
    session: Session,
    ticket: Ticket,
    actor: Actor,
    status: int = 200,
    *,
    tried: ActionAttempt | None = None,
    typed: FormView = EMPTY,
    done: str = "",
    with_contact: bool = False,
) -> Response:
    """The ticket with everything that can be done. ``tried`` is an action that was refused or looked at, ``typed`` what
    else was typed on the page, ``done`` what was just done."""
    form = tried.form if tried else typed
    now = clock.now()
    today = local_time(now).date()
    subject = service.policy_subject(ticket)
    known = dossier.read_dossier(session, ticket, now)
    timing = known.timing()
    targets = _targets(session, ticket, today) if can(actor, Permission.FORWARD_TICKET, subject) else []
    people = users.list_handlers(session, ticket.unit_id) if can(actor, Permission.ASSIGN_TICKET, subject) else []
    disputed = [held.number for held in timing.clocks.breaks if held.disputed]
    grounds = grounds_on(GroundList.REFUSAL, today)
    usual = UsualChoices(
        targets[0][0] if targets else None, people[0].id if people else None, disputed, grounds[0].code
    )
    offered = list_offers(known, actor, usual)
    course = queries.list_course(session, ticket.id, internal=True, entries=known.entries)
    return render_page(
        request,
        "desk/ticket.html",
        status,
        secret=True,
        ticket=ticket,
        form=form,
        tried=tried,
        done=done,
        kept=_orphaned_texts(form, offered),
        unfolded=paths_typed(form),
        keep_at=f"{INBOX}/{ticket.number}/xem",
        offers=offered,
        offices=targets,
        people=[(user.id, user.name) for user in people],
        grounds=_ground_options(grounds, language_of(request)),
        standing=_standing(ticket, timing, today),
        counting=queries.count_days(ticket, timing.clocks),
        timing=timing,
        later_rule=rulebook.rule_of_today(session, ticket, timing.clocks, today),
        unit_names=_unit_names(session, ticket, timing, targets),
        course=course,
        ended=None if ticket.open else _last(course, *_ENDS),
        said={event.value: _last(course, event) for event in (*_SAID, Event.INFO_REQUESTED)},
        merged=queries.merged_into(session, ticket.id),
        into=session.get(Ticket, ticket.merged_into_id) if ticket.merged_into_id else None,
        guided=ticket.state is TicketState.REDIRECTED,
        photos=attachments.of_ticket(session, ticket.id),
        contact=ticket.contact if with_contact else None,
        may_read_contact=ticket.contact is not None and can(actor, Permission.VIEW_CONTACT, subject),
        names=STATE_NAMES,
        tones=STATE_TONES,
        events=EVENT_NAMES,
        clock_names=CLOCK_NAMES,
    )


# Texts that whoever decides on them has to read at the form.
_SAID = (Event.SUBMITTED_FOR_APPROVAL, Event.EXTENSION_REQUESTED, Event.PAUSE_DISPUTED)
# What stops the clock.
_ENDS = (
    *(Event.ANSWERED, Event.ANSWERED_TOGETHER, Event.REFUSED, Event.REDIRECTED),
    *(Event.WITHDRAWN, Event.MERGED),
)


def _ground_options(grounds: list[DecisionGround], language: str) -> list[tuple[str, str, str]]:
    """Code, text and basis of each ground, in the reader's language."""
    bases = [gettext(language, BASIS, {"basis": gettext(language, ground.basis)}) for ground in grounds]
    texts = [gettext(language, ground.text) for ground in grounds]
    return [(ground.code, text, basis) for ground, text, basis in zip(grounds, texts, bases, strict=True)]


def _last(course: list[CourseStep], *events: Event) -> CourseStep | None:
    return next((step for step in reversed(course) if step.event in events), None)


def _orphaned_texts(form: FormView, offered: list[ActionOffer]) -> list[TypedText]:
    """Texts typed for an action that is no longer possible: shown apart, so that they can be copied."""
    return typed_texts(form, {offer.deed.path for offer in offered if offer.refusal is None})


def _standing(ticket: Ticket, timing: TicketTiming, today: date) -> DueStatus:
    """As in the inbox; of a ticket that was answered more than once, by the latest answer."""
    resolve = timing.clocks.resolve
    return (
        due_statuses(resolve.term.calendar, today, [ticket])[0]
        if ticket.open
        else ended_status(ticket, resolve.verdict)
    )


def _targets(session: Session, ticket: Ticket, today: date) -> list[tuple[int, str]]:
    hidden = {ticket.unit_id, service.policy_subject(ticket).hidden_from}
    return [(unit.id, unit.name) for unit in units.list_receiving(session, today) if unit.id not in hidden]


def _unit_names(
    session: Session, ticket: Ticket, timing: TicketTiming, targets: list[tuple[int, str]]
) -> dict[int, str]:
    """The names of all units that the page speaks of."""
    known = dict(targets) | {ticket.unit_id: ticket.unit.name, ticket.about_unit_id: ticket.about_unit.name}
    missing = {share.unit for share in timing.ledger.shares if share.unit is not None} - set(known)
    if missing:
        known |= {unit.id: unit.name for unit in session.scalars(select(Unit).where(Unit.id.in_(missing)))}
    return known
