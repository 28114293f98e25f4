"""The page of one ticket for staff: collects everything that the page shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from fastapi import Request, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import clock
from backend.attachments import queries as attachments
from backend.deadlines.grounds import DecisionGround, GroundList, grounds_on
from backend.desk.actions import ActionOffer, UsualChoices, list_offers
from backend.desk.answer_view import BEGINS_WITH, PREVIEWLESS, read_answering
from backend.desk.drafts.queries import TicketDrafts, read_drafts
from backend.desk.inbox import looks
from backend.desk.inbox.filters import INBOX as INBOX
from backend.desk.page_state import TicketPageView
from backend.desk.replies.insertion import offer_templates, read_hints
from backend.desk.thread import read_thread, select_entries
from backend.desk.ticket_lists import find_neighbours
from backend.desk.typed_texts import TypedText, paths_typed, typed_texts
from backend.errors import _
from backend.tickets import queries, rulebook, service
from backend.tickets.checks.earlier_answers import REPEAT
from backend.tickets.checks.notes import may_read
from backend.tickets.dossier import Dossier, TicketTiming, read_dossier
from backend.tickets.due_status import DueStatus, due_statuses, ended_status
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket, TicketState
from backend.tickets.queries import CourseStep
from backend.tickets.texts import CLOCK_NAMES, EVENT_NAMES, STATE_NAMES, STATE_TONES
from backend.units import queries as units
from backend.units.models import Unit
from backend.users import queries as users
from backend.users.models import User
from backend.users.policy import HANDLERS, Actor, Permission, can
from backend.web.forms import FormView
from backend.web.language import gettext
from backend.web.rendering import language_of, render_page
from backend.worktime.calendar import local_time

BASIS = _("Căn cứ: %(basis)s")

# The latest texts that the person who decides has to read at the form.
_TO_DECIDE_ON = (*(Event.SUBMITTED_FOR_APPROVAL, Event.EXTENSION_REQUESTED, Event.PAUSE_DISPUTED, Event.POINTS_LISTED),)
# The events that stop the clock.
_ENDS = (
    *(Event.ANSWERED, Event.ANSWERED_TOGETHER, Event.REFUSED, Event.REDIRECTED),
    *(Event.WITHDRAWN, Event.MERGED),
)
_NEEDED = (*_TO_DECIDE_ON, *_ENDS, Event.INFO_REQUESTED)
_NAMES: dict[str, Any] = {
    "names": STATE_NAMES,
    "tones": STATE_TONES,
    "events": EVENT_NAMES,
    "clock_names": CLOCK_NAMES,
    "begins_with": BEGINS_WITH,
    "previewless": PREVIEWLESS,
}


@dataclass(frozen=True)
class ActionChoices:
    """What the forms of the actions offer to choose from; ``units`` as (id, name).

    ``colleagues`` can be mentioned in a note; ``handlers`` can get the ticket.
    """

    units: list[tuple[int, str]]
    colleagues: Sequence[User]
    handlers: Sequence[User]
    grounds: list[DecisionGround]

    def usual(self, dossier: Dossier) -> UsualChoices:
        """Return the choices for the previews: the first of each list that needs nothing more, and the disputed
        pauses."""
        return UsualChoices(
            self.units[0][0] if self.units else None,
            self.handlers[0].id if self.handlers else None,
            [pause.number for pause in dossier.clocks.breaks if pause.disputed],
            next(ground.code for ground in self.grounds if ground.code != REPEAT),
        )


def ticket_page(
    request: Request,
    session: Session,
    ticket: Ticket,
    actor: Actor,
    status: int = 200,
    view: TicketPageView = TicketPageView(),  # noqa: B008 - frozen
) -> Response:
    """Show the ticket with everything that ``actor`` can do, and with what they typed."""
    now = clock.now()
    today = local_time(now).date()
    rulebook.read_rules_once(session)
    looks.note_look(session, ticket, actor, now)
    dossier = read_dossier(session, ticket, now)
    timing = dossier.timing()
    choices = _read_choices(session, ticket, actor, today)
    offers = list_offers(dossier, actor, choices.usual(dossier))
    drafts = read_drafts(session, ticket.id, service.policy_subject(ticket), actor.user_id, now)
    form = view.form(drafts)
    timing_context = _timing_context(session, ticket, timing, choices.units, today)
    names = timing_context["unit_names"], {user.id: user.name for user in choices.colleagues}
    course_context = _course_context(session, dossier, view.whole_course, *names)
    return render_page(
        request,
        "desk/ticket.html",
        status,
        secret=True,
        ticket=ticket,
        form=form,
        tried=view.attempt,
        done=view.confirmation,
        notice=view.notice,
        kept=_orphaned_texts(form, offers),
        unfolded=paths_typed(form),
        keep_at=f"{INBOX}/{ticket.number}/xem",
        sign_out_at=f"{INBOX}/{ticket.number}/xem",
        offers=offers,
        reply_choices=offer_templates(session, actor, offers),
        reply_hints=read_hints(form),
        drafts=drafts,
        both=_recorded_meanwhile(ticket, view, drafts, course_context["course"]),
        own_texts=typed_texts(form),
        ticket_list=view.ticket_list,
        beside=find_neighbours(session, actor, view.ticket_list, ticket, now),
        **_choices_context(choices, language_of(request)),
        **timing_context,
        **course_context,
        **_contact_context(ticket, actor, view.with_contact),
        answering=read_answering(dossier, language_of(request)),
        photos=attachments.of_ticket(session, ticket.id),
        **_NAMES,
    )


def _read_choices(session: Session, ticket: Ticket, actor: Actor, today: date) -> ActionChoices:
    """Return what this actor may choose from; empty lists where the permission is missing."""
    subject = service.policy_subject(ticket)
    may_forward = can(actor, Permission.FORWARD_TICKET, subject)
    may_assign = can(actor, Permission.ASSIGN_TICKET, subject)
    may_note = can(actor, Permission.WRITE_NOTE, subject)
    colleagues = may_read(users.list_colleagues(session, ticket.unit_id), subject) if may_note or may_assign else []
    return ActionChoices(
        units=_forwarding_units(session, ticket, today) if may_forward else [],
        colleagues=colleagues,
        handlers=[user for user in colleagues if user.role in HANDLERS] if may_assign else [],
        grounds=grounds_on(GroundList.REFUSAL, today),
    )


def _choices_context(choices: ActionChoices, language: str) -> dict[str, Any]:
    """Return the options of the forms, in the reader's language."""
    return {
        "receiving_units": choices.units,
        "people": [(user.id, user.name) for user in choices.handlers],
        "colleagues": [(user.id, user.name) for user in choices.colleagues],
        "grounds": _ground_options(choices.grounds, language),
    }


