"""The moves of a ticket through the one service that makes them: what each does, and what is refused."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from backend import audit
from backend.deadlines.clock_states import ClockKind
from backend.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from backend.outbox.models import OutboxMessage
from backend.tickets import service
from backend.tickets.clock_models import ClockVersion
from backend.tickets.lifecycle import Event, possible_transitions
from backend.tickets.models import MessageKind, TicketMessage, TicketState, Verdict
from backend.tickets.service import ActionRequest, preview_change
from backend.users.models import Role
from backend.worktime.calendar import ZONE
from tests.factories import SENDER, SYSTEM, usual_notes
from tests.life import DAY, START, Life, stranger


class TestApproval:
    def test_a_draft_is_approved_as_it_stands_by_the_leader(self, life: Life) -> None:
        life.act(Event.ACCEPTED)
        life.act(Event.SUBMITTED_FOR_APPROVAL, text="Đã vá xong.", days=1)
        ticket = life.act(Event.ANSWERED, life.leader, text="")
        assert (ticket.state, ticket.verdict) == (TicketState.ANSWERED, Verdict.ON_TIME)
        bodies = select(TicketMessage.kind, TicketMessage.body).order_by(TicketMessage.id)
        assert life.session.execute(bodies).all() == [
            (MessageKind.DRAFT, "Đã vá xong."),
            (MessageKind.ANSWER, "Đã vá xong."),
        ]

    def test_it_may_be_returned_with_a_reason(self, life: Life) -> None:
        life.act(Event.ACCEPTED)
        life.act(Event.SUBMITTED_FOR_APPROVAL)
        assert life.act(Event.RETURNED, life.leader).state is TicketState.IN_PROGRESS
        with pytest.raises(Invalid, match="Xin ghi nội dung"):
            life.act(Event.SUBMITTED_FOR_APPROVAL, text=" ")

    def test_an_officer_may_not_approve_nor_a_leader_the_own_draft(self, life: Life) -> None:
        life.act(Event.ACCEPTED)
        life.act(Event.SUBMITTED_FOR_APPROVAL, life.leader)
        for actor in (life.officer, life.leader):
            with pytest.raises(Forbidden):
                life.act(Event.ANSWERED, actor)

    def test_a_leader_assigns_an_officer_of_the_unit_alone(self, life: Life) -> None:
        other = life.world.actor(Role.OFFICER, life.world.unit("LC-SXD"))
        with pytest.raises(Invalid, match="cán bộ của cơ quan"):
            life.act(Event.ASSIGNED, life.leader, to_user_id=other.user_id)
        ticket = life.act(Event.ASSIGNED, life.leader, to_user_id=life.officer.user_id)
        assert (ticket.state, ticket.assignee_id) == (TicketState.IN_PROGRESS, life.officer.user_id)


class TestExtension:
    def test_a_second_person_grants_it_and_the_sender_is_told(self, life: Life) -> None:
        life.act(Event.ACCEPTED)
        life.act(Event.EXTENSION_REQUESTED, more="5 working days", days=3)
        assert life.ticket.due_date == date(2026, 11, 23)
        ticket = life.act(Event.EXTENDED, life.leader)
        assert ticket.due_date == date(2026, 12, 1)
        assert life.results() == [(1, 1, None)]
        assert life.session.scalar(select(func.count()).where(OutboxMessage.template == "extended")) == 1

    def test_a_date_is_as_good_as_a_number_of_days(self, life: Life) -> None:
        life.act(Event.ACCEPTED)
        life.act(Event.EXTENSION_REQUESTED, until=date(2026, 12, 4))
        assert life.act(Event.EXTENDED, life.leader).due_date == date(2026, 12, 4)

    def test_on_the_due_date_it_can_still_be_had_and_the_day_after_no_more(self, life: Life) -> None:
        life.act(Event.ACCEPTED)
        life.at = datetime(2026, 11, 23, 23, 0, tzinfo=ZONE)
        life.act(Event.EXTENSION_REQUESTED, more="5 working days")
        life.at += timedelta(hours=1)
        with pytest.raises(Conflict, match="Đã quá hạn"):
            life.act(Event.EXTENDED, life.leader)

    @pytest.mark.parametrize(
        ("wanted", "sentence"),
        [
            ({}, "số ngày xin thêm hoặc ngày hẹn"),
            ({"more": "5 working days", "until": date(2026, 12, 4)}, "số ngày xin thêm hoặc ngày hẹn"),
            ({"until": date(2026, 11, 23)}, "sau hạn đang có"),
            ({"until": date(2026, 11, 1)}, "sau hạn đang có"),
            ({"more": "mai"}, "Không hiểu thời hạn"),
        ],
    )
    def test_what_is_no_extension_is_refused(self, life: Life, wanted: dict[str, Any], sentence: str) -> None:
        life.act(Event.ACCEPTED)
        with pytest.raises(DomainError, match=sentence):
            life.act(Event.EXTENSION_REQUESTED, **wanted)

    def test_nobody_grants_the_own_request_and_nobody_without_the_right(self, life: Life) -> None:
        life.act(Event.ACCEPTED)
        life.act(Event.EXTENSION_REQUESTED, life.leader, more="5 working days")
        for actor in (life.leader, life.officer, life.coordinator):
            with pytest.raises(Forbidden):
                life.act(Event.EXTENDED, actor)

    def test_it_is_had_once(self, life: Life) -> None:
        life.act(Event.ACCEPTED)
        life.act(Event.EXTENSION_REQUESTED, more="5 working days")
        with pytest.raises(Conflict, match="đang chờ duyệt"):
            life.act(Event.EXTENSION_REQUESTED, more="5 working days")
        life.act(Event.EXTENDED, life.leader)
        with pytest.raises(Conflict, match="một lần"):
            life.act(Event.EXTENSION_REQUESTED, more="5 working days")

    def test_a_denied_request_may_be_made_anew_and_granting_needs_a_request(self, life: Life) -> None:
        life.act(Event.ACCEPTED)
        with pytest.raises(Conflict, match="Không có đề nghị"):
            life.act(Event.EXTENDED, life.leader)
        life.act(Event.EXTENSION_REQUESTED, more="5 working days")
        life.act(Event.EXTENSION_DENIED, life.leader)
        life.act(Event.EXTENSION_REQUESTED, more="3 working days")
        assert life.act(Event.EXTENDED, life.leader).due_date == date(2026, 11, 27)


class TestPauses:
    def test_a_reply_moves_the_due_date_and_the_new_one_is_kept_with_its_explanation(self, life: Life) -> None:
        life.act(Event.INFO_REQUESTED, days=1)
        assert life.act(Event.INFO_RECEIVED, SENDER, days=2).due_date == date(2026, 11, 26)
        row = life.session.scalars(select(ClockVersion).where(ClockVersion.clock == ClockKind.RESOLVE)).one()
        assert (row.reason, row.due_date, row.verdict) == ("info_received", date(2026, 11, 26), None)
        assert ["2026-11-03", "2026-11-04", "paused"] in row.explanation["out"]

    def test_its_limit_is_noted_once_and_only_when_it_is_over(self, life: Life) -> None:
        life.act(Event.INFO_REQUESTED, days=1)
        with pytest.raises(Conflict, match="chưa hết"):
            life.act(Event.PAUSE_EXPIRED, SYSTEM, days=5)
        ticket = life.act(Event.PAUSE_EXPIRED, SYSTEM, days=20)
        assert (ticket.state, ticket.due_date) == (TicketState.AWAITING_SENDER, date(2026, 12, 9))
        with pytest.raises(Conflict, match="đã được ghi nhận"):
            life.act(Event.PAUSE_EXPIRED, SYSTEM, days=1)

    def test_an_officer_goes_on_without_a_reply(self, life: Life) -> None:
        life.act(Event.INFO_REQUESTED)
        assert life.act(Event.RESUMED, days=1).state is TicketState.ACCEPTED

    def test_the_sender_disputes_a_pause_and_the_coordinator_strikes_it_out(self, life: Life) -> None:
        life.act(Event.INFO_REQUESTED)
        life.act(Event.INFO_RECEIVED, SENDER, days=2)
        life.act(Event.PAUSE_DISPUTED, SENDER)
        with pytest.raises(Conflict, match="ý kiến không đồng ý rồi"):
            life.act(Event.PAUSE_DISPUTED, SENDER)
        for actor in (life.officer, life.leader):  # the unit that paused it is no judge of it
            with pytest.raises(Forbidden):
                life.act(Event.PAUSE_JUDGED, actor, stands=True)
        with pytest.raises(Invalid, match="giữ hay bỏ"):
            life.act(Event.PAUSE_JUDGED, life.coordinator)
        assert life.act(Event.PAUSE_JUDGED, life.coordinator, stands=False).due_date == date(2026, 11, 23)
        with pytest.raises(Conflict, match="không có ý kiến không đồng ý"):
            life.act(Event.PAUSE_JUDGED, life.coordinator, stands=True)

    def test_a_pause_that_was_never_made_cannot_be_disputed(self, life: Life) -> None:
        with pytest.raises(Invalid, match="Không có lần tạm dừng"):
            life.act(Event.PAUSE_DISPUTED, SENDER)


class TestEnds:
    def test_a_refusal_is_told_and_can_be_reopened(self, life: Life) -> None:
        ticket = life.act(Event.REFUSED, days=3)
        assert (ticket.state, ticket.verdict, ticket.untold) == (TicketState.REFUSED, None, True)
        assert life.results(ClockKind.REFUSE) == [(1, 1, Verdict.LATE)]
        assert life.act(Event.REOPENED, SENDER, days=1).state is TicketState.IN_PROGRESS

    def test_a_redirection_names_the_procedure(self, life: Life) -> None:
        with pytest.raises(Invalid, match="khiếu nại hay tố cáo"):
            life.act(Event.REDIRECTED, procedure="")
        life.act(Event.REDIRECTED, procedure="denunciation")
        assert (
            audit.list_entries(life.session, audit.ticket_chain(life.ticket.id))[-1].data["procedure"] == "denunciation"
        )

    def test_a_withdrawn_ticket_is_no_case(self, life: Life) -> None:
        ticket = life.act(Event.WITHDRAWN, SENDER, text="")
        assert (ticket.state, ticket.verdict) == (TicketState.WITHDRAWN, None)
        allowed = {move.event for move in possible_transitions(TicketState.WITHDRAWN)}
        assert allowed == {Event.NOTED, Event.UNGROUPED}

    def test_an_answer_is_published_once_and_confirmation_keeps_it_published(self, life: Life) -> None:
        life.act(Event.ACCEPTED)
        life.act(Event.ANSWERED)
        assert life.act(Event.PUBLISHED, life.coordinator).state is TicketState.PUBLISHED
        ticket = life.act(Event.CONFIRMED, SENDER)
        assert ticket.state is TicketState.CONFIRMED and ticket.published_at
        with pytest.raises(Conflict, match="đã được công khai"):
            life.act(Event.PUBLISHED, life.coordinator)
        assert life.results(ClockKind.PUBLISH) == [(1, 1, Verdict.ON_TIME)]


class TestRefusals:
    """Nothing is written, and the attempt is."""

    ATTEMPTS: tuple[tuple[str, Callable[[Life], Any], type[DomainError]], ...] = (
        ("not in the table", lambda life: life.act(Event.ANSWERED), Conflict),
        ("without the right", lambda life: life.act(Event.ACCEPTED, life.coordinator), Forbidden),
        ("not for the sender", lambda life: life.act(Event.ACCEPTED, SENDER), NotFound),
        ("not for staff", lambda life: life.act(Event.WITHDRAWN, life.officer), Forbidden),
        ("not for the sender but the system", lambda life: life.act(Event.CLOSED, SENDER), NotFound),
        ("of another unit", lambda life: life.act(Event.ACCEPTED, stranger(life)), NotFound),
        ("without words", lambda life: life.act(Event.REFUSED, text=""), Invalid),
        ("before what happened last", lambda life: life.act(Event.ACCEPTED, days=-1), Conflict),
    )

    @pytest.mark.parametrize(("attempt", "refusal"), [row[1:] for row in ATTEMPTS], ids=[row[0] for row in ATTEMPTS])
    def test_it_is_refused_and_noted(
        self, life: Life, attempt: Callable[[Life], Any], refusal: type[DomainError]
    ) -> None:
        version = life.ticket.version
        with pytest.raises(refusal):
            attempt(life)
        life.session.refresh(life.ticket)
        assert (life.ticket.version, life.ticket.state, life.actions()) == (version, TicketState.NEW, ["received"])
        noted = life.session.scalars(
            select(audit.AuditEntry).where(audit.AuditEntry.action.startswith("refused:"))
        ).all()
        assert [entry.data["ticket"] for entry in noted] == [life.ticket.id]

    def test_the_second_of_two_is_told_that_somebody_was_first(self, life: Life) -> None:
        seen = life.ticket.version
        life.act(Event.ACCEPTED)
        change = ActionRequest(Event.FORWARDED, text="x", to_unit_id=life.world.unit("LC-SXD").id)
        with pytest.raises(Conflict, match="Người khác vừa xử lý"):
            service.apply(life.session, life.ticket.id, change, life.officer, now=life.at, version=seen)

    def test_a_machine_whose_clock_is_a_little_behind_takes_the_moment_of_the_last_event(self, life: Life) -> None:
        life.at -= timedelta(minutes=4)
        assert life.act(Event.ACCEPTED).accepted_at == START


class TestPreview:
    def test_it_says_what_a_pause_a_forward_and_an_extension_would_do_and_writes_nothing(self, life: Life) -> None:
        life.act(Event.ACCEPTED)
        before = life.actions()

        def shown(event: Event, **more: Any) -> Any:
            return preview_change(
                life.session, life.ticket.id, ActionRequest(event, **more), life.officer, now=life.at + DAY
            )

        assert shown(Event.INFO_REQUESTED).latest == date(2026, 12, 9)
        forward = shown(Event.FORWARDED, to_unit_id=life.world.unit("LC-SXD").id)
        assert forward.charged == life.ticket.unit_id != forward.next_unit
        assert shown(Event.EXTENSION_REQUESTED, more="5 working days").due_after == date(2026, 12, 1)
        assert shown(Event.ANSWERED, **usual_notes(Event.ANSWERED)).verdict is Verdict.ON_TIME
        assert life.actions() == before

    def test_it_refuses_what_apply_would(self, life: Life) -> None:
        with pytest.raises(Conflict):
            preview_change(life.session, life.ticket.id, ActionRequest(Event.ANSWERED), life.officer, now=life.at)
        together = preview_change(
            life.session,
            life.ticket.id,
            ActionRequest(Event.ANSWERED, **usual_notes(Event.ANSWERED)),
            life.officer,
            now=life.at,
            take=True,
        )
        assert together.verdict is Verdict.ON_TIME
