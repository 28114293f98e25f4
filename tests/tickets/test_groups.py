"""Groups: tickets of one matter put together, answered at once, taken out, undone. Nothing but the link ever moves."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import audit
from backend.deadlines import limits
from backend.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from backend.tickets import projection, queries, service
from backend.tickets.answers.outcomes import AnswerContent, AnswerOutcome
from backend.tickets.groups import service as groups
from backend.tickets.groups.models import GroupNews, GroupStep, MatterGroup
from backend.tickets.groups.picks import PicksRefused, TicketPick
from backend.tickets.groups.service import GroupAction
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket, TicketState
from backend.users.models import Role
from backend.users.policy import SENDER, Actor
from tests.factories import World
from tests.life import DAY, START

DONE = AnswerContent(AnswerOutcome.DONE)


def picks_of(session: Session, *tickets: Ticket) -> list[TicketPick]:
    session.flush()
    return [TicketPick(ticket.id, ticket.version) for ticket in tickets]


@pytest.fixture
def officer(world: World) -> Actor:
    return world.actor()


@pytest.fixture
def tickets(session: Session, world: World) -> list[Ticket]:
    return [world.receive(START + timedelta(minutes=n))[0] for n in range(4)]


@pytest.fixture
def group(session: Session, tickets: list[Ticket], officer: Actor) -> MatterGroup:
    return groups.form_group(session, picks_of(session, *tickets), "", officer, now=START + DAY)


def actions(session: Session, ticket: Ticket) -> list[str]:
    return [entry.action for entry in audit.list_entries(session, audit.ticket_chain(ticket.id))]


def answer_all(
    session: Session, group: MatterGroup, tickets: list[Ticket], actor: Actor, days: float = 2
) -> list[bool]:
    action = GroupAction(Event.ANSWERED, "Đã vá xong ổ gà.", mention=True, answer=DONE)
    results = groups.act_on_members(
        session, group.id, picks_of(session, *tickets), action, actor, now=START + DAY * days
    )
    return [result.refusal is None for result in results]


class TestForming:
    def test_tickets_put_together_keep_state_due_date_and_clock(
        self, session: Session, tickets: list[Ticket], officer: Actor
    ) -> None:
        before = [(ticket.state, ticket.due_date, ticket.verdict) for ticket in tickets]
        group = groups.form_group(session, picks_of(session, *tickets), "Ổ gà ở chợ", officer, now=START)
        assert (group.title, group.officer_id) == ("Ổ gà ở chợ", officer.user_id)
        assert [(ticket.state, ticket.due_date, ticket.verdict) for ticket in tickets] == before
        assert {ticket.group_id for ticket in tickets} == {group.id}
        assert actions(session, tickets[0]) == ["received", "grouped"]
        assert list(projection.check_all(session)) == []

    def test_the_sender_sees_nothing_of_it(self, session: Session, tickets: list[Ticket], group: MatterGroup) -> None:
        steps = queries.list_course(session, tickets[0].id)
        assert [step.event for step in steps] == [Event.RECEIVED]

    def test_one_ticket_is_no_group(self, session: Session, tickets: list[Ticket], officer: Actor) -> None:
        with pytest.raises(Invalid, match="ít nhất 2"):
            groups.form_group(session, picks_of(session, tickets[0]), "", officer, now=START)

    def test_more_than_the_bound_are_told(self, session: Session, tickets: list[Ticket], officer: Actor) -> None:
        many = [TicketPick(number, 1) for number in range(limits.GROUP_MOST + 1)]
        with pytest.raises(Invalid, match="nhiều nhất 50"):
            groups.form_group(session, many, "", officer, now=START)

    def test_a_group_grows_to_its_bound_and_no_further(
        self, session: Session, world: World, group: MatterGroup, officer: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "GROUP_MOST", 5)
        more = [world.receive(START)[0] for _ in range(2)]
        with pytest.raises(PicksRefused) as refused, session.begin_nested():
            groups.add_members(session, group.id, picks_of(session, *more), officer, now=START + DAY)
        assert [str(result.refusal or "") for result in refused.value.results] == [
            "",
            "Một nhóm có nhiều nhất 5 phản ánh. Xin lập thêm nhóm khác.",
        ]
        session.expire_all()
        assert [ticket.group_id for ticket in more] == [None, None]

    def test_a_ticket_of_another_unit_and_a_complaint_about_conduct_are_refused_each_with_its_reason(
        self, session: Session, world: World, tickets: list[Ticket]
    ) -> None:
        coordinator = world.actor(Role.COORDINATOR)
        elsewhere = world.receive(START, unit_id=world.unit("LC-SXD").id)[0]
        conduct = world.receive(START, category_code="attitude")[0]
        conduct.unit_id = tickets[0].unit_id  # wherever it lies, other people may see it
        with pytest.raises(PicksRefused) as refused, session.begin_nested():
            groups.form_group(
                session, picks_of(session, tickets[0], elsewhere, conduct), "", coordinator, now=START + DAY
            )
        reasons = [str(result.refusal or "") for result in refused.value.results]
        assert reasons[0] == "" and "do cơ quan khác giữ" in reasons[1] and "không cùng phạm vi" in reasons[2]

    def test_a_ticket_that_the_officer_must_not_see_is_not_there(
        self, session: Session, world: World, tickets: list[Ticket], officer: Actor
    ) -> None:
        elsewhere = world.receive(START, unit_id=world.unit("LC-SXD").id)[0]
        with pytest.raises(PicksRefused) as refused, session.begin_nested():
            groups.form_group(session, picks_of(session, tickets[0], elsewhere), "", officer, now=START)
        assert [type(result.refusal) for result in refused.value.results] == [type(None), NotFound]

    @pytest.mark.parametrize("role", [Role.MANAGER, Role.SURVEY, Role.ADMINISTRATOR])
    def test_other_roles_form_none(
        self, session: Session, world: World, tickets: list[Ticket], role: Role
    ) -> None:  # fmt: skip
        with pytest.raises((NotFound, Forbidden)):
            groups.form_group(session, picks_of(session, *tickets), "", world.actor(role), now=START)

    def test_a_ticket_is_in_one_group_only(
        self, session: Session, world: World, tickets: list[Ticket], group: MatterGroup, officer: Actor
    ) -> None:
        fresh = world.receive(START)[0]
        with pytest.raises(PicksRefused) as refused, session.begin_nested():
            groups.form_group(session, picks_of(session, fresh, tickets[0]), "", officer, now=START + DAY)
        assert "đã ở trong một nhóm" in str(refused.value.results[0].refusal)


class TestAnswering:
    def test_one_answer_reaches_every_member_under_its_own_number(
        self, session: Session, tickets: list[Ticket], group: MatterGroup, officer: Actor
    ) -> None:
        assert answer_all(session, group, tickets, officer) == [True] * 4
        assert {ticket.state for ticket in tickets} == {TicketState.ANSWERED}
        assert actions(session, tickets[2]) == ["received", "grouped", "accepted", "answered"]
        answers = [queries.list_course(session, ticket.id)[-1].text for ticket in tickets]
        assert answers == ["Đã vá xong ổ gà.\n\nChúng tôi cũng nhận được 3 phản ánh khác về cùng việc này."] * 4
        assert list(projection.check_all(session)) == []

    def test_of_few_others_the_letter_does_not_say_how_many(
        self, session: Session, tickets: list[Ticket], officer: Actor
    ) -> None:
        group = groups.form_group(session, picks_of(session, *tickets[:3]), "", officer, now=START)
        answer_all(session, group, tickets[:3], officer)
        text = queries.list_course(session, tickets[0].id)[-1].text
        assert text.endswith("\n\nChúng tôi cũng nhận được phản ánh khác về cùng việc này.")

    def test_each_member_gets_the_verdict_of_its_own_clock(
        self, session: Session, world: World, officer: Actor
    ) -> None:  # fmt: skip
        old, fresh = world.receive(START)[0], world.receive(START + DAY * 20)[0]
        group = groups.form_group(session, picks_of(session, old, fresh), "", officer, now=START + DAY * 25)
        assert answer_all(session, group, [old, fresh], officer, days=25) == [True, True]
        assert [old.verdict, fresh.verdict] == ["late", "on_time"]

    def test_a_member_that_waits_for_its_sender_is_told_and_the_others_are_answered(
        self, session: Session, world: World, tickets: list[Ticket], group: MatterGroup, officer: Actor
    ) -> None:
        world.happen(tickets[1], Event.INFO_REQUESTED, officer, START + DAY)
        assert answer_all(session, group, tickets, officer) == [True, False, True, True]
        step = session.scalars(select(GroupStep)).one()
        assert [bool(row.get("why")) for row in step.results] == [False, True, False, False]
        assert tickets[1].state is TicketState.AWAITING_SENDER and tickets[1].group_id == group.id

    def test_a_page_that_is_old_for_one_member_answers_the_others(
        self, session: Session, world: World, tickets: list[Ticket], group: MatterGroup, officer: Actor
    ) -> None:
        seen = picks_of(session, *tickets)
        world.happen(tickets[3], Event.ACCEPTED, officer, START + DAY)
        action = GroupAction(Event.ANSWERED, "Đã vá xong.", answer=DONE)
        results = groups.act_on_members(session, group.id, seen, action, officer, now=START + DAY)
        assert [result.refusal is None for result in results] == [True, True, True, False]
        assert isinstance(results[3].refusal, Conflict)

    def test_a_text_that_is_missing_is_one_refusal_at_the_field(
        self, session: Session, tickets: list[Ticket], group: MatterGroup, officer: Actor
    ) -> None:
        with pytest.raises(Invalid, match="Xin ghi nội dung") as refused:
            groups.act_on_members(
                session,
                group.id,
                picks_of(session, *tickets),
                GroupAction(Event.ANSWERED, answer=DONE),
                officer,
                now=START + DAY,
            )
        assert refused.value.field == "text"
        assert session.scalars(select(GroupStep)).all() == []

    def test_one_review_by_a_second_person(
        self, session: Session, world: World, tickets: list[Ticket], group: MatterGroup, officer: Actor
    ) -> None:
        leader = world.actor(Role.LEADER)
        submit = GroupAction(Event.SUBMITTED_FOR_APPROVAL, "Dự thảo chung.", answer=DONE)
        groups.act_on_members(session, group.id, picks_of(session, *tickets), submit, officer, now=START + DAY)
        assert {ticket.state for ticket in tickets} == {TicketState.AWAITING_APPROVAL}
        approve = GroupAction(Event.ANSWERED, "Dự thảo chung, đã sửa.", mention=True, answer=DONE)
        with pytest.raises(Forbidden):
            groups.act_on_members(session, group.id, picks_of(session, *tickets), approve, officer, now=START + DAY)
        groups.act_on_members(session, group.id, picks_of(session, *tickets), approve, leader, now=START + DAY)
        assert {ticket.state for ticket in tickets} == {TicketState.ANSWERED}


class TestLeaving:
    def test_a_member_is_taken_out_with_a_reason(
        self, session: Session, tickets: list[Ticket], group: MatterGroup, officer: Actor
    ) -> None:
        groups.take_out(session, group.id, picks_of(session, tickets[0]), "Khác chỗ.", officer, now=START + DAY)
        assert (tickets[0].group_id, tickets[1].group_id) == (None, group.id)
        steps = queries.list_course(session, tickets[0].id, internal=True)
        assert (steps[-1].event, steps[-1].text) == (Event.UNGROUPED, "Khác chỗ.")
        with pytest.raises(Invalid, match="Xin ghi nội dung"):
            groups.take_out(session, group.id, picks_of(session, tickets[1]), " ", officer, now=START + DAY)

    def test_undoing_the_group_leaves_every_ticket_as_if_it_had_never_been(
        self, session: Session, world: World, tickets: list[Ticket], group: MatterGroup, officer: Actor
    ) -> None:
        groups.undo_group(session, group.id, "Không cùng một việc.", officer, now=START + DAY)
        control = world.receive(START)[0]
        columns = ("state", "due_date", "verdict", "unit_id", "assignee_id", "paused_on", "group_id", "term")
        assert {tuple(getattr(ticket, name) for name in columns) for ticket in [*tickets, control]} == {
            tuple(getattr(control, name) for name in columns)
        }
        assert group.ended_at is not None
        with pytest.raises(Conflict, match="đã được bỏ"):
            groups.add_members(session, group.id, picks_of(session, control), officer, now=START + DAY)

    def test_whoever_does_not_accept_the_answer_goes_on_alone_and_the_officer_hears_of_it(
        self, session: Session, world: World, tickets: list[Ticket], group: MatterGroup, officer: Actor
    ) -> None:
        answer_all(session, group, tickets, officer)
        for ticket in tickets[:2]:
            world.happen(ticket, Event.NOTIFIED, SENDER, START + DAY * 3)
        world.happen(tickets[0], Event.DISPUTED, SENDER, START + DAY * 3)
        world.happen(tickets[1], Event.CONFIRMED, SENDER, START + DAY * 3)
        assert (tickets[0].state, tickets[0].group_id, tickets[0].episode) == (TicketState.IN_PROGRESS, None, 2)
        assert [ticket.group_id for ticket in tickets[1:]] == [group.id] * 3
        assert actions(session, tickets[0])[-2:] == ["disputed", "ungrouped"]
        news = session.execute(select(GroupNews.ticket_id, GroupNews.event).order_by(GroupNews.id)).all()
        assert [tuple(row) for row in news] == [(tickets[0].id, "disputed"), (tickets[1].id, "confirmed")]
        assert list(projection.check_all(session)) == []

    @pytest.mark.parametrize(
        ("event", "state", "stays"),
        [
            (Event.WITHDRAWN, TicketState.WITHDRAWN, True),
            (Event.FORWARDED, TicketState.NEW, False),
            (Event.MERGED, TicketState.MERGED, False),
        ],
    )
    def test_what_happens_to_one_member_alone(
        self,
        session: Session,
        world: World,
        tickets: list[Ticket],
        group: MatterGroup,
        officer: Actor,
        event: Event,
        state: TicketState,
        stays: bool,
    ) -> None:
        request = service.ActionRequest(
            event, "Nội dung thử.", to_unit_id=world.unit("LC-SXD").id, into_id=tickets[1].id
        )
        actor = SENDER if event is Event.WITHDRAWN else officer
        service.apply(session, tickets[0].id, request, actor, now=START + DAY)
        assert (tickets[0].state, tickets[0].group_id is not None) == (state, stays)
        assert list(projection.check_all(session)) == []


class TestReading:
    def test_news_are_marked_as_read_up_to_the_last_that_was_shown(
        self, session: Session, world: World, tickets: list[Ticket], group: MatterGroup, officer: Actor
    ) -> None:
        world.happen(tickets[0], Event.WITHDRAWN, SENDER, START + DAY)
        (first,) = session.scalars(select(GroupNews.id)).all()
        groups.mark_read(session, group.id, officer, first)
        world.happen(tickets[1], Event.WITHDRAWN, SENDER, START + DAY)
        groups.mark_read(session, group.id, officer, first)
        assert group.read_upto == first

    def test_a_colleague_may_take_the_group_over_and_a_stranger_finds_none(
        self, session: Session, world: World, group: MatterGroup
    ) -> None:
        colleague = world.actor()
        groups.become_officer(session, group.id, colleague)
        assert group.officer_id == colleague.user_id
        with pytest.raises(NotFound):
            groups.become_officer(session, group.id, world.actor(Role.OFFICER, world.unit("LC-SXD")))


class TestMergingByPicking:
    def test_all_picked_tickets_are_merged_or_none(
        self, session: Session, world: World, tickets: list[Ticket], officer: Actor
    ) -> None:
        into, *picked = tickets
        world.happen(picked[1], Event.WITHDRAWN, SENDER, START + DAY)
        with pytest.raises(PicksRefused) as refused, session.begin_nested():
            groups.merge_picks(session, into.id, picks_of(session, *picked), "Cùng chỗ.", officer, now=START + DAY)
        assert [isinstance(result.refusal, DomainError) for result in refused.value.results] == [False, True, False]
        session.expire_all()
        assert picked[0].state is TicketState.NEW
        groups.merge_picks(
            session, into.id, picks_of(session, picked[0], picked[2]), "Cùng chỗ.", officer, now=START + DAY
        )
        assert [ticket.merged_into_id for ticket in picked] == [into.id, None, into.id]
