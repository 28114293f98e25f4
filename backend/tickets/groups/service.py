"""Verbs of groups: put tickets together, act on all of them, take some out, undo the whole group; and merge by picking.

Every change of a ticket goes through ``tickets.service.apply``. A group is a link: it moves no clock and no state.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from backend.db import AdvisoryLock, hold_lock
from backend.deadlines import limits
from backend.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, _
from backend.files.text import clean_text
from backend.tickets.answers.outcomes import NO_CONTENT, NO_REFERENCE, AnswerContent, EarlierReference
from backend.tickets.checks.action_request import ActionRequest, policy_subject
from backend.tickets.groups.models import GroupNews, GroupStep, MatterGroup
from backend.tickets.groups.picks import PickResult, PicksRefused, TicketPick, check_all, lock_picks, try_each
from backend.tickets.groups.shared_answers import answer_text
from backend.tickets.lifecycle import TRANSITIONS, Event
from backend.tickets.models import Ticket
from backend.tickets.service import apply
from backend.users.policy import Actor, Permission, PolicySubject, can

TITLE_MOST = 200


@dataclass(frozen=True)
class GroupAction:
    """One event for many members. ``mention``: an answer says that others reported the same.

    ``answer``, ``until``, ``ground`` and ``earlier`` say what an answer or a draft names (see ``ActionRequest``).
    """

    event: Event
    text: str = ""
    mention: bool = False
    answer: AnswerContent = NO_CONTENT
    until: date | None = None
    ground: str = ""
    earlier: EarlierReference = NO_REFERENCE

    def request(self, event: Event, text: str) -> ActionRequest:
        """Return what each member is asked for."""
        return ActionRequest(
            event, text, until=self.until, ground=self.ground, answer=self.answer, earlier=self.earlier
        )


def group_subject(group: MatterGroup) -> PolicySubject:
    """Return what the policy asks about a group: the same as about each of its tickets."""
    return PolicySubject(group.unit_id, group.hidden_from_id)


def form_group(
    session: Session, picks: Sequence[TicketPick], title: str, actor: Actor, *, now: datetime
) -> MatterGroup:  # fmt: skip
    """Put the picked tickets into a new group, all of them or none. The actor becomes its officer.

    Raises Invalid for too few or too many picks, and PicksRefused with the reason of each ticket.
    """
    _check_number(picks)
    versions = lock_picks(session, picks)
    first = _first_ticket(session, picks[0], actor)
    name = clean_text(title, limit=TITLE_MOST, field="title") or first.title
    group = MatterGroup(
        title=name,
        unit_id=first.unit_id,
        hidden_from_id=policy_subject(first).hidden_from,
        officer_id=actor.user_id,
        created_at=now,
    )
    session.add(group)
    session.flush()
    check_all(_group_each(session, group, versions, actor, now))
    return group


def add_members(
    session: Session, group_id: int, picks: Sequence[TicketPick], actor: Actor, *, now: datetime
) -> MatterGroup:  # fmt: skip
    """Put more tickets into a group, all of them or none."""
    if not picks:
        raise Invalid(_("Xin chọn ít nhất một phản ánh."), field="pick")
    group = lock_group(session, group_id, actor)
    check_all(_group_each(session, group, lock_picks(session, picks), actor, now))
    return group


def take_out(
    session: Session, group_id: int, picks: Sequence[TicketPick], reason: str, actor: Actor, *, now: datetime
) -> list[PickResult]:
    """Take members out of a group, with the reason that the history keeps. Returns the result of each."""
    return act_on_members(session, group_id, picks, GroupAction(Event.UNGROUPED, reason), actor, now=now)


def undo_group(session: Session, group_id: int, reason: str, actor: Actor, *, now: datetime) -> MatterGroup:
    """Take every member out and end the group. Answers that were given stay as they are."""
    group = lock_group(session, group_id, actor)
    if not reason.strip():
        raise Invalid(_("Xin ghi nội dung."), field="text")
    hold_lock(session, AdvisoryLock.MERGE)
    members = select(Ticket.id).where(Ticket.group_id == group.id).order_by(Ticket.id).with_for_update()
    for ticket_id in session.scalars(members).all():
        apply(session, ticket_id, ActionRequest(Event.UNGROUPED, reason), actor, now=now)
    group.ended_at = now
    session.flush()
    return group


def act_on_members(
    session: Session,
    group_id: int,
    picks: Sequence[TicketPick],
    action: GroupAction,
    actor: Actor,
    *,
    now: datetime,
) -> list[PickResult]:
    """Let one event happen to each picked member. Returns the result of each, in order of ids.

    The rest goes on where one member refuses. Where every member refuses, nothing is written, and the first refusal is
    raised. A new ticket is accepted first where the event needs that.
    """
    if not picks:
        raise Invalid(_("Xin chọn ít nhất một phản ánh."), field="pick")
    group = lock_group(session, group_id, actor)
    versions = lock_picks(session, picks)
    others = (session.scalar(select(func.count()).where(Ticket.group_id == group.id)) or 1) - 1
    member = MemberAct(session, group, action, others, actor, now)
    results = try_each(session, versions, lambda ticket_id: member.act(ticket_id, versions[ticket_id]))
    if refusal := _refusal_of_all(results):
        raise refusal
    session.add(_note_step(group, action.event, results, actor, now))
    session.flush()
    return results


def merge_picks(
    session: Session, into_id: int, picks: Sequence[TicketPick], reason: str, actor: Actor, *, now: datetime
) -> Ticket:
    """Merge the picked tickets into another one, all of them or none. Raises PicksRefused with each reason."""
    if not picks:
        raise Invalid(_("Xin chọn ít nhất một phản ánh để gộp."), field="pick")
    if not clean_text(reason, limit=TITLE_MOST * 50, multiline=True, field="text"):
        raise Invalid(_("Xin ghi nội dung."), field="text")
    hold_lock(session, AdvisoryLock.MERGE)
    session.execute(select(Ticket.id).where(Ticket.id == into_id).with_for_update())
    versions = lock_picks(session, [pick for pick in picks if pick.ticket_id != into_id])
    request = ActionRequest(Event.MERGED, reason, into_id=into_id)
    check_all(
        try_each(
            session,
            versions,
            lambda ticket_id: apply(session, ticket_id, request, actor, now=now, version=versions[ticket_id]),
        )
    )
    return session.get_one(Ticket, into_id)


def become_officer(session: Session, group_id: int, actor: Actor) -> None:
    """Let the actor be the one who hears what the senders of the group add."""
    if actor.user_id is not None:
        lock_group(session, group_id, actor).officer_id = actor.user_id


def mark_read(session: Session, group_id: int, actor: Actor, upto: int) -> None:
    """Mark the news of a group as read, up to the last one that the page showed."""
    group = lock_group(session, group_id, actor)
    latest = session.scalar(select(func.max(GroupNews.id)).where(GroupNews.group_id == group.id)) or 0
    group.read_upto = max(group.read_upto, min(upto, latest))


def lock_group(session: Session, group_id: int, actor: Actor) -> MatterGroup:
    """Lock a group that the actor may change. Raises NotFound, Forbidden, and Conflict for a group that was undone.

    The lock leaves its key free, so a sender's news about a member never waits for it.
    """
    statement = select(MatterGroup).where(MatterGroup.id == group_id).with_for_update(key_share=True)
    group = session.scalar(statement.execution_options(populate_existing=True))
    if group is None or not can(actor, Permission.VIEW_TICKET, group_subject(group)):
        raise NotFound(_("Không tìm thấy nhóm phản ánh này."))
    if not can(actor, Permission.MERGE_TICKET, group_subject(group)):
        raise Forbidden
    if group.ended_at is not None:
        raise Conflict(_("Nhóm này đã được bỏ. Xin lập nhóm khác."))
    return group


def events_before(ticket: Ticket, event: Event) -> list[Event]:
    """Return the events that lead a member to ``event``: a new ticket is accepted first where the event needs that."""
    moves, accepting = TRANSITIONS[event], TRANSITIONS[Event.ACCEPTED]
    if any(ticket.state in move.origins for move in moves):
        return [event]
    return [Event.ACCEPTED, event] if any(ticket.state in move.origins for move in accepting) else [event]


@dataclass(frozen=True)
class MemberAct:
    """What happens to one member after another: the events of ``action``, in a transaction that holds the locks."""

    session: Session
    group: MatterGroup
    action: GroupAction
    others: int
    actor: Actor
    now: datetime

    def act(self, ticket_id: int, version: int) -> None:
        """Apply the events to a member that is still as the page showed it. Raises what ``apply`` refuses."""
        ticket = self.session.get_one(Ticket, ticket_id, populate_existing=True)
        if ticket.group_id != self.group.id:
            raise Conflict(_("Phản ánh này không còn trong nhóm."))
        text = self._text(ticket)
        *steps, last = events_before(ticket, self.action.event)
        for event in steps:
            version = self._apply(ticket, ActionRequest(event), version)
        self._apply(ticket, self.action.request(last, text), version)

    def _apply(self, ticket: Ticket, request: ActionRequest, version: int) -> int:
        return apply(self.session, ticket.id, request, self.actor, now=self.now, version=version).version

    def _text(self, ticket: Ticket) -> str:
        if self.action.event is not Event.ANSWERED or not self.action.mention:
            return self.action.text
        return answer_text(self.action.text, self.others, ticket.language)


def _check_number(picks: Sequence[TicketPick]) -> None:
    if len(picks) < limits.GROUP_LEAST:
        raise Invalid(_("Một nhóm cần ít nhất %(least)s phản ánh."), field="pick", least=limits.GROUP_LEAST)
    if len(picks) > limits.GROUP_MOST:
        message = _("Một nhóm có nhiều nhất %(most)s phản ánh. Xin lập thêm nhóm khác.")
        raise Invalid(message, field="pick", most=limits.GROUP_MOST)


def _first_ticket(session: Session, pick: TicketPick, actor: Actor) -> Ticket:
    """Return the ticket that decides unit and scope of a new group."""
    statement = select(Ticket).where(Ticket.id == pick.ticket_id).options(joinedload(Ticket.category))
    ticket = session.scalar(statement.execution_options(populate_existing=True))
    if ticket is None or not can(actor, Permission.VIEW_TICKET, policy_subject(ticket)):
        raise NotFound
    if not can(actor, Permission.MERGE_TICKET, policy_subject(ticket)):
        raise Forbidden
    return ticket


def _group_each(
    session: Session, group: MatterGroup, versions: Mapping[int, int], actor: Actor, now: datetime
) -> list[PickResult]:
    """Put each ticket into the group. All must succeed, so the caller raises where one did not."""
    request = ActionRequest(Event.GROUPED, group_id=group.id)
    return try_each(
        session,
        versions,
        lambda ticket_id: apply(session, ticket_id, request, actor, now=now, version=versions[ticket_id]),
    )


def _refusal_of_all(results: Sequence[PickResult]) -> DomainError | None:
    """Return the refusal to raise where every ticket refused: its own where they all say the same."""
    refusals = [result.refusal for result in results if result.refusal is not None]
    if len(refusals) < len(results):
        return None
    same = len({(str(refusal), type(refusal)) for refusal in refusals}) == 1
    return refusals[0] if same else PicksRefused(results)


def _note_step(
    group: MatterGroup, event: Event, results: Sequence[PickResult], actor: Actor, now: datetime
) -> GroupStep:
    """Return the note of what an action came to for each ticket, so that the page can tell it row by row."""
    return GroupStep(
        group_id=group.id, event=event.value, at=now, user_id=actor.user_id, results=[_result_row(r) for r in results]
    )


def _result_row(result: PickResult) -> dict[str, Any]:
    if result.refusal is None:
        return {"ticket": result.ticket_id}
    params = {name: str(value) for name, value in result.refusal.params.items()}
    return {"ticket": result.ticket_id, "why": result.refusal.message, "params": params}
