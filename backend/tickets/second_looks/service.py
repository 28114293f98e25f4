"""The verbs of a second look: the sender asks, a reviewer takes it or gives it back, the reviewer decides.

Each verb locks the ticket first and then the second look. The result is an event of the ticket, by ``tickets.service``.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from backend import audit
from backend.errors import Conflict, DomainError, Invalid, NotFound, _
from backend.files.text import clean_text
from backend.tickets import service as tickets
from backend.tickets.checks.action_request import policy_subject
from backend.tickets.dossier import read_dossier
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket, TicketMessage, TicketState
from backend.tickets.second_looks import look_terms
from backend.tickets.second_looks.asking import check_asking
from backend.tickets.second_looks.look_events import LookEvent
from backend.tickets.second_looks.models import LookResult, LookStage, SecondLook, text_digest
from backend.tickets.second_looks.reviewers import check_reviewer
from backend.tickets.senders.sender_messages import put_to_sender
from backend.users.policy import SENDER, SYSTEM, Actor
from backend.worktime.calendar import local_time

ASKED_TEMPLATE: Final = LookEvent.ASKED.value
RESULT_EVENTS: Final = {
    LookResult.UPHELD: Event.SECOND_LOOK_UPHELD,
    LookResult.CORRECTED: Event.SECOND_LOOK_CORRECTED,
    LookResult.SENT_BACK: Event.SECOND_LOOK_SENT_BACK,
}


@dataclass(frozen=True)
class LookDecision:
    """What the reviewer decides, and the letter that the sender and the unit read."""

    result: LookResult | None
    letter: str


def ask_second_look(session: Session, ticket_id: int, reason: str, *, now: datetime) -> SecondLook:
    """Ask for a second look on behalf of the sender of a ticket.

    Raises Invalid at the field ``text``, and Conflict where it cannot be asked for now (see ``asking.check_asking``).
    """
    try:
        return _ask(session, ticket_id, reason, now)
    except DomainError as refusal:
        audit.record_refusal(SENDER.key, f"refused:{LookEvent.ASKED}", ticket_id, str(refusal.status), now)
        raise


def _ask(session: Session, ticket_id: int, reason: str, now: datetime) -> SecondLook:
    ticket = _lock_ticket(session, ticket_id)
    dossier = read_dossier(session, ticket, now)
    check_asking(dossier)
    body = clean_text(reason, limit=tickets.TEXT_MOST, multiline=True, field="text")
    if not body:
        raise Invalid(_("Xin ghi vì sao bạn không đồng ý với kết quả."), field="text")
    clock = look_terms.new_clock(session, ticket, dossier.at)
    due = clock.term.due()
    look = SecondLook(
        ticket_id=ticket.id,
        unit_id=_answering_unit(session, ticket),
        hidden_unit_id=policy_subject(ticket).hidden_from,
        stage=LookStage.ASKED,
        reason=body,
        asked_at=dossier.at,
        asked_on=local_time(dossier.at).date(),
        term=clock.rule.value,
        rule_id=clock.rule.id,
        calendar_id=clock.calendar_id,
        due_date=due.on,
        due_estimated=due.estimate,
        remind_at=dossier.at,
    )
    session.add(look)
    session.flush()
    _record(session, look, LookEvent.ASKED, SENDER, dossier.at, _asking_notes(look), first=True)
    occasion = audit.look_chain(look.id)
    put_to_sender(session, ASKED_TEMPLATE, ticket_id=ticket.id, occasion=f"{occasion}:asked", now=dossier.at)
    return look


def _asking_notes(look: SecondLook) -> dict[str, Any]:
    notes = {
        "ticket": look.ticket_id,
        "unit": look.unit_id,
        "hidden": look.hidden_unit_id,
        "reason": text_digest(look.reason),
        "term": look.term,
        "rule": look.rule_id,
        "calendar": look.calendar_id,
        "due": look.due_date.isoformat(),
    }
    return {name: value for name, value in notes.items() if value is not None}


def take_look(session: Session, look_id: int, actor: Actor, *, now: datetime) -> SecondLook:
    """Take a second look, so that one person decides it. Raises what ``check_reviewer`` raises, and Conflict."""
    look = _lock_look(session, look_id)
    check_reviewer(session, actor, look)
    if look.stage is LookStage.DECIDED:
        raise Conflict(_("Yêu cầu này đã có kết quả."))
    if look.stage is LookStage.TAKEN:
        raise Conflict(_("Người khác đang xem lại phản ánh này."))
    look.stage, look.reviewer_id, look.taken_at = LookStage.TAKEN, actor.user_id, now
    _record(session, look, LookEvent.TAKEN, actor, now)
    return look


def give_back_look(session: Session, look_id: int, actor: Actor, *, now: datetime) -> SecondLook:
    """Give a second look back, so that somebody else can take it."""
    look = _lock_look(session, look_id)
    _check_taken_by(session, look, actor)
    look.stage, look.reviewer_id, look.taken_at = LookStage.ASKED, None, None
    look.remind_at = now
    _record(session, look, LookEvent.GIVEN_BACK, actor, now)
    return look


def decide_look(session: Session, look_id: int, actor: Actor, decision: LookDecision, *, now: datetime) -> SecondLook:
    """Decide a second look: the ticket gets the result as an event, its sender and its unit read the letter.

    Raises Invalid at the fields ``result`` and ``text``.
    """
    look = _lock_look(session, look_id)
    _check_taken_by(session, look, actor)
    result = _checked_result(look.ticket, decision.result)
    event = RESULT_EVENTS[result]
    request = tickets.ActionRequest(event, decision.letter, look_id=look.id)
    tickets.apply(session, look.ticket_id, request, SYSTEM, now=now)
    letter = _letter_of(session, look, event)
    verdict, late_days = look_terms.judge(look, now)
    look.stage, look.result, look.decided_at = LookStage.DECIDED, result, now
    look.message_id, look.verdict, look.late_days, look.remind_at = letter.id, verdict, late_days, None
    notes = {"result": result.value, "message": letter.id, "letter": letter.digest().hex()}
    notes |= {"verdict": verdict.value, "late_days": late_days}
    _record(session, look, LookEvent.DECIDED, actor, now, notes)
    return look


def _checked_result(ticket: Ticket, result: LookResult | None) -> LookResult:
    if result is None:
        raise Invalid(_("Xin chọn kết quả xem lại."), field="result")
    if result is LookResult.CORRECTED and ticket.state is TicketState.REFUSED:
        sentence = _("Việc từ chối tiếp nhận thì giữ nguyên, hoặc trả về để cơ quan tiếp nhận; chưa có gì để sửa.")
        raise Invalid(sentence, field="result")
    return result


def _check_taken_by(session: Session, look: SecondLook, actor: Actor) -> None:
    """Refuse whoever may not review, and whoever has not taken the second look."""
    check_reviewer(session, actor, look)
    if look.stage is LookStage.DECIDED:
        raise Conflict(_("Yêu cầu này đã có kết quả."))
    if look.reviewer_id != actor.user_id:
        raise Conflict(_("Xin nhận xem lại trước khi ghi kết quả."))


def _letter_of(session: Session, look: SecondLook, event: Event) -> TicketMessage:
    """Return the text that the ticket has just stored with the result."""
    chain = audit.ticket_chain(look.ticket_id)
    entry = [entry for entry in audit.list_entries(session, chain) if entry.action == event][-1]
    return session.get_one(TicketMessage, entry.data["message"])


def _answering_unit(session: Session, ticket: Ticket) -> int:
    """Return the unit whose decision is looked at; for a merged ticket the unit of the common answer."""
    if ticket.merged_into_id is None:
        return ticket.unit_id
    return session.get_one(Ticket, ticket.merged_into_id).unit_id


def _lock_ticket(session: Session, ticket_id: int) -> Ticket:
    statement = select(Ticket).where(Ticket.id == ticket_id).options(joinedload(Ticket.category, innerjoin=True))
    statement = statement.with_for_update(of=Ticket).execution_options(populate_existing=True)
    ticket = session.scalar(statement)
    if ticket is None:
        raise NotFound
    return ticket


def _lock_look(session: Session, look_id: int) -> SecondLook:
    """Lock the ticket of a second look and then the second look. Raises NotFound."""
    ticket_id = session.scalar(select(SecondLook.ticket_id).where(SecondLook.id == look_id))
    if ticket_id is None:
        raise NotFound
    _lock_ticket(session, ticket_id)
    statement = select(SecondLook).where(SecondLook.id == look_id).options(joinedload(SecondLook.ticket))
    statement = statement.with_for_update(of=SecondLook).execution_options(populate_existing=True)
    return session.scalars(statement).one()


def _record(
    session: Session,
    look: SecondLook,
    event: LookEvent,
    actor: Actor,
    now: datetime,
    notes: dict[str, Any] | None = None,
    *,
    first: bool = False,
) -> None:
    chain = audit.look_chain(look.id)
    audit.record(session, chain, event, actor=actor.key, now=now, data=notes, first=first)
    session.flush()
