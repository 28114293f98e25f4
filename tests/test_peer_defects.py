"""What comparable systems got wrong, each by name: it must not happen here. Where a defect is about a feature that is
tested at length elsewhere, the test here is the one sentence of it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import get_args, get_type_hints

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from analytics.operations import wilson_interval
from backend.attachments import queries as attachments
from backend.attachments import service as photos
from backend.calendars import moves
from backend.calendars.service import RECOUNT
from backend.errors import Conflict
from backend.escalation import digest
from backend.escalation import service as escalation
from backend.escalation.models import StaffNotice
from backend.jobs.service import ask_job
from backend.notify import service as delivery
from backend.notify.composition import compose_message
from backend.outbox.models import OutboxMessage
from backend.ratings import service as ratings
from backend.tickets import service
from backend.tickets.lifecycle import Event
from backend.tickets.models import Channel, Ticket, TicketState
from backend.tickets.reception import receipts
from backend.users.models import Role
from backend.users.policy import Actor
from backend.worktime import service as worktime
from backend.worktime.arithmetic import due_moment
from backend.worktime.calendar import ZONE, DayException, WorkCalendar
from backend.worktime.document import to_document
from backend.worktime.duration import Duration, TimeUnit
from backend.worktime.models import CalendarVersion
from backend.worktime.shipped import shipped_calendar
from tests.factories import SENDER, World
from tests.photos import picture
from tests.signing_in import sign_in

MONDAY = datetime(2026, 11, 2, 9, 0, tzinfo=ZONE)
DAY = timedelta(days=1)
WEEK = ("7:30-11:30", "13:30-17:00")
GOOD = ratings.RatingScores(5, 5, 5)


@pytest.fixture
def officer(world: World) -> Actor:
    return world.actor(Role.OFFICER)


def merge(session: Session, ticket: Ticket, into: Ticket, actor: Actor, now: datetime) -> None:
    change = service.ActionRequest(Event.MERGED, text="Cùng một việc.", into_id=into.id)
    service.apply(session, ticket.id, change, actor, now=now)


class TestFrappeHelpdesk:
    def test_merging_keeps_every_attachment_and_not_only_the_first(
        self, session: Session, world: World, officer: Actor
    ) -> None:
        one, other = (world.receive(MONDAY, email=f"{name}@example.vn")[0] for name in "ab")
        for ticket in (one, other):
            for width in (60, 61, 62):
                photos.store_photo(session, ticket.id, picture(size=(width, 40)), MONDAY)
        merge(session, one, other, officer, MONDAY)
        assert [len(attachments.of_ticket(session, ticket.id)) for ticket in (one, other)] == [3, 3]

    def test_hours_of_work_know_the_holidays(self) -> None:
        holiday = datetime(2026, 11, 24, 9, 0, tzinfo=ZONE)
        hour = Duration(1, TimeUnit.WORKING_HOURS)
        assert not shipped_calendar("vn").windows(holiday.toordinal())
        assert due_moment(shipped_calendar("vn"), hour, holiday).at == datetime(2026, 11, 25, 8, 30, tzinfo=ZONE)

    def test_two_tickets_cannot_be_merged_into_each_other(self, session: Session, world: World, officer: Actor) -> None:
        one, other = (world.receive(MONDAY, email=f"{name}@example.vn")[0] for name in "ab")
        merge(session, one, other, officer, MONDAY)
        with pytest.raises(Conflict):
            merge(session, other, one, officer, MONDAY)


class TestDjangoHelpdesk:
    def test_leaving_out_weekends_makes_nothing_due_earlier(self) -> None:
        every_day = WorkCalendar.declare("all", "1", week=dict.fromkeys(range(7), WEEK), years={2026: True})
        term = Duration(5, TimeUnit.WORKING_DAYS)
        for day in range(14):
            received = MONDAY + day * DAY
            assert (
                due_moment(shipped_calendar("weekdays"), term, received).at >= due_moment(every_day, term, received).at
            )

    def test_looking_at_a_ticket_changes_nothing(
        self, client: TestClient, session: Session, world: World, now: datetime
    ) -> None:
        ticket, secret = world.answered(now - 5 * DAY, now - DAY)
        version = ticket.version
        sign_in(client, world.user())
        paths = ["", "/tra-loi", "/dong", "/close", "?close", "?rate=1", "/danh-gia?ease=1"]
        for path in paths:
            client.get(f"/hop-thu/{ticket.number}{path}")
            client.get(f"/theo-doi/phan-anh{path}")
        client.get(f"/theo-doi?so={ticket.number}&secret={secret}")
        session.refresh(ticket)
        assert (ticket.version, ticket.told_at, ticket.state) == (version, None, TicketState.ANSWERED)

    def test_no_message_that_leaves_carries_the_access_secret(self, session: Session, world: World) -> None:
        ticket, secret = world.answered(MONDAY, MONDAY + DAY)
        held = {secret, receipts.group_secret(secret), ticket.secret_hash.hex()}
        rows = session.scalars(select(OutboxMessage).where(OutboxMessage.ticket_id == ticket.id)).all()
        assert {row.template for row in rows} == {"received", "accepted", "answered"}
        for row in rows:
            sent = compose_message(session, row, MONDAY + DAY)
            assert not any(text in sent.subject + sent.body + sent.html for text in held)


def test_alaveteli_confidence_is_a_level_with_a_reference_value() -> None:
    """40 of 100: Wilson's interval at 95% is 30.94..49.80, not +-0.3 points; and 0.05 is refused as a level."""
    share = wilson_interval(40, 100, 0.95)
    assert (share.lo, share.hi) == pytest.approx((0.3094, 0.4980), abs=5e-5)
    with pytest.raises(ValueError):
        wilson_interval(40, 100, 0.05)


