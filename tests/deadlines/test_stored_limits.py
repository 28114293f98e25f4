"""Every bound of handling is that of the stored rule, for every way in; a change of law reaches what comes after it."""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import audit, clock
from backend.deadlines import rules
from backend.deadlines.clock_states import ClockKind
from backend.deadlines.rules import DeadlineRule, RuleEvidence, read_value
from backend.errors import Invalid
from backend.escalation import service as escalation
from backend.tickets import rulebook, sweeps
from backend.tickets.clock_models import ClockVersion, RuleVersion
from backend.tickets.lifecycle import Event
from backend.tickets.models import Channel, Ticket, TicketState, WaitsFor
from backend.users.models import Role
from backend.users.policy import SENDER
from backend.worktime.calendar import ZONE
from tests.command import Command
from tests.factories import World
from tests.following import TICKET, follow
from tests.life import DAY, START, Life
from tests.signing_in import sign_in

FAR = date(2099, 12, 31)
CASEWORK_HEADER = "key,office,received,answered,category\n"


def province_sets(session: Session, world: World, code: str, value: str, **more: Any) -> int:
    """A rule of the province's own, in force from the first of November 2026 unless told otherwise."""
    fields: dict[str, Any] = {"basis": "QĐ của UBND tỉnh", "mark": RuleEvidence.OURS, "province": "12"}
    rule = DeadlineRule(code, **fields | read_value(value) | {"valid_from": date(2026, 11, 1)} | more)
    return rulebook.set_by_province(session, rule, world.user(Role.ADMINISTRATOR).id, START)


def begin_anew(life: Life, **more: Any) -> None:
    """The life of another ticket, received after the rules were changed."""
    life.ticket, life.at = life.world.receive(START, **more)[0], START