def _timing_context(
    session: Session, ticket: Ticket, timing: TicketTiming, choosable_units: list[tuple[int, str]], today: date
) -> dict[str, Any]:
    """Return what the page shows of the due date, the clocks and the shares of the units."""
    return {
        "timing": timing,
        "due_status": _due_status(ticket, timing, today),
        "counting": queries.count_days(ticket, timing.clocks),
        "later_rule": rulebook.rule_of_today(session, ticket, timing.clocks, today),
        "unit_names": _unit_names(session, ticket, timing, choosable_units),
    }


def _course_context(
    session: Session, dossier: Dossier, whole: bool, unit_names: Mapping[int, str], officer_names: Mapping[int, str]
) -> dict[str, Any]:
    """Return what the page shows of the ticket's course, and of the tickets merged with it."""
    ticket = dossier.ticket
    entries = dossier.entries if whole else select_entries(dossier.entries, _NEEDED)
    course = queries.list_course(
        session, ticket.id, internal=True, entries=entries, unit_names=unit_names, officer_names=officer_names
    )
    return {
        "course": course,
        "thread": read_thread(course, ticket.channel),
        "left_out": len(dossier.entries) - len(entries),
        "ended": None if ticket.open else _last(course, *_ENDS),
        "said": {event.value: _last(course, event) for event in (*_TO_DECIDE_ON, Event.INFO_REQUESTED)},
        "merged": queries.merged_into(session, ticket.id),
        "into": session.get(Ticket, ticket.merged_into_id) if ticket.merged_into_id else None,
        "guided": ticket.state is TicketState.REDIRECTED,
    }


