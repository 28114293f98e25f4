"""A round that ballots go into."""

from datetime import date, datetime

import pytest
from sqlalchemy.orm import Session

from backend.surveys.models import Round
from backend.surveys.rounds import service
from tests.ballots import ROUND


@pytest.fixture
def opened(session: Session, now: datetime) -> Round:
    """A round of autumn 2026 in the whole province."""
    plan = service.RoundPlan(
        ROUND, "Khảo sát thử", "household-2023", "12", 2026, date(2026, 11, 1), date(2026, 12, 31), 600
    )
    made = service.open_round(session, plan, by="system", now=now)
    session.commit()
    return made
