"""What there is behind every address with a parameter, and how a route is asked."""

import io
from dataclasses import dataclass
from datetime import datetime

from fastapi.testclient import TestClient
from httpx2 import Response
from PIL import Image
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.app import create_app
from backend.attachments import service as attachments
from backend.desk.replies import service as replies
from backend.desk.replies.models import ReplyKind, ReplyTemplate
from backend.desk.replies.service import ReplyFields
from backend.indices.runs import service as runs
from backend.surveys.ballot_files import waiting
from backend.surveys.models import BallotBatch
from backend.surveys.rounds import service as surveys
from backend.tickets.groups.models import MatterGroup
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket
from backend.tickets.second_looks import service as looks
from backend.tickets.service import policy_subject
from backend.units.models import Unit
from backend.users.guard import COOKIE
from backend.users.models import Role, User
from backend.users.policy import PolicySubject
from tests.factories import SENDER, World
from tests.routes import declared

ROUTES = declared(create_app())
SURVEY = "khao-sat-thu"


@dataclass(frozen=True)
class Stage:
    """The ticket asked for, and an account and a unit for routes about those."""

    name: str
    ticket: Ticket
    account: User
    unit: Unit
    batch: int
    imports: int
    calendar: int
    job: int
    run: int
    group: int = 0
    look: int = 0
    template: int = 0
    desk: Unit | None = None

    def fill(self, path: str) -> str:
        """The address of a route here; KeyError names a parameter that nobody explained."""
        known = {"number": self.ticket.number, "user_id": self.account.id, "unit_id": self.unit.id, "place": 1}
        known |= {"mark": "0", "name": "app.css", "mail_id": 0}
        known |= {"survey_code": SURVEY, "batch_id": self.batch, "instrument_key": "household-2023", "slip": "0"}
        known |= {"import_id": self.imports, "export_id": 0, "step_id": 0, "group_id": self.group, "notice_id": 0}
        known |= {"category_code": "roads", "rule_code": "resolve"}
        known |= {"calendar_id": self.calendar, "job_id": self.job, "run_id": self.run, "look_id": self.look}
        known |= {"template_id": self.template}
        return path.replace(":path", "").format(**known)

    def subject(self, path: str) -> PolicySubject | None:
        """What the policy is asked about: the ticket of the address, the unit of it or of its run, or nothing."""
        if "{number}" in path:
            return policy_subject(self.ticket)
        if "{look_id}" in path and self.desk is not None:
            return PolicySubject(self.desk.id, hidden_from=self.unit.id)  # the unit above, and the one that answered
        return (
            PolicySubject(self.unit.id)
            if {"{unit_id}", "{run_id}", "{group_id}", "{template_id}"} & set(path.split("/"))
            else None
        )


def surveyed(session: Session, now: datetime) -> tuple[int, int]:
    """A survey round with an empty batch and a file that waits; returns the batch and the job of the file."""
    days = (now.date(), now.date())
    plan = surveys.RoundPlan(SURVEY, "Khảo sát thử", "household-2023", "12", now.year, *days, planned_n=10)
    batch = BallotBatch(
        round_id=surveys.open_round(session, plan, by="system", now=now).id, source="file", created_at=now
    )
    session.add(batch)
    session.flush()
    return batch.id, waiting.begin_import(session, SURVEY, b"", "phieu.csv", None, now).id


def second_look(session: Session, world: World, now: datetime, *, photo: bool = True) -> int:
    """A second look at an answer of the unit; the ticket may have a photo."""
    ticket, _secret = world.answered(now, now)
    if photo:
        picture = io.BytesIO()
        Image.new("RGB", (8, 8), "green").save(picture, "JPEG")
        attachments.store_photo(session, ticket.id, picture.getvalue(), now)
    world.happen(ticket, Event.NOTIFIED, SENDER, now)
    return looks.ask_second_look(session, ticket.id, "Mới vá một nửa.", now=now).id


def group_of(session: Session, world: World, now: datetime) -> int:
    """A group of the unit, without a member."""
    group = MatterGroup(title="Ổ gà", unit_id=world.unit().id, officer_id=world.user().id, created_at=now)
    session.add(group)
    session.flush()
    return group.id


def template_of(session: Session, world: World, now: datetime) -> int:
    """A reply template of the unit."""
    fields = ReplyFields(ReplyKind.ANSWER, f"Mẫu {session.scalar(select(func.count(ReplyTemplate.id)))}", "Chào bạn.")
    return replies.add_template(session, world.actor(Role.LEADER), fields, now).id


def index_run(session: Session, world: World, now: datetime) -> int:
    """A run about the unit."""
    day = now.date()
    asked = runs.prepare_request(session, world.unit(), day, day, world.actor(Role.MANAGER), day)
    return runs.make_run(session, asked, world.unit(), seed=1, now=now, user_id=None)


def ask(client: TestClient, method: str, address: str, token: str | None) -> Response:
    client.cookies.clear()
    if token:
        client.cookies.set(COOKIE, token)
    return client.request(method, address, data={} if method != "GET" else None)
