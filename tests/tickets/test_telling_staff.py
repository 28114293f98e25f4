"""Whom an event tells: by the table, by the policy, by what each person chose, and never its own author."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import event as sql_event
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend import audit
from backend.tickets import service as tickets
from backend.tickets.checks.action_request import policy_subject
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket
from backend.tickets.notices import queries, service
from backend.tickets.notices.audience import NOTICE_RULES, kind_of, kinds_for, notice_rule
from backend.tickets.notices.event_notices import tell_of_entry
from backend.tickets.notices.kinds import DEFAULTS, WAYS, NoticeKind, NoticeWay
from backend.tickets.notices.models import StaffNotice
from backend.tickets.notices.texts import KIND_NAMES, WAY_NAMES, notice_title
from backend.users.models import Role, User
from backend.users.policy import SENDER, Actor, Permission, PolicySubject, can
from tests.factories import World, actor_for, usual_notes

People = dict[str, User]


@pytest.fixture
def people(world: World) -> People:
    other = world.unit("LC-SYT")
    return {
        "officer": world.user(),
        "second officer": world.user(),
        "leader": world.user(Role.LEADER),
        "officer elsewhere": world.user(Role.OFFICER, other),
        "leader elsewhere": world.user(Role.LEADER, other),
        "coordinator": world.user(Role.COORDINATOR),
        "manager": world.user(Role.MANAGER),
    }


def told(session: Session, people: People, code: str) -> set[str]:
    """The names of those who have a notice with this code."""
    ids = set(session.scalars(select(StaffNotice.user_id).where(StaffNotice.code == code)))
    return {name for name, user in people.items() if user.id in ids}


def asked(session: Session, ticket: Ticket, event: Event, who: User | Actor, now: datetime, **more: object) -> None:
    actor = actor_for(who) if isinstance(who, User) else who
    request = tickets.ActionRequest(event, text="Nội dung thử.", **usual_notes(event) | more)
    tickets.apply(session, ticket.id, request, actor, now=now)


def test_reception_writes_no_notice_and_is_counted_for_the_unit_alone(
    session: Session, world: World, now: datetime, people: People
) -> None:
    for _n in range(3):
        world.receive(now)
    assert session.scalar(select(func.count()).select_from(StaffNotice)) == 0
    numbers = {name: queries.count_unread(session, actor_for(user)) for name, user in people.items()}
    assert numbers["officer"] == numbers["leader"] == 3
    assert numbers["officer elsewhere"] == numbers["coordinator"] == numbers["manager"] == 0


def test_seen_new_tickets_are_counted_no_more_and_later_ones_are(
    session: Session, world: World, now: datetime, people: People
) -> None:
    officer = actor_for(people["officer"])
    first, _secret = world.receive(now)
    service.mark_arrivals_seen(session, officer.user_id, first.id)
    assert queries.count_unread(session, officer) == 0
    world.receive(now)
    service.mark_arrivals_seen(session, officer.user_id, first.id - 1)  # an older page says so: it changes nothing
    assert queries.count_unread(session, officer) == 1
    assert queries.count_unread(session, actor_for(people["leader"])) == 2


def test_a_forwarded_ticket_tells_the_unit_that_gets_it_and_is_counted_once(
    session: Session, world: World, now: datetime, people: People
) -> None:
    ticket, _secret = world.receive(now)
    asked(session, ticket, Event.FORWARDED, people["officer"], now, to_unit_id=world.unit("LC-SYT").id)
    assert told(session, people, Event.FORWARDED) == {"officer elsewhere", "leader elsewhere"}
    assert queries.count_unread(session, actor_for(people["officer elsewhere"])) == 1
    assert queries.count_unread(session, actor_for(people["officer"])) == 0


def test_a_ticket_that_was_forwarded_away_is_neither_counted_nor_listed(
    session: Session, world: World, now: datetime, people: People
) -> None:
    ticket, _secret = world.receive(now)
    asked(session, ticket, Event.ASSIGNED, people["leader"], now, to_user_id=people["officer"].id)
    officer = actor_for(people["officer"])
    assert queries.count_unread(session, officer) == 1
    asked(session, ticket, Event.FORWARDED, people["leader"], now, to_unit_id=world.unit("LC-SYT").id)
    assert queries.count_unread(session, officer) == 0
    assert queries.list_notices(session, officer).notices == []


def test_a_complaint_about_conduct_tells_nobody_of_the_unit_that_it_is_about(
    session: Session, world: World, now: datetime, people: People
) -> None:
    complaint, _secret = world.receive(now, category_code="attitude")
    subject = policy_subject(tickets._ticket(session, complaint.id, lock=False))
    occasion = service.NoticeOccasion("noted", 9, "system", now, complaint.id, subject, mentions=[people["officer"].id])
    service.tell_staff(session, occasion)
    assert told(session, people, "noted") == set()


def test_a_request_tells_the_leaders_and_its_decision_tells_who_asked(
    session: Session, world: World, now: datetime, people: People
) -> None:
    ticket, _secret = world.receive(now)
    asked(session, ticket, Event.ACCEPTED, people["officer"], now)
    asked(session, ticket, Event.EXTENSION_REQUESTED, people["officer"], now, more="3 working days")
    assert told(session, people, Event.EXTENSION_REQUESTED) == {"leader"}
    asked(session, ticket, Event.EXTENDED, people["leader"], now)
    assert told(session, people, Event.EXTENDED) == {"officer"}
    asked(session, ticket, Event.SUBMITTED_FOR_APPROVAL, people["second officer"], now)
    assert told(session, people, Event.SUBMITTED_FOR_APPROVAL) == {"leader"}
    asked(session, ticket, Event.RETURNED, people["leader"], now)
    assert told(session, people, Event.RETURNED) == {"second officer"}
    asked(session, ticket, Event.SUBMITTED_FOR_APPROVAL, people["officer"], now)
    asked(session, ticket, Event.ANSWERED, people["leader"], now)
    assert told(session, people, Event.ANSWERED) == {"officer"}


def test_an_answer_without_approval_tells_nobody(session: Session, world: World, now: datetime, people: People) -> None:
    ticket, _secret = world.receive(now)
    asked(session, ticket, Event.ACCEPTED, people["officer"], now)
    asked(session, ticket, Event.ANSWERED, people["officer"], now)
    assert session.scalar(select(func.count()).select_from(StaffNotice)) == 0


def test_nobody_hears_of_their_own_request(session: Session, world: World, now: datetime, people: People) -> None:
    ticket, _secret = world.receive(now)
    asked(session, ticket, Event.ACCEPTED, people["leader"], now)
    asked(session, ticket, Event.EXTENSION_REQUESTED, people["leader"], now, more="3 working days")
    assert told(session, people, Event.EXTENSION_REQUESTED) == set()


def test_a_reply_tells_the_assigned_officer_alone_or_every_officer(
    session: Session, world: World, now: datetime, people: People
) -> None:
    ticket, _secret = world.receive(now)
    asked(session, ticket, Event.INFO_REQUESTED, people["officer"], now)
    asked(session, ticket, Event.INFO_RECEIVED, SENDER, now)
    assert told(session, people, Event.INFO_RECEIVED) == {"officer", "second officer"}
    assigned, _secret = world.receive(now)
    asked(session, assigned, Event.ASSIGNED, people["leader"], now, to_user_id=people["officer"].id)
    asked(session, assigned, Event.INFO_REQUESTED, people["officer"], now)
    asked(session, assigned, Event.INFO_RECEIVED, SENDER, now)
    rows = session.scalars(select(StaffNotice.user_id).where(StaffNotice.ticket_id == assigned.id))
    assert list(rows) == [people["officer"].id, people["officer"].id]  # assigned, replied


def test_a_reply_tells_every_officer_where_the_assigned_one_has_left(
    session: Session, world: World, now: datetime, people: People
) -> None:
    ticket, _secret = world.receive(now)
    asked(session, ticket, Event.ASSIGNED, people["leader"], now, to_user_id=people["officer"].id)
    people["officer"].active = False
    session.flush()
    asked(session, ticket, Event.INFO_REQUESTED, people["leader"], now)
    asked(session, ticket, Event.INFO_RECEIVED, SENDER, now)
    assert told(session, people, Event.INFO_RECEIVED) == {"second officer"}


def test_a_disputed_pause_tells_who_judges_it_and_its_judgement_the_officers(
    session: Session, world: World, now: datetime, people: People
) -> None:
    ticket, _secret = world.receive(now)
    asked(session, ticket, Event.INFO_REQUESTED, people["officer"], now)
    asked(session, ticket, Event.PAUSE_DISPUTED, SENDER, now)
    assert told(session, people, Event.PAUSE_DISPUTED) == {"coordinator"}
    asked(session, ticket, Event.PAUSE_JUDGED, people["coordinator"], now, stands=True)
    assert told(session, people, Event.PAUSE_JUDGED) == {"officer", "second officer"}


def test_a_disputed_answer_tells_officers_and_leader(
    session: Session, world: World, now: datetime, people: People
) -> None:
    ticket, _secret = world.answered(now - timedelta(days=1), now)
    asked(session, ticket, Event.NOTIFIED, SENDER, now)
    asked(session, ticket, Event.DISPUTED, SENDER, now)
    assert told(session, people, Event.DISPUTED) == {"officer", "second officer", "leader"}


def test_a_note_tells_those_it_mentions_who_may_see_the_ticket(
    session: Session, world: World, now: datetime, people: People
) -> None:
    ticket, _secret = world.receive(now)
    mentions = [user.id for user in people.values()]
    seen = tickets._ticket(session, ticket.id, lock=False)
    author = audit.user_key(people["leader"].id)
    for _again in range(2):
        tell_of_entry(session, seen, "noted", 2, actor=author, now=now, data={"mentions": mentions})
    assert told(session, people, "noted") == {"officer", "second officer", "coordinator"}
    assert session.scalar(select(func.count()).select_from(StaffNotice)) == 3


def test_an_event_of_a_second_look_tells_those_who_judge(
    session: Session, world: World, now: datetime, people: People
) -> None:
    ticket, _secret = world.receive(now)
    seen = tickets._ticket(session, ticket.id, lock=False)
    tell_of_entry(session, seen, "second_look_asked", 2, actor="sender", now=now, data={})
    assert told(session, people, "second_look_asked") == {"coordinator"}


def test_a_choice_decides_how_a_person_gets_a_kind(
    session: Session, world: World, now: datetime, people: People
) -> None:
    service.choose_ways(session, people["leader"].id, {NoticeKind.EXTENSION: NoticeWay.OFF})
    service.choose_ways(session, people["leader"].id, {NoticeKind.APPROVAL: NoticeWay.BELL})
    ticket, _secret = world.receive(now)
    asked(session, ticket, Event.ACCEPTED, people["officer"], now)
    asked(session, ticket, Event.EXTENSION_REQUESTED, people["officer"], now, more="3 working days")
    asked(session, ticket, Event.SUBMITTED_FOR_APPROVAL, people["officer"], now)
    rows = session.execute(select(StaffNotice.code, StaffNotice.way)).all()
    assert rows == [(Event.SUBMITTED_FOR_APPROVAL, NoticeWay.BELL)]


@pytest.mark.parametrize(("days", "way"), [(25, NoticeWay.AT_ONCE), (0, NoticeWay.GATHERED)])
def test_a_request_near_the_due_date_is_told_at_once(
    session: Session, world: World, now: datetime, people: People, days: int, way: NoticeWay
) -> None:
    ticket, _secret = world.receive(now - timedelta(days=days))
    ticket = tickets._ticket(session, ticket.id, lock=False)
    at = now - timedelta(days=days) if not days else _last_day(ticket)
    asked(session, ticket, Event.ACCEPTED, people["officer"], at)
    asked(session, ticket, Event.EXTENSION_REQUESTED, people["officer"], at, more="3 working days")
    assert session.scalars(select(StaffNotice.way)).all() == [way]


def _last_day(ticket: Ticket) -> datetime:
    return datetime.combine(ticket.due_date, ticket.received_at.timetz()).replace(hour=2)


def test_an_event_costs_one_statement_for_all_whom_it_tells(
    session: Session, world: World, now: datetime, people: People
) -> None:
    ticket, _secret = world.receive(now)
    written: list[str] = []
    sql_event.listen(session.get_bind(), "before_cursor_execute", lambda *args: written.append(args[2]))
    asked(session, ticket, Event.INFO_REQUESTED, people["officer"], now)
    assert not [sql for sql in written if "staff_notices" in sql]
    asked(session, ticket, Event.INFO_RECEIVED, SENDER, now)
    assert len([sql for sql in written if "staff_notices" in sql]) == 1


@pytest.mark.parametrize("permission", sorted({rule.permission for rule in NOTICE_RULES.values()}))
def test_the_condition_on_accounts_is_the_policy(
    session: Session, world: World, people: People, permission: Permission
) -> None:
    own, other = world.unit().id, world.unit("LC-SYT").id
    for subject in (PolicySubject(own), PolicySubject(own, hidden_from=other), PolicySubject(other, hidden_from=own)):
        chosen = set(
            session.scalars(select(User.id).where(service.may(permission, subject.unit_id, subject.hidden_from)))
        )
        assert chosen == {user.id for user in people.values() if can(actor_for(user), permission, subject)}


def test_every_row_has_its_words_and_every_kind_its_ways() -> None:
    for action in (*NOTICE_RULES, "second_look_asked"):
        assert notice_rule(action) is not None and notice_title(action) != action
    assert kind_of("overdue") is NoticeKind.REMINDER
    assert set(KIND_NAMES) == set(WAYS) == set(DEFAULTS) == set(NoticeKind) and set(WAY_NAMES) == set(NoticeWay)
    assert all(DEFAULTS[kind] in ways for kind, ways in WAYS.items())


def test_a_role_chooses_among_the_kinds_that_can_concern_it() -> None:
    assert NoticeKind.SECOND_LOOK in kinds_for(Role.OFFICER), "the unit hears of the result"
    assert {NoticeKind.NEW, NoticeKind.REPLY, NoticeKind.MENTION, NoticeKind.REMINDER} <= set(kinds_for(Role.OFFICER))
    assert kinds_for(Role.MANAGER) == (NoticeKind.REMINDER,)
    assert kinds_for(Role.ADMINISTRATOR) == kinds_for(Role.SURVEY) == ()


def test_old_notices_are_removed_and_newer_ones_stay(
    session: Session, world: World, now: datetime, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "PRUNED_TOGETHER", 2)
    for days in (120, 110, 100, 1):
        ticket, _secret = world.receive(now - timedelta(days=days))
        officer = people["officer"].id
        asked(session, ticket, Event.ASSIGNED, people["leader"], now - timedelta(days=days), to_user_id=officer)
    assert service.prune_notices(now) == 3
    assert session.scalar(select(func.count()).select_from(StaffNotice)) == 1