def _recorded_meanwhile(
    ticket: Ticket, view: TicketPageView, drafts: TicketDrafts, course: Sequence[CourseStep]
) -> list[CourseStep]:
    """Return what was recorded since the reader saw the ticket: as they sent the page, or when they typed their draft.

    Each event but a note raises the version of a ticket by one.
    """
    draft_version = drafts.own.version if drafts.own and view.typed is None else None
    seen = view.seen if view.attempt is not None else draft_version
    if seen is None or seen >= ticket.version or (view.attempt is not None and view.attempt.preview is not None):
        return []
    steps = [step for step in course if step.event is not Event.NOTED]
    return steps[seen - ticket.version :]


def _contact_context(ticket: Ticket, actor: Actor, with_contact: bool) -> dict[str, Any]:
    may_read_it = can(actor, Permission.VIEW_CONTACT, service.policy_subject(ticket))
    return {
        "contact": ticket.contact if with_contact else None,
        "may_read_contact": ticket.contact is not None and may_read_it,
    }


def _ground_options(grounds: list[DecisionGround], language: str) -> list[tuple[str, str, str]]:
    """Return code, text and basis of each ground, in the reader's language."""
    bases = [gettext(language, BASIS, {"basis": gettext(language, ground.basis)}) for ground in grounds]
    texts = [gettext(language, ground.text) for ground in grounds]
    return [(ground.code, text, basis) for ground, text, basis in zip(grounds, texts, bases, strict=True)]


def _last(course: list[CourseStep], *events: Event) -> CourseStep | None:
    return next((step for step in reversed(course) if step.event in events), None)


def _orphaned_texts(form: FormView, offers: list[ActionOffer]) -> list[TypedText]:
    """Return the texts typed for actions that are no longer possible. The page shows them apart, to be copied."""
    return typed_texts(form, {offer.action.path for offer in offers if offer.refusal is None})


def _due_status(ticket: Ticket, timing: TicketTiming, today: date) -> DueStatus:
    """Return the due status as the inbox shows it. For a ticket that was answered more than once the latest answer
    counts."""
    resolve = timing.clocks.resolve
    if ticket.open:
        return due_statuses(resolve.term.calendar, today, [ticket])[0]
    return ended_status(ticket, resolve.verdict)


def _forwarding_units(session: Session, ticket: Ticket, today: date) -> list[tuple[int, str]]:
    """Return id and name of the units that may get the ticket: not its own unit, nor the one it must be hidden from."""
    excluded = {ticket.unit_id, service.policy_subject(ticket).hidden_from}
    return [
        (unit_id, name)
        for unit_id, name in units.list_receiving_names(session, today).items()
        if unit_id not in excluded
    ]


def _unit_names(
    session: Session, ticket: Ticket, timing: TicketTiming, choosable_units: list[tuple[int, str]]
) -> dict[int, str]:
    """Return the names of all units that the page mentions, by id."""
    names = dict(choosable_units) | {ticket.unit_id: ticket.unit.name, ticket.about_unit_id: ticket.about_unit.name}
    missing = {share.unit for share in timing.ledger.shares if share.unit is not None} - set(names)
    if missing:
        names |= {unit.id: unit.name for unit in session.scalars(select(Unit).where(Unit.id.in_(missing)))}
    return names
