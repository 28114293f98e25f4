"""The row of a ticket follows from its history, after any course and by any rules; other hands are found out."""

import random
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from backend.deadlines.clock_states import ClockKind
from backend.deadlines.rules import DeadlineRule, RuleEvidence
from backend.errors import DomainError, Invalid
from backend.tickets import projection, rulebook, service
from backend.tickets.clock_models import ClockVersion
from backend.tickets.lifecycle import Event, EventAuthor, possible_transitions
from backend.tickets.models import Verdict
from backend.tickets.service import ActionRequest
from backend.worktime.duration import Duration, TimeUnit
from tests.factories import SENDER, SYSTEM, drawn_notes
from tests.life import START, Life, stranger


class TestRules:
    def own(self, life: Life, **more: Any) -> int:
        values: dict[str, Any] = {
            "code": "resolve",
            "duration": Duration(7, TimeUnit.WORKING_DAYS),
            "basis": "QĐ của UBND tỉnh",
            "mark": RuleEvidence.OURS,
            "province": "12",
            "category": "roads",
            "valid_from": date(2026, 11, 1),
        }
        assert life.leader.user_id is not None
        return rulebook.set_by_province(life.session, DeadlineRule(**values | more), life.leader.user_id, life.at)

    def test_a_province_s_own_rule_counts_for_its_category_from_then_on(self, life: Life) -> None:
        rule_id = self.own(life)
        later = life.world.receive(START)[0]
        other = life.world.receive(START, category_code="environment")[0]
        assert (later.rule_id, later.term, later.due_date) == (rule_id, "7 working days", date(2026, 11, 11))
        assert other.term == "15 working days"

    def test_tickets_of_before_keep_their_rule_also_in_their_verdict(self, life: Life) -> None:
        rule = life.ticket.rule_id
        self.own(life)
        life.act(Event.ACCEPTED)
        assert life.act(Event.ANSWERED, days=20).verdict is Verdict.ON_TIME
        stored = life.session.scalars(select(ClockVersion).where(ClockVersion.clock == ClockKind.RESOLVE)).one()
        assert (stored.rule_id, stored.value) == (rule, "15 working days")

    def test_a_reopened_ticket_is_counted_by_the_rules_of_then(self, life: Life) -> None:
        life.act(Event.ACCEPTED)
        life.act(Event.ANSWERED)
        self.own(life)
        assert life.act(Event.DISPUTED, SENDER, days=1).term == "7 working days"

    @pytest.mark.parametrize(
        ("wrong", "sentence"),
        [
            ({"code": "nothing"}, "Không có thời hạn nào"),
            ({"code": "approval"}, "Không có thời hạn nào"),  # it is no term
            ({"word": "required"}, "Không có thời hạn nào"),  # and this is no word
            ({"basis": " "}, "căn cứ"),
            ({"category": "nothing"}, "loại phản ánh"),
            ({"valid_from": None}, "ngày bắt đầu"),
            ({"valid_to": date(2026, 10, 1)}, "ngày bắt đầu"),
        ],
    )
    def test_a_rule_that_makes_no_sense_is_refused(self, life: Life, wrong: dict[str, Any], sentence: str) -> None:
        with pytest.raises(Invalid, match=sentence):
            self.own(life, **wrong)

    @pytest.mark.parametrize("table", ["rules", "ticket_clocks"])
    def test_stored_versions_cannot_be_rewritten(self, life: Life, table: str) -> None:
        life.act(Event.ACCEPTED)
        for statement in (f"UPDATE {table} SET value = 'x'", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
            with pytest.raises(Exception, match="append-only"), life.session.begin_nested():
                life.session.execute(text(statement))


@pytest.mark.parametrize("seed", range(25))
def test_replay_equals_state_after_any_course(life: Life, seed: int) -> None:
    """A random walk through the table, refusals included; the check after each test replays it all."""
    dice = random.Random(seed)
    other = life.world.receive(START, email="khac@example.vn")[0]
    actors = {EventAuthor.SENDER: SENDER, EventAuthor.SYSTEM: SYSTEM, EventAuthor.EITHER: SYSTEM}
    units = [life.ticket.unit_id, life.world.unit("LC-SXD").id]
    people = [life.officer, life.leader, life.coordinator, stranger(life)]
    for _ in range(30):
        moves = possible_transitions(life.ticket.state)
        if not moves:
            break
        move = dice.choice([row for row in moves if row.event is not Event.RECOUNTED])
        life.at += timedelta(hours=dice.choice([0, 1, 5, 30, 100]))
        more: dict[str, Any] = {
            "to_unit_id": dice.choice(units),
            "to_user_id": life.officer.user_id,
            "into_id": other.id,
            "more": f"{dice.randrange(1, 9)} working days" if dice.random() < 0.8 else "",
            "stands": dice.random() < 0.5,
            "procedure": "complaint",
            **drawn_notes(move.event, dice, life.at),
        }
        change = ActionRequest(move.event, text="Nội dung.", **more)
        actor = actors.get(move.by) or dice.choice(people)
        try:
            with life.session.begin_nested():
                service.apply(life.session, life.ticket.id, change, actor, now=life.at)
        except DomainError:
            life.session.refresh(life.ticket)


class TestVerification:
    """``langnghe verify tickets`` names what was changed by other hands."""

    @pytest.mark.parametrize(
        ("statement", "what"),
        [
            ("UPDATE tickets SET verdict = 'late'", "verdict"),
            ("UPDATE tickets SET due_date = due_date + 1", "due_date"),
            ("UPDATE tickets SET state = 'closed'", "state"),
            ("UPDATE tickets SET working_days = 1", "working_days"),
            ("UPDATE ticket_clocks SET verdict = 'late' WHERE clock = 'resolve'", "clock:resolve:1:1"),
            ("DELETE FROM ticket_clocks WHERE clock = 'resolve'", "clock:resolve:1:1"),
            ("UPDATE audit SET at = at + interval '60 days' WHERE action = 'answered'", "answered_at"),
            ("DELETE FROM audit", "history"),
        ],
    )
    def test_a_row_changed_with_triggers_off_is_named(self, life: Life, statement: str, what: str) -> None:
        life.act(Event.ACCEPTED)
        life.act(Event.ANSWERED, days=3)
        assert list(projection.check_all(life.session)) == []
        with life.session.begin_nested() as tampered:
            life.session.execute(text("SET LOCAL session_replication_role = replica"))
            life.session.execute(text(statement))
            found = list(projection.check_all(life.session))
            assert what in {difference.what for difference in found}
            assert {difference.ticket for difference in found} == {life.ticket.number}
            tampered.rollback()
