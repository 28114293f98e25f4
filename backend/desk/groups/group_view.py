"""The page of a group: its members with what an answer would do to each, what senders added, what was done last."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from fastapi import Request, Response
from sqlalchemy.orm import Session

from backend import clock
from backend.deadlines.clocks import ClockPreview, preview_event
from backend.deadlines.events import TicketEvent
from backend.deadlines.limits import GROUP_COUNTED
from backend.desk.answer_view import answering_of_group
from backend.desk.groups.group_actions import FIELDS, VERBS, GroupVerb
from backend.desk.groups.picks_form import pick_value
from backend.errors import Conflict, DomainError
from backend.tickets import rulebook
from backend.tickets.dossier import Dossier
from backend.tickets.due_status import DueStatus, due_statuses, ended_status
from backend.tickets.groups import queries
from backend.tickets.groups.models import GroupStep, MatterGroup
from backend.tickets.groups.picks import PicksRefused
from backend.tickets.groups.service import events_before, group_subject
from backend.tickets.groups.shared_answers import answer_text
from backend.tickets.lifecycle import Event, find_transition
from backend.tickets.models import Ticket, TicketState
from backend.tickets.queries import list_course
from backend.tickets.texts import EVENT_NAMES, STATE_NAMES, STATE_TONES
from backend.users.models import User
from backend.users.policy import Actor, can
from backend.web.forms import EMPTY, FormView
from backend.web.rendering import language_of, render_page
from backend.worktime.calendar import local_time


@dataclass(frozen=True)
class MemberRow:
    """A member as the page shows it: its due status, and what an answer right now would do or why there is none.

    ``refused`` is what the member said to the latest action.
    """

    ticket: Ticket
    value: str
    ticked: bool
    due_status: DueStatus
    answer: ClockPreview | None
    refusal: DomainError | None
    refused: DomainError | None


def group_page(
    request: Request,
    session: Session,
    group: MatterGroup,
    actor: Actor,
    status: int = 200,
    *,
    form: FormView = EMPTY,
    refusal: DomainError | None = None,
    ticked: Collection[str] | None = None,
    confirmation: str = "",
    counted: int = 0,
) -> Response:
    """Show a group. ``ticked`` are the numbers that were ticked; where it is None, all that can be answered."""
    now = clock.now()
    today = local_time(now).date()
    tickets = queries.list_members(session, group.id)
    dossiers = queries.read_dossiers(session, tickets, now)
    news, step = queries.list_news(session, group), queries.last_step(session, group)
    refused = {row.ticket_id: row.refusal for row in refusal.results} if isinstance(refusal, PicksRefused) else {}
    rows = [_row(dossiers[ticket.id], actor, today, ticked, refused) for ticket in tickets]
    return render_page(
        request,
        "desk/groups/group.html",
        status,
        secret=True,
        group=group,
        rows=rows,
        form=form,
        refusal=None if form.errors else refusal,
        done=confirmation,
        counted=counted,
        counted_from=GROUP_COUNTED,
        keep_at=f"/nhom-phan-anh/{group.id}/xem",
        officer=session.get_one(User, group.officer_id),
        mine=group.officer_id == actor.user_id,
        verbs=_verbs(session, group, actor, tickets, today),
        draft=_draft(session, tickets),
        answering=answering_of_group(language_of(request), today),
        letter=answer_text(form.value("answer"), len(rows) - 1, "vi") if form.value("preview") else "",
        news=news,
        step=step,
        results=_results(step),
        numbers=queries.numbers_of(session, _mentioned(news, step)),
        names=STATE_NAMES,
        tones=STATE_TONES,
        events=EVENT_NAMES,
    )


def _row(
    dossier: Dossier,
    actor: Actor,
    today: date,
    ticked: Collection[str] | None,
    refused: Mapping[int, DomainError | None],
) -> MemberRow:
    ticket = dossier.ticket
    answer, refusal = preview_answer(dossier, actor)
    return MemberRow(
        ticket=ticket,
        value=pick_value(ticket),
        ticked=answer is not None if ticked is None else ticket.number in ticked,
        due_status=_due_status(dossier, today),
        answer=answer,
        refusal=refusal,
        refused=refused.get(ticket.id),
    )


def preview_answer(dossier: Dossier, actor: Actor) -> tuple[ClockPreview | None, DomainError | None]:
    """Return what an answer right now would do to a member's clocks, or why it cannot be answered now."""
    ticket = dossier.ticket
    *steps, last = events_before(ticket, Event.ANSWERED)
    try:
        if not steps:
            find_transition(ticket.state, last)
    except Conflict as refusal:
        return None, refusal
    before = [TicketEvent(event, dossier.at, actor.key) for event in steps]
    answer = TicketEvent(last, dossier.at, actor.key)
    return preview_event([*dossier.history, *before], answer, dossier.book), None


def _due_status(dossier: Dossier, today: date) -> DueStatus:
    resolve = dossier.clocks.resolve
    if dossier.ticket.open:
        return due_statuses(resolve.term.calendar, today, [dossier.ticket])[0]
    return ended_status(dossier.ticket, resolve.verdict)


def _verbs(
    session: Session, group: MatterGroup, actor: Actor, tickets: Sequence[Ticket], today: date
) -> dict[str, GroupVerb]:  # fmt: skip
    """Return what the actor may do with members in their present states, by path."""
    subject = group_subject(group)
    waiting = any(ticket.state is TicketState.AWAITING_APPROVAL for ticket in tickets)
    working = any(ticket.state in (*_WORKED_ON, TicketState.NEW) for ticket in tickets)
    approved = any(rulebook.needs_approval(session, ticket.category, today) for ticket in tickets[:1])
    possible = {
        "tra-loi": working and not approved,
        "trinh-duyet": working,
        "hoi-them": working,
        "duyet": waiting,
        "tra-lai": waiting,
        "bo-ra": bool(tickets),
    }
    return {
        path: verb
        for path, verb in VERBS.items()
        if possible[path] and group.ended_at is None and can(actor, verb.permission, subject)
    }


_WORKED_ON = (TicketState.ACCEPTED, TicketState.IN_PROGRESS)


def _draft(session: Session, tickets: Sequence[Ticket]) -> str:
    """Return the draft that waits for approval, to be read and changed once for all of them."""
    ticket = next((ticket for ticket in tickets if ticket.state is TicketState.AWAITING_APPROVAL), None)
    if ticket is None:
        return ""
    course = list_course(session, ticket.id, internal=True)
    return next((step.text for step in reversed(course) if step.event is Event.SUBMITTED_FOR_APPROVAL), "")


def _mentioned(news: Sequence[Any], step: GroupStep | None) -> list[int]:
    results = step.results if step is not None else []
    return sorted({*(row.ticket_id for row in news), *(int(result["ticket"]) for result in results)})


def _results(step: GroupStep | None) -> list[tuple[int, DomainError | None]]:
    """Return what the latest action came to for each member, with the refusals as sentences."""
    if step is None:
        return []
    return [
        (int(row["ticket"]), Conflict(row["why"], **row["params"]) if "why" in row else None) for row in step.results
    ]


def typed_rest(form: FormView, used: str) -> FormView:
    """Return what was typed for other actions than the one that was just carried out."""
    return FormView({name: form.value(name) for name in FIELDS if name != used and form.value(name).strip()})
