"""Time alone: a reply that did not come, a window that closed."""

from dataclasses import replace
from datetime import date, datetime

import pytest

from backend.deadlines.rules import DeadlineRule, RuleEvidence
from backend.tickets import rulebook, sweeps
from backend.tickets.lifecycle import Event
from backend.tickets.models import TicketState
from backend.users.models import Role
from backend.worktime.duration import Duration, TimeUnit
from tests.life import DAY, Life


def run(life: Life, now: datetime) -> list[Event | None]:
    """What the sweep hands out at ``now``, and what becomes of each."""
    ids: list[int] = []
    assert sweeps.sweep_tickets(now, ids.append) == 0
    done = [sweeps.lapse_ticket(life.session, ticket_id, now) for ticket_id in ids]
    life.session.refresh(life.ticket)
    return done


def test_a_pause_past_its_limit_is_ended_once_and_the_unit_decides(life: Life) -> None:
    life.act(Event.INFO_REQUESTED)
    assert run(life, life.at + 9 * DAY) == []
    assert run(life, life.at + 21 * DAY) == [Event.PAUSE_EXPIRED]
    assert life.ticket.state is TicketState.AWAITING_SENDER
    assert run(life, life.at + 22 * DAY) == []
    life.at += 23 * DAY
    assert life.act(Event.RESUMED).state is TicketState.ACCEPTED


@pytest.mark.parametrize(("code", "event"), [("pause_limit", Event.PAUSE_EXPIRED), ("reopen_window", Event.CLOSED)])
def test_a_shorter_term_of_the_province_is_not_waited_out_by_the_sweep(life: Life, code: str, event: Event) -> None:
    rule = DeadlineRule(code, Duration(3, TimeUnit.WORKING_DAYS), "QĐ của UBND tỉnh", RuleEvidence.OURS, province="12",
                valid_from=date(2026, 11, 1))  # fmt: skip
    rulebook.set_by_province(life.session, rule, life.world.user(Role.ADMINISTRATOR).id, life.at)
    life = replace(life, ticket=life.world.receive(life.at)[0])
    life.act(Event.ACCEPTED)
    life.act(Event.INFO_REQUESTED if event is Event.PAUSE_EXPIRED else Event.ANSWERED)
    assert run(life, life.at + 2 * DAY) == []
    assert event in run(life, life.at + 4 * DAY)


def test_an_answered_ticket_is_closed_when_it_can_no_longer_be_reopened(life: Life) -> None:
    life.act(Event.ACCEPTED)
    life.act(Event.ANSWERED, days=1)
    assert run(life, life.at + 29 * DAY) == []
    assert run(life, life.at + 40 * DAY) == [Event.CLOSED]
    assert life.ticket.state is TicketState.CLOSED
    assert run(life, life.at + 41 * DAY) == []


def test_an_open_ticket_is_left_alone_however_old(life: Life) -> None:
    assert run(life, life.at + 400 * DAY) == []
