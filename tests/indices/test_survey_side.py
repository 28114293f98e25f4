"""The side of our own survey beside ratings: the same figures as on the survey's page, kept in a run like the rest."""

from datetime import date, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy.orm import Session

from backend.indices.measures.values import RunValue
from backend.indices.runs import service as runs
from backend.surveys.models import Ballot, BallotBatch
from backend.surveys.rounds import figures, queries
from backend.surveys.rounds import service as surveys
from backend.surveys.rounds.service import RoundPlan
from backend.surveys.samples import totals
from backend.users.models import Role
from backend.users.policy import Actor

FIRST, LAST, TODAY = date(2026, 10, 1), date(2026, 10, 31), date(2026, 11, 18)


def survey(session: Session, now: datetime, ballots: int, start: date = FIRST) -> str:
    """A round of the short form over the province: villages within two strata, blanks here and there."""
    plan = RoundPlan(
        "kiem-thu", "Khảo sát thử", "feedback-1", "12", 2026, start, start + timedelta(days=20), planned_n=60
    )
    found = surveys.open_round(session, plan, by="system", now=now)
    batch = BallotBatch(round_id=found.id, source="file", created_at=now)
    session.add(batch)
    session.flush()
    places = [slot.code for slot in queries.find_instrument(session, "feedback-1").slots]
    dice = np.random.default_rng(5)
    for number in range(ballots):
        scores = {f"service.feedback.{item}": int(dice.integers(2, 6)) for item in (1, 2, 3)}
        answers = [None if number % 9 == at else scores.get(code) for at, code in enumerate(places)]
        session.add(
            Ballot(
                round_id=found.id, batch_id=batch.id, number=f"{number}", stratum=str(number % 2),
                psu=f"{number % 6}", weight=1.0 + number % 3, answers=answers, valid=True, marks=[], entered_on=start,
            )
        )  # fmt: skip
    session.flush()
    return plan.code


def count(session: Session, now: datetime) -> tuple[int, list[RunValue]]:
    asked = runs.prepare_request(session, None, FIRST, LAST, Actor(Role.MANAGER), TODAY)
    run_id = runs.make_run(session, asked, None, seed=1, now=now, user_id=None)
    return run_id, runs.values_of(session, run_id)


def test_the_side_is_what_the_survey_itself_says(session: Session, now: datetime) -> None:
    code = survey(session, now, 60)
    theirs = figures.estimate_round(session, queries.round_called(session, code))
    run_id, values = count(session, now)
    ours = {value.item: value for value in values if value.code == "own_survey"}
    assert set(ours) == {0, 1, 2, 3}
    for item, name in ((0, "service.feedback"), (1, "service.feedback.1"), (3, "service.feedback.3")):
        expected = theirs.index(name)
        assert (ours[item].n, ours[item].extra["df"]) == (expected.n, expected.df)
        for mine, other in ((ours[item].value, expected.estimate), (ours[item].se, expected.se)):
            assert mine == pytest.approx(other, rel=1e-12)
    assert runs.find_run(session, run_id).inputs["ballots"]["rows"] == 60 and runs.verify_run(session, run_id).holds
    gaps = {value.about for value in values if value.code == "side_gap"}
    assert gaps == {"own_survey - published"}  # no ratings, so nothing to set against them


def test_a_withdrawn_ballot_changes_the_inputs_and_is_told(session: Session, now: datetime) -> None:
    survey(session, now, 40)
    run_id, _values = count(session, now)
    session.query(Ballot).limit(1).one().withdrawn = True
    session.flush()
    later = runs.verify_run(session, run_id)
    assert later.holds and later.changed == ("ballots",)


def test_few_ballots_are_counted_and_not_shown(session: Session, now: datetime) -> None:
    survey(session, now, 9)
    _run, values = count(session, now)
    assert all(value.value is None and value.lo is None for value in values if value.code == "own_survey")


def test_a_round_of_another_period_is_another_matter(session: Session, now: datetime) -> None:
    survey(session, now, 40, start=date(2026, 9, 1))
    _run, values = count(session, now)
    assert not [value for value in values if value.code == "own_survey"]


def test_a_drawn_round_with_known_totals_has_the_errors_of_its_own_page(session: Session, now: datetime) -> None:
    code = survey(session, now, 60)
    found = queries.round_called(session, code)
    ballots = session.query(Ballot).order_by(Ballot.number).all()
    slips = [surveys.BallotSlip(one.number, None, one.stratum, one.psu, one.weight, 7) for one in ballots]
    surveys.issue_ballots(session, found.id, slips, coded=False)
    found.draw = {"ballots": 60, "sha256": "-"}
    for at, one in enumerate(ballots):
        one.sex = ("nam", "nữ", None)[at % 3]
    surveys.bring_to(
        session, found, totals.read_totals("gioi_tinh;nam;70\ngioi_tinh;nữ;30", "x", None), by="system", now=now
    )
    theirs = figures.estimate_round(session, found)
    assert theirs.finite and theirs.brought is not None
    run_id, values = count(session, now)
    (ours,) = [value for value in values if value.code == "own_survey" and value.item == 0]
    expected = theirs.index("service.feedback")
    for mine, other in ((ours.value, expected.estimate), (ours.se, expected.se)):
        assert mine == pytest.approx(other, rel=1e-12)
    assert runs.verify_run(session, run_id).holds and runs.verify_run(session, run_id).changed == ()
    surveys.bring_to(session, found, None, by="system", now=now)
    later = runs.verify_run(session, run_id)
    assert later.holds and later.changed == ("totals",)