class TestZammad:
    def beat(self, now: datetime) -> None:
        escalation.sweep_tickets(now, lambda ids: escalation.decide_steps(ids, now))
        for user_id in digest.find_recipients(now):
            digest.collect_notices(user_id, now)

    def test_904_a_merged_ticket_no_longer_escalates(self, session: Session, world: World, officer: Actor) -> None:
        one, other = (world.receive(MONDAY, email=f"{name}@example.vn")[0] for name in "ab")
        world.user(Role.LEADER)
        merge(session, one, other, officer, MONDAY + DAY)
        for day in range(2, 40):
            self.beat(MONDAY + day * DAY)
        assert set(session.scalars(select(StaffNotice.ticket_id))) == {other.id}

    def test_534_and_4353_a_change_of_calendar_leaves_no_stale_escalation(self, session: Session, world: World) -> None:
        ticket = world.receive(MONDAY)[0]
        world.user(Role.LEADER)
        held = worktime.load_calendar(session, ticket.calendar_id)
        off = [DayException(date(2026, 11, day), is_open=False, name="Nghỉ") for day in range(16, 21)]
        days = tuple(sorted([*held.exceptions, *off], key=lambda item: item.day))
        document = to_document(replace(held, version="99", exceptions=days))
        row = CalendarVersion(
            code="vn", version=99, document=document, basis="Thử", created_at=MONDAY, activated_at=MONDAY
        )
        session.add(row)
        session.flush()
        job = ask_job(session, RECOUNT, str(row.id), now=MONDAY)
        moves.recount_tickets(job.id, lambda: MONDAY + DAY)
        session.refresh(ticket)
        assert ticket.due_date == date(2026, 12, 1)
        for day in range(1, 30):
            self.beat(MONDAY + day * DAY)
        assert not [code for code in session.scalars(select(StaffNotice.code)) if code.startswith("overdue")]
        self.beat(MONDAY + 30 * DAY)
        codes = set(session.scalars(select(StaffNotice.code)))
        assert codes & {"overdue", "backstop_warning"}, "one notice about both"

    def test_a_merge_can_be_undone(self, session: Session, world: World, officer: Actor) -> None:
        one, other = (world.receive(MONDAY, email=f"{name}@example.vn")[0] for name in "ab")
        merge(session, one, other, officer, MONDAY)
        assert world.happen(one, Event.UNMERGED, officer, MONDAY + DAY).state is TicketState.NEW