class TestExtensions:
    def test_until_a_far_date_is_refused_at_its_field_and_names_the_last_day(
        self, client: TestClient, life: Life, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        life.act(Event.ACCEPTED)
        monkeypatch.setattr(clock, "now", lambda: life.at)
        sign_in(client, life.world.user())
        typed = {"version": "2", "until": "31/12/2099", "more": "", "extension_reason": "Chờ vật tư."}
        refused = client.post(f"/hop-thu/{life.ticket.number}/xin-gia-han", data=typed)
        assert refused.status_code == 422 and 'id="until-error"' in refused.text
        assert "Gia hạn được muộn nhất đến hết ngày" in refused.text and "Chờ vật tư.</textarea>" in refused.text
        assert life.actions() == ["received", "accepted"]

    @pytest.mark.parametrize("asked", [{"until": FAR}, {"more": "61 working days"}, {"more": "9000 days"}])
    def test_no_way_in_goes_past_the_bound(self, life: Life, asked: dict[str, Any]) -> None:
        life.act(Event.ACCEPTED)
        with pytest.raises(Invalid, match="Gia hạn được muộn nhất"):
            life.act(Event.EXTENSION_REQUESTED, **asked)

    def test_one_that_was_asked_for_before_the_bound_is_not_granted_beyond_it(self, life: Life) -> None:
        life.act(Event.ACCEPTED)
        data = {"until": FAR.isoformat()}
        chain = audit.ticket_chain(life.ticket.id)
        audit.record(life.session, chain, Event.EXTENSION_REQUESTED, actor=life.officer.key, now=life.at, data=data)
        life.ticket.waits_for = WaitsFor.EXTENSION_APPROVAL
        with pytest.raises(Invalid, match="Gia hạn được muộn nhất"):
            life.act(Event.EXTENDED, life.leader)

    def test_a_province_sets_a_bound_of_its_own(self, life: Life) -> None:
        province_sets(life.session, life.world, "extension_limit", "5 working days")
        begin_anew(life)
        life.act(Event.ACCEPTED)
        with pytest.raises(Invalid, match="01/12/2026"):
            life.act(Event.EXTENSION_REQUESTED, more="6 working days")
        life.act(Event.EXTENSION_REQUESTED, more="5 working days")
        assert life.act(Event.EXTENDED, life.leader).due_date == date(2026, 12, 1)


class TestSweeps:
    def lapse(self, life: Life, now: datetime) -> list[Event | None]:
        ids: list[int] = []
        sweeps.sweep_tickets(now, ids.append)
        done = [sweeps.lapse_ticket(life.session, ticket_id, now) for ticket_id in ids]
        life.session.refresh(life.ticket)
        return done

    def test_a_pause_ends_by_the_province_s_limit(self, life: Life) -> None:
        province_sets(life.session, life.world, "pause_limit", "3 working days")
        begin_anew(life)
        life.act(Event.INFO_REQUESTED)
        assert self.lapse(life, life.at + 3 * DAY) == []
        assert Event.PAUSE_EXPIRED in self.lapse(life, life.at + 4 * DAY)

    def test_a_ticket_closes_by_the_province_s_window(self, life: Life) -> None:
        province_sets(life.session, life.world, "reopen_window", "7 days")
        begin_anew(life)
        life.act(Event.ACCEPTED)
        life.act(Event.ANSWERED)
        assert self.lapse(life, life.at + 7 * DAY) in ([], [None])
        assert Event.CLOSED in self.lapse(life, life.at + 8 * DAY)
        assert life.ticket.state is TicketState.CLOSED

    def test_a_ticket_of_before_keeps_its_limit(self, life: Life) -> None:
        province_sets(life.session, life.world, "pause_limit", "3 working days")
        life.act(Event.INFO_REQUESTED)
        assert self.lapse(life, life.at + 4 * DAY) == [None]


def test_notices_of_progress_come_by_the_province_s_rule(life: Life) -> None:
    province_sets(life.session, life.world, "progress_notice", "14 days")
    old_ticket, (new_ticket, _secret) = life.ticket, life.world.receive(START)
    due = datetime(2026, 11, 23, 9, tzinfo=ZONE)
    escalation.decide_steps([old_ticket.id, new_ticket.id], due + 2 * DAY)

    def notices_to(ticket: Ticket) -> int:
        entries = audit.list_entries(life.session, audit.ticket_chain(ticket.id))
        return sum(entry.action == Event.PROGRESS_TOLD for entry in entries)

    assert (notices_to(old_ticket), notices_to(new_ticket)) == (0, 0)  # the apology comes first
    escalation.decide_steps([old_ticket.id, new_ticket.id], due + 7 * DAY)
    assert (notices_to(old_ticket), notices_to(new_ticket)) == (1, 0)
    escalation.decide_steps([old_ticket.id, new_ticket.id], due + 14 * DAY)
    assert (notices_to(old_ticket), notices_to(new_ticket)) == (2, 1)


class TestCommands:
    @pytest.fixture
    def command(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
        monkeypatch.chdir(tmp_path)
        return Command(monkeypatch)

    def test_an_import_counts_by_the_stored_rule_of_the_day_of_reception(
        self, command: Command, session: Session, world: World, now: datetime, tmp_path: Path
    ) -> None:
        rule_id = province_sets(session, world, "resolve", "5 working days")
        rows = "K1,A,2026-10-30,,x\nK2,A,2026-11-02,,x\n"
        (tmp_path / "cases.csv").write_text(CASEWORK_HEADER + rows, encoding="utf-8")
        command.json("import", "casework", "cases.csv")
        terms = {
            ticket.import_key: (ticket.term, ticket.due_date, ticket.rule_id == rule_id)
            for ticket in session.scalars(select(Ticket).where(Ticket.channel == Channel.IMPORT))
        }
        assert terms == {
            "casework:K1": ("15 working days", date(2026, 11, 20), False),
            "casework:K2": ("5 working days", date(2026, 11, 9), True),
        }

    def test_figures_end_a_pause_by_the_limit_of_its_own_ticket(self, command: Command, life: Life) -> None:
        province_sets(life.session, life.world, "pause_limit", "3 working days")
        begin_anew(life)
        life.act(Event.ACCEPTED)
        life.act(Event.INFO_REQUESTED)
        life.act(Event.INFO_RECEIVED, SENDER, days=21)
        life.act(Event.ANSWERED, days=0)
        options = ("--from", "2026-11-02", "--to", "2026-11-02", "--rule", "9 working days", "--calendar", "weekdays")
        # of fifteen working days to the answer the pause takes three, not the ten of the shipped limit
        assert command.json("kpi", "timeliness", *options)["median_days"] == 12


def test_the_home_page_promises_what_the_stored_rule_says(
    client: TestClient, session: Session, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: START)
    assert "Trả lời trong 15 ngày làm việc" in client.get("/").text
    province_sets(session, world, "resolve", "12 working days")
    assert "Trả lời trong 12 ngày làm việc" in client.get("/").text


class TestChangesOfLaw:
    def test_a_refusal_in_person_has_the_term_of_the_decree(self, life: Life) -> None:
        begin_anew(life, channel=Channel.COUNTER)
        life.act(Event.REFUSED, days=3)
        refused = select(ClockVersion).where(ClockVersion.ticket_id == life.ticket.id)
        (result,) = life.session.scalars(refused.where(ClockVersion.clock == ClockKind.REFUSE))
        assert (result.value, result.due_date) == ("3 working days", date(2026, 11, 5))
        assert result.explanation["basis"] == "NĐ 154/2026/NĐ-CP, Điều 4"
        assert result.explanation["valid_from"] == "2026-07-01"

    def test_a_ticket_of_before_a_change_says_that_it_keeps_its_rule(
        self, client: TestClient, life: Life, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(clock, "now", lambda: START + DAY)
        province_sets(life.session, life.world, "resolve", "7 working days", valid_from=date(2026, 11, 3))
        ticket, secret = life.world.receive(START)
        follow(client, ticket, secret)
        shown = client.get(TICKET).text
        told = "Phản ánh nhận từ ngày 03/11/2026 tính theo quy định mới: 7 ngày làm việc (căn cứ: QĐ của UBND tỉnh)."
        assert told in shown
        assert "Theo cách làm chung của cơ quan nhà nước; pháp luật chưa quy định thời hạn này" in shown
        sign_in(client, life.world.user())
        assert told in client.get(f"/hop-thu/{ticket.number}").text

    def test_a_rule_book_of_an_earlier_release_gets_the_new_versions_and_keeps_its_rows(
        self, session: Session, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ids = set(session.scalars(select(RuleVersion.id)))
        rulebook.load_shipped(session, START)
        assert set(session.scalars(select(RuleVersion.id))) == ids
        old = DeadlineRule("refuse", None, "Văn bản cũ", RuleEvidence.PRACTICE, valid_from=date(2020, 1, 1))
        shipped = rules.shipped_rules()
        monkeypatch.setattr(rulebook, "shipped_rules", lambda: (*shipped, old))
        rulebook.load_shipped(session, START)
        new = DeadlineRule("refuse", None, "Văn bản mới", RuleEvidence.VERIFIED, valid_from=date(2020, 1, 1))
        monkeypatch.setattr(rulebook, "shipped_rules", lambda: (*shipped, new))
        rulebook.load_shipped(session, START + timedelta(days=1))
        rulebook.load_shipped(session, START + timedelta(days=2))
        added = session.scalars(select(RuleVersion).where(RuleVersion.id.not_in(ids)).order_by(RuleVersion.id))
        assert [row.basis for row in added] == ["Văn bản cũ", "Văn bản mới"]
        chosen = rules.choose_rule(rulebook.load_rules(session).rows, "refuse", START.date()).rule
        assert chosen.basis == "Văn bản mới"
