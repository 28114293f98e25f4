"""Second looks: who may ask, who may decide, what each result does, and what follows from the history."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from backend import audit
from backend.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from backend.outbox.models import OutboxMessage
from backend.tickets import queries, service
from backend.tickets.lifecycle import Event
from backend.tickets.models import MessageKind, Ticket, TicketMessage, TicketState, Verdict
from backend.tickets.second_looks import reviewers, verification
from backend.tickets.second_looks import service as looks
from backend.tickets.second_looks.models import LookResult, LookStage, SecondLook
from backend.tickets.second_looks.service import LookDecision
from backend.users.models import Role
from backend.users.policy import Actor
from tests.factories import SENDER, SYSTEM, World
from tests.life import DAY, Life, begun

LETTER = "Chúng tôi đã xem lại hồ sơ và kiểm tra tại chỗ."


def answer(life: Life) -> None:
    """The officer answers, and the sender reads the answer."""
    life.act(Event.ACCEPTED)
    life.act(Event.ANSWERED, text="Đã vá xong.", days=2)
    life.act(Event.NOTIFIED, SENDER)


def ask(life: Life, reason: str = "Mới vá một nửa.") -> SecondLook:
    return looks.ask_second_look(life.session, life.ticket.id, reason, now=life.at)


def reviewer(life: Life) -> Actor:
    """A coordinator who had no part."""
    return life.world.actor(Role.COORDINATOR)


def decide(life: Life, look: SecondLook, result: LookResult | None, days: int = 0, letter: str = LETTER) -> SecondLook:
    """A coordinator takes a second look and decides it some days later."""
    actor = reviewer(life)
    looks.take_look(life.session, look.id, actor, now=life.at)
    life.at += DAY * days
    return looks.decide_look(life.session, look.id, actor, LookDecision(result, letter), now=life.at)


def check_history(life: Life) -> None:
    assert list(verification.check_looks(life.session)) == []


class TestAsking:
    def test_sender_asks_once_and_gets_a_due_date_twenty_working_days_away(self, life: Life) -> None:
        answer(life)
        before = life.actions(), life.ticket.version
        look = ask(life)
        assert (look.stage, look.unit_id, look.reason) == (LookStage.ASKED, life.ticket.unit_id, "Mới vá một nửa.")
        assert (look.asked_on.isoformat(), look.due_date.isoformat()) == ("2026-11-04", "2026-12-03")
        assert (life.actions(), life.ticket.version) == before  # the ticket itself knows nothing of it
        with pytest.raises(Conflict, match="bạn đã yêu cầu rồi"):
            ask(life)
        check_history(life)

    def test_the_message_to_the_sender_is_queued_once(self, life: Life) -> None:
        answer(life)
        ask(life)
        templates = select(OutboxMessage.template).where(OutboxMessage.template.startswith("second_look"))
        assert list(life.session.scalars(templates)) == ["second_look_asked"]

    def test_an_unread_answer_an_open_ticket_and_another_procedure_are_not_looked_at(
        self, life: Life, world: World
    ) -> None:
        with pytest.raises(Conflict, match="chưa có kết quả"):
            ask(life)
        life.act(Event.ACCEPTED)
        life.act(Event.ANSWERED)
        with pytest.raises(Conflict, match="Xin đọc trả lời trước"):
            ask(life)
        other = begun(life.session, world)
        other.act(Event.REDIRECTED, procedure="complaint")
        other.act(Event.NOTIFIED, SENDER)
        with pytest.raises(Conflict, match="chưa có kết quả"):
            ask(other)

    def test_an_empty_reason_is_refused_at_its_field(self, life: Life) -> None:
        answer(life)
        with pytest.raises(Invalid, match="vì sao bạn không đồng ý") as refused:
            ask(life, "  ")
        assert refused.value.field == "text"

    def test_it_can_be_asked_for_within_the_window_alone(self, life: Life) -> None:
        answer(life)
        life.at += timedelta(days=31)
        with pytest.raises(Conflict, match="Đã hết thời gian"):
            ask(life)
        life.at -= timedelta(days=1)
        assert ask(life).stage is LookStage.ASKED

    def test_while_the_level_above_looks_the_unit_is_not_asked_again(self, life: Life) -> None:
        answer(life)
        look = ask(life)
        with pytest.raises(Conflict, match="cấp trên xem lại"):
            life.act(Event.DISPUTED, SENDER)
        decide(life, look, LookResult.UPHELD)
        with pytest.raises(Conflict, match="cấp trên xem lại"):
            life.act(Event.DISPUTED, SENDER)

    def test_a_refused_attempt_is_written_down(self, life: Life) -> None:
        with pytest.raises(Conflict):
            ask(life)
        actions = life.session.scalars(
            select(audit.AuditEntry.action).where(audit.AuditEntry.action.startswith("refused:"))
        )
        assert list(actions) == ["refused:second_look_asked"]


class TestReviewers:
    def test_the_level_above_sees_it_and_nobody_else(self, life: Life) -> None:
        answer(life)
        look = ask(life)
        world = life.world
        above = [world.actor(Role.COORDINATOR), world.actor(Role.OFFICER, world.unit("LC-VP"))]
        above.append(world.actor(Role.LEADER, world.unit("LC-VP")))
        others = [life.officer, life.leader, world.actor(Role.LEADER, world.unit("LC-SYT"))]
        others += [world.actor(Role.COORDINATOR, world.unit()), world.actor(Role.MANAGER), SENDER, SYSTEM]
        for actor, expected in [(actor, True) for actor in above] + [(actor, False) for actor in others]:
            visible = select(SecondLook.id).where(SecondLook.id == look.id, reviewers.visible_to(actor))
            assert reviewers.may_see(life.session, actor, look) is expected, actor
            assert (life.session.scalar(visible) is not None) is expected, actor

    def test_whoever_had_a_part_does_not_review(self, life: Life) -> None:
        life.act(Event.FORWARDED, life.coordinator, to_unit_id=life.world.unit("LC-SXD").id)
        officer = life.world.actor(Role.OFFICER, life.world.unit("LC-SXD"))
        life.act(Event.ACCEPTED, officer)
        life.act(Event.ANSWERED, officer)
        life.act(Event.NOTIFIED, SENDER)
        look = ask(life)
        with pytest.raises(Forbidden, match="đã tham gia"):
            looks.take_look(life.session, look.id, life.coordinator, now=life.at)
        assert looks.take_look(life.session, look.id, reviewer(life), now=life.at).stage is LookStage.TAKEN

    def test_an_officer_who_moved_above_does_not_review_the_own_answer(self, life: Life) -> None:
        answer(life)
        look = ask(life)
        moved = Actor(Role.COORDINATOR, life.officer.user_id, None, "", life.officer.key)
        with pytest.raises(Forbidden):
            looks.take_look(life.session, look.id, moved, now=life.at)

    def test_the_unit_that_answered_gets_no_other_answer_than_for_none(self, life: Life) -> None:
        answer(life)
        look = ask(life)
        for actor in (life.officer, life.leader):
            for look_id in (look.id, look.id + 1000):
                with pytest.raises(NotFound):
                    looks.take_look(life.session, look_id, actor, now=life.at)

    def test_a_complaint_about_conduct_is_hidden_from_its_unit_and_from_the_desk_that_answered(
        self, life: Life
    ) -> None:
        world = life.world
        ticket, _secret = world.receive(life.at, category_code="attitude")
        desk = world.session.get_one(type(world.unit()), ticket.unit_id)
        officer = world.actor(Role.OFFICER, desk)
        world.happen(ticket, Event.ACCEPTED, officer, life.at)
        world.happen(ticket, Event.ANSWERED, officer, life.at)
        service.apply(life.session, ticket.id, service.ActionRequest(Event.NOTIFIED), SENDER, now=life.at)
        look = looks.ask_second_look(life.session, ticket.id, "Chưa trả lời ý chính.", now=life.at)
        assert (look.unit_id, look.hidden_unit_id) == (desk.id, world.unit().id)
        assert not reviewers.may_see(life.session, world.actor(Role.LEADER, desk), look)
        assert not reviewers.may_see(life.session, world.actor(Role.COORDINATOR, world.unit()), look)
        above = world.session.get_one(type(desk), desk.conduct_desk_id)
        assert reviewers.may_see(life.session, world.actor(Role.LEADER, above), look)

    def test_it_is_taken_by_one_and_given_back_for_another(self, life: Life) -> None:
        answer(life)
        look = ask(life)
        first, second = reviewer(life), reviewer(life)
        looks.take_look(life.session, look.id, first, now=life.at)
        with pytest.raises(Conflict, match="Người khác đang xem lại"):
            looks.take_look(life.session, look.id, second, now=life.at)
        with pytest.raises(Conflict, match="nhận xem lại trước"):
            looks.decide_look(life.session, look.id, second, LookDecision(LookResult.UPHELD, LETTER), now=life.at)
        looks.give_back_look(life.session, look.id, first, now=life.at)
        assert looks.take_look(life.session, look.id, second, now=life.at).reviewer_id == second.user_id
        check_history(life)


class TestResults:
    def test_upheld_leaves_the_ticket_as_it_is(self, life: Life) -> None:
        answer(life)
        look = decide(life, ask(life), LookResult.UPHELD, days=5)
        assert (look.result, look.verdict, look.late_days) == (LookResult.UPHELD, Verdict.ON_TIME, 0)
        ticket = life.session.get_one(Ticket, life.ticket.id)
        assert (ticket.state, ticket.episode) == (TicketState.ANSWERED, 1)
        assert life.actions()[-1] == "second_look_upheld"
        check_history(life)

    def test_corrected_is_an_answer_of_the_level_above(self, life: Life) -> None:
        answer(life)
        look = decide(life, ask(life), LookResult.CORRECTED)
        message = life.session.get_one(TicketMessage, look.message_id)
        assert (message.kind, message.body, message.user_id) == (MessageKind.ANSWER, LETTER, None)
        assert life.session.get_one(Ticket, life.ticket.id).state is TicketState.ANSWERED
        check_history(life)

    def test_sent_back_begins_an_episode_with_a_clock_of_its_own(self, life: Life) -> None:
        answer(life)
        decide(life, ask(life), LookResult.SENT_BACK, days=5)
        ticket = life.session.get_one(Ticket, life.ticket.id)
        assert (ticket.state, ticket.episode, ticket.due_date.isoformat()) == (TicketState.IN_PROGRESS, 2, "2026-12-01")
        assert life.results()[0] == (1, 1, Verdict.ON_TIME)  # the first verdict stays
        life.act(Event.ANSWERED, days=3, text="Đã vá cả đoạn.")
        life.act(Event.NOTIFIED, SENDER)
        with pytest.raises(Conflict, match="bạn đã yêu cầu rồi"):
            ask(life)
        life.act(Event.DISPUTED, SENDER)  # the new answer may be disputed
        check_history(life)

    def test_a_refusal_is_upheld_or_sent_back_and_not_corrected(self, life: Life) -> None:
        life.act(Event.REFUSED)
        life.act(Event.NOTIFIED, SENDER)
        look = ask(life)
        with pytest.raises(Invalid, match="chưa có gì để sửa"):
            decide(life, look, LookResult.CORRECTED)
        actor = life.session.get_one(SecondLook, look.id).reviewer_id
        chosen = Actor(Role.COORDINATOR, actor, None, "", audit.user_key(actor))
        decision = LookDecision(LookResult.SENT_BACK, LETTER)
        looks.decide_look(life.session, look.id, chosen, decision, now=life.at)
        assert life.session.get_one(Ticket, life.ticket.id).state is TicketState.IN_PROGRESS
        check_history(life)

    def test_the_sender_of_a_merged_one_asks_about_the_common_answer(self, life: Life, world: World) -> None:
        into, _secret = world.receive(life.at)
        life.act(Event.MERGED, into_id=into.id)
        world.happen(into, Event.ACCEPTED, life.officer, life.at)
        world.happen(into, Event.ANSWERED, life.officer, life.at)
        life.act(Event.NOTIFIED, SENDER)
        look = ask(life)
        decide(life, look, LookResult.SENT_BACK)
        ticket = life.session.get_one(Ticket, life.ticket.id)
        assert (ticket.state, ticket.merged_into_id) == (TicketState.IN_PROGRESS, None)
        check_history(life)

    @pytest.mark.parametrize(
        ("result", "letter", "field"), [(None, LETTER, "result"), (LookResult.UPHELD, " ", "text")]
    )
    def test_without_a_result_or_a_letter_it_is_refused(
        self, life: Life, result: LookResult | None, letter: str, field: str
    ) -> None:
        answer(life)
        look = ask(life)
        with pytest.raises(Invalid) as refused:
            decide(life, look, result, letter=letter)
        assert refused.value.field == field

    def test_a_result_after_the_due_date_is_late(self, life: Life) -> None:
        answer(life)
        look = decide(life, ask(life), LookResult.UPHELD, days=31)
        assert (look.due_date.isoformat(), look.verdict, look.late_days) == ("2026-12-03", Verdict.LATE, 2)
        check_history(life)

    def test_nobody_gives_a_ticket_a_result_past_the_second_look(self, life: Life) -> None:
        answer(life)
        look = ask(life)
        for actor in (SYSTEM, reviewer(life), life.leader, SENDER):
            with pytest.raises(DomainError):
                life.act(Event.SECOND_LOOK_UPHELD, actor, look_id=look.id)


def test_what_was_changed_behind_the_history_is_found(life: Life) -> None:
    answer(life)
    look = decide(life, ask(life), LookResult.UPHELD)
    change = update(SecondLook).where(SecondLook.id == look.id).values(reason="Khác.", late_days=3)
    life.session.execute(change)
    found = {difference.what for difference in verification.check_looks(life.session)}
    assert found == {"second_look:reason", "second_look:late_days"}


def test_the_course_of_the_unit_shows_the_result_alone(life: Life) -> None:
    answer(life)
    look = ask(life)
    steps = queries.list_course(life.session, life.ticket.id, internal=True)
    assert not any("second_look" in step.event or "Mới vá" in step.text for step in steps)
    decide(life, look, LookResult.UPHELD)
    last = queries.list_course(life.session, life.ticket.id, internal=True)[-1]
    assert (last.event, last.text, last.officer) == (Event.SECOND_LOOK_UPHELD, LETTER, "")
