"""Reopening and merging: an old verdict stays, and nothing becomes on time by them."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from backend.errors import Conflict, Forbidden, Invalid, NotFound
from backend.outbox.models import OutboxMessage
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket, TicketState, Verdict
from tests.factories import SENDER, SYSTEM
from tests.life import DAY, START, Life


class TestReopening:
    def test_a_dispute_begins_a_new_episode_and_the_old_verdict_stays(self, life: Life) -> None:
        life.act(Event.ACCEPTED)
        answered = life.act(Event.ANSWERED, days=2).answered_at
        ticket = life.act(Event.DISPUTED, SENDER, days=30)
        assert (ticket.state, ticket.episode, ticket.due_date) == (TicketState.IN_PROGRESS, 2, date(2026, 12, 25))
        assert (ticket.verdict, ticket.answered_at, ticket.open) == (Verdict.ON_TIME, answered, True)
        ticket = life.act(Event.ANSWERED, days=40)
        assert (ticket.verdict, ticket.answered_at) == (Verdict.ON_TIME, answered)
        assert life.results() == [(1, 1, Verdict.ON_TIME), (2, 1, Verdict.LATE)]

    @pytest.mark.parametrize(("path", "event"), [([], Event.DISPUTED), ([Event.CONFIRMED], Event.REOPENED)])
    def test_after_thirty_days_the_window_is_closed(self, life: Life, path: list[Event], event: Event) -> None:
        life.act(Event.ACCEPTED)
        life.act(Event.ANSWERED)
        for step in path:
            life.act(step, SENDER)
        with pytest.raises(Conflict, match="Đã hết thời gian"):
            life.act(event, SENDER, days=31)
        life.at -= 31 * DAY
        assert life.act(event, SENDER, days=30).episode == 2

    def test_only_the_sender_reopens(self, life: Life) -> None:
        life.act(Event.ACCEPTED)
        life.act(Event.ANSWERED)
        for actor in (life.officer, life.leader, life.coordinator, SYSTEM):
            with pytest.raises((Forbidden, NotFound)):
                life.act(Event.DISPUTED, actor)

    def test_it_is_closed_once_confirmed_or_when_the_window_is(self, life: Life) -> None:
        life.act(Event.ACCEPTED)
        life.act(Event.ANSWERED)
        with pytest.raises(Conflict, match="vẫn còn thời gian"):
            life.act(Event.CLOSED, SYSTEM, days=29)
        assert life.act(Event.CLOSED, SYSTEM, days=3).state is TicketState.CLOSED

    def test_a_confirmed_one_is_closed_at_once(self, life: Life) -> None:
        life.act(Event.ACCEPTED)
        life.act(Event.ANSWERED)
        life.act(Event.CONFIRMED, SENDER)
        assert life.act(Event.CLOSED, SYSTEM).state is TicketState.CLOSED

    def test_the_new_answer_is_told_anew(self, life: Life) -> None:
        life.act(Event.ACCEPTED)
        life.act(Event.ANSWERED)
        told = life.act(Event.NOTIFIED, SYSTEM).told_at
        assert life.act(Event.DISPUTED, SENDER, days=1).told_at == told
        assert life.act(Event.ANSWERED, days=1).untold
        assert life.act(Event.NOTIFIED, SYSTEM, days=5).told_in_time is False


class TestMerging:
    @pytest.fixture
    def other(self, life: Life) -> Ticket:
        return life.world.receive(START + DAY, email="khac@example.vn")[0]

    def test_both_senders_get_the_one_answer_under_their_own_numbers(self, life: Life, other: Ticket) -> None:
        merged = life.act(Event.MERGED, into_id=other.id, days=2)
        assert (merged.state, merged.merged_into_id) == (TicketState.MERGED, other.id)
        into = Life(life.session, life.world, other, life.officer, life.leader, life.coordinator, life.at)
        into.act(Event.ACCEPTED)
        into.act(Event.ANSWERED, text="Đã vá xong.", days=1)
        life.session.refresh(life.ticket)
        assert (life.ticket.verdict, life.ticket.answered_at, life.ticket.untold) == (None, None, True)
        answers = select(OutboxMessage.ticket_id).where(OutboxMessage.template == "answered")
        assert set(life.session.scalars(answers)) == {life.ticket.id, other.id}
        life.at = into.at
        assert life.act(Event.NOTIFIED, SYSTEM).told_in_time is True

    @pytest.mark.parametrize(
        ("end", "more"),
        [(Event.REFUSED, {}), (Event.REDIRECTED, {"procedure": "complaint"}), (Event.WITHDRAWN, {"text": ""})],
    )
    def test_who_was_merged_into_a_ticket_that_ends_unanswered_goes_on_alone(
        self, life: Life, other: Ticket, end: Event, more: dict[str, Any]
    ) -> None:
        life.act(Event.ACCEPTED)
        due = life.act(Event.MERGED, into_id=other.id, days=2).due_date
        into = Life(life.session, life.world, other, life.officer, life.leader, life.coordinator, life.at)
        into.act(end, SENDER if end is Event.WITHDRAWN else None, **more)
        life.session.refresh(life.ticket)
        assert (life.ticket.state, life.ticket.merged_into_id) == (TicketState.ACCEPTED, None)
        assert life.ticket.due_date == due
        told = select(OutboxMessage.template).where(OutboxMessage.ticket_id == life.ticket.id)
        assert "unmerged" in set(life.session.scalars(told))
        life.at = into.at
        assert life.act(Event.ANSWERED).verdict is Verdict.ON_TIME

    def test_who_was_answered_together_stays_merged_when_the_other_is_taken_up_again_and_refused(
        self, life: Life, other: Ticket
    ) -> None:
        life.act(Event.MERGED, into_id=other.id, days=2)
        into = Life(life.session, life.world, other, life.officer, life.leader, life.coordinator, life.at)
        into.act(Event.ACCEPTED)
        into.act(Event.ANSWERED)
        into.act(Event.DISPUTED, SENDER, days=1)
        with pytest.raises(Conflict):
            into.act(Event.REFUSED)
        into.act(Event.WITHDRAWN, SENDER)
        life.session.refresh(life.ticket)
        assert life.ticket.state is TicketState.MERGED

    def test_merging_an_overdue_ticket_into_a_fresh_one_hides_nothing(self, life: Life) -> None:
        life.at += 30 * DAY
        fresh = life.world.receive(life.at, email="khac@example.vn")[0]
        assert life.act(Event.MERGED, into_id=fresh.id).verdict is Verdict.LATE
        ticket = life.act(Event.UNMERGED)
        assert (ticket.state, ticket.verdict, ticket.merged_into_id) == (TicketState.NEW, Verdict.LATE, None)
        life.act(Event.ACCEPTED)
        assert life.act(Event.ANSWERED).verdict is Verdict.LATE
        assert life.results() == [(1, 1, Verdict.LATE)]

    def test_an_unmerged_ticket_goes_on_where_it_was(self, life: Life, other: Ticket) -> None:
        life.act(Event.ACCEPTED)
        life.act(Event.INFO_REQUESTED)
        life.act(Event.MERGED, into_id=other.id, days=1)
        assert life.act(Event.UNMERGED, days=1).state is TicketState.AWAITING_SENDER
        assert life.act(Event.INFO_RECEIVED, SENDER).state is TicketState.ACCEPTED

    def test_into_itself_into_a_merged_one_in_a_circle_or_in_a_chain_is_refused(
        self, life: Life, other: Ticket
    ) -> None:
        with pytest.raises(Invalid, match="chính nó"):
            life.act(Event.MERGED, into_id=life.ticket.id)
        life.act(Event.MERGED, into_id=other.id)
        back = Life(life.session, life.world, other, life.officer, life.leader, life.coordinator, START + DAY)
        third = life.world.receive(START, email="ba@example.vn")[0]
        for target, sentence in ((life.ticket, "đang được xử lý"), (third, "đang gộp các phản ánh khác")):
            with pytest.raises(Conflict, match=sentence):
                back.act(Event.MERGED, into_id=target.id)
        chain = Life(life.session, life.world, third, life.officer, life.leader, life.coordinator)
        with pytest.raises(Conflict, match="đang được xử lý"):
            chain.act(Event.MERGED, into_id=life.ticket.id)

    def test_across_rights_it_is_refused_without_telling_what_is_there(self, life: Life) -> None:
        elsewhere = life.world.receive(START, unit_id=life.world.unit("LC-SXD").id)[0]
        for target in (elsewhere.id, 10**6, None):
            with pytest.raises(NotFound, match="Không tìm thấy phản ánh muốn gộp"):
                life.act(Event.MERGED, into_id=target)

    def test_a_complaint_about_conduct_is_not_merged_into_what_its_unit_sees(self, life: Life) -> None:
        conduct = life.world.receive(START, category_code="attitude")[0]
        complaint = Life(life.session, life.world, conduct, life.officer, life.leader, life.coordinator)
        with pytest.raises(Invalid, match="không cùng phạm vi"):
            complaint.act(Event.MERGED, life.coordinator, into_id=life.ticket.id)