class TestChatwoot:
    def test_a_rating_is_given_once_and_cannot_be_rewritten(self, session: Session, world: World) -> None:
        ticket, _secret = world.answered(MONDAY, MONDAY + DAY)
        ratings.store_rating(session, ticket.id, GOOD, channel=Channel.WEB, now=MONDAY + DAY)
        with pytest.raises(Conflict):
            ratings.store_rating(
                session, ticket.id, ratings.RatingScores(1, 1, 1), channel=Channel.WEB, now=MONDAY + 2 * DAY
            )
        kept = ratings.find_rating(session, ticket.id, 1)
        assert kept is not None and kept.ease == 5

    def test_14872_a_rating_is_credited_to_the_unit_that_answered(
        self, session: Session, world: World, officer: Actor
    ) -> None:
        ticket, _secret = world.answered(MONDAY, MONDAY + DAY)
        answering = ticket.unit_id
        ratings.store_rating(session, ticket.id, GOOD, channel=Channel.WEB, now=MONDAY + DAY)
        world.happen(ticket, Event.DISPUTED, SENDER, MONDAY + 2 * DAY)
        forward = service.ActionRequest(Event.FORWARDED, text="Đúng việc của Sở.", to_unit_id=world.unit("LC-SXD").id)
        service.apply(session, ticket.id, forward, officer, now=MONDAY + 3 * DAY)
        kept = ratings.find_rating(session, ticket.id, 1)
        assert kept is not None and kept.unit_id == answering != ticket.unit_id


def test_digit_the_window_of_reopening_is_measured_by_our_clock(session: Session, world: World) -> None:
    """No caller can name the moment of an event: a change has no field for one."""
    assert not [
        name for name, hint in get_type_hints(service.ActionRequest).items() if datetime in (hint, *get_args(hint))
    ]
    ticket, _secret = world.answered(MONDAY, MONDAY + DAY)
    with pytest.raises(Conflict, match="Đã hết thời gian"):
        world.happen(ticket, Event.DISPUTED, SENDER, MONDAY + 33 * DAY)


class TestOsTicket:
    def test_two_shifts_of_a_day_do_not_collapse(self) -> None:
        four = Duration(4, TimeUnit.WORKING_HOURS)
        assert due_moment(shipped_calendar("vn"), four, MONDAY).at == datetime(2026, 11, 2, 15, 0, tzinfo=ZONE)

    def test_strikes_at_sign_in_are_not_kept_in_a_cookie(self, client: TestClient, world: World) -> None:
        user = world.user()
        answers = []
        for _ in range(12):
            client.cookies.clear()
            answers.append(client.post("/dang-nhap", data={"email": user.email, "password": "sai"}).status_code)
        assert answers[-1] == 429


class TestWhatUsersComplainOf:
    def test_reminders_never_come_at_midnight(self, session: Session, world: World) -> None:
        world.receive(MONDAY)
        world.user(Role.OFFICER)
        world.user(Role.LEADER)
        for moment in (MONDAY + timedelta(hours=hours) for hours in range(24 * 40)):
            if not 7 <= moment.hour < 17:
                TestZammad().beat(moment)
        assert session.scalars(select(StaffNotice.id)).all() == []

    def test_a_lunch_break_is_no_working_time(self) -> None:
        noon = MONDAY.replace(hour=11, minute=0)
        assert due_moment(shipped_calendar("vn"), Duration(1, TimeUnit.WORKING_HOURS), noon).at.hour == 14

    def test_a_deadline_is_explained_day_by_day(self, session: Session, world: World) -> None:
        ticket = world.receive(MONDAY)[0]
        days = service.time_ticket(session, ticket, MONDAY).clocks.resolve.term.days()
        assert days[-1].day == ticket.due_date and sum(day.counted for day in days) == 15

    def test_one_occasion_is_told_once_however_often_it_is_swept(self, session: Session, world: World) -> None:
        world.answered(MONDAY, MONDAY + DAY)
        handed: list[tuple[int, int]] = []
        enqueue: Callable[[int, int], object] = lambda message, attempt: handed.append((message, attempt))  # noqa: E731
        for _ in range(5):
            delivery.sweep_messages(MONDAY + 2 * DAY, enqueue)
        assert len({message for message, _attempt in handed}) == len(handed) == 3
