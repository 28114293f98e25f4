"""Every page there is, as everybody who may open it: at a desk in the light and on a phone in the dark.

The pages are those of the application, who may open them says the policy, and what stands in an address comes from a
stage set beforehand: a page whose address has a part that the stage does not know fails here until it has one.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import ConsoleMessage, FilePayload, Request
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session, sessionmaker

from backend import clock, db
from backend.app import create_app
from backend.calendars import service as calendars
from backend.desk.bulk.models import BulkStep
from backend.devserver.demo.accounts import ACCOUNTS
from backend.indices.runs import service as runs
from backend.jobs.lease import finish_job, take_lease
from backend.jobs.service import JobKind, ask_job
from backend.outbox.models import LocalMail
from backend.reports import service as reports
from backend.surveys.ballot_files import importing, waiting
from backend.surveys.ballot_files.importing import ImportActor
from backend.surveys.rounds import service as surveys
from backend.tickets.groups import service as groups
from backend.tickets.groups.picks import TicketPick
from backend.tickets.lifecycle import Event
from backend.tickets.models import Ticket
from backend.tickets.service import ActionRequest, apply
from backend.units.models import Unit
from backend.users.guard import COOKIE
from backend.users.models import Role, User
from backend.users.policy import Actor, Permission, can
from backend.worktime import service as worktime
from backend.worktime.calendar import local_time
from tests.ballots import as_csv, row
from tests.browser.conftest import People, Site
from tests.browser.feedback_form import fill_form
from tests.factories import World, actor_for
from tests.routes import declared
from tests.signing_in import signed_in
from tests.stage import second_look, template_of

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

ROUND = "lai-chau-2026"
MANAGER = Actor(Role.MANAGER, key="system")
TICKET = "/theo-doi/phan-anh"
# What is fetched, not read: files, pictures, a part of a page, answers for machines.
FETCHED = re.compile(
    r"\.(xlsx|docx|csv|json|ico|pdf|zip)$|^/(static/|healthz$|don-vi$|api/|open311/)|/anh/|/tai$|/dang-soan$|/thay-doi$"
)
# Pages of a feedback that its sender has just sent or opened; ``as_a_sender`` comes to them.
SENT = ["/bien-nhan", TICKET, f"{TICKET}/rut", f"{TICKET}/anh/1"]
TOLD = [TICKET, f"{TICKET}/phieu-huong-dan", f"{TICKET}/phieu-huong-dan.docx"]
OF_SENDERS = {*SENT, *TOLD, f"{TICKET}/anh/{{place}}"}
LEFT_OVER = re.compile(r"\{\{|\{%|%%|%\(\w+\)|\b(?:None|NaN|[Uu]ndefined)\b")


@dataclass(frozen=True)
class Stage:
    """What stands in addresses, one run about each unit that somebody belongs to, and everybody's session and latest
    action on many tickets."""

    parts: dict[str, str | int]
    runs: dict[int | None, int]
    tokens: dict[str, str]
    users: list[User]
    steps: dict[int, int]

    def fill(self, path: str, user: User | None) -> str:
        """The address of a route; the leader of a unit opens the run about it, others that of the whole province."""
        parts = self.parts | {"run_id": self.runs[user.unit_id if user else None]}
        parts["step_id"] = self.steps[user.id] if user else 0
        assert not (unknown := set(re.findall(r"{(\w+)", path)) - set(parts)), f"{path}: what stands for {unknown}?"
        return re.sub(r"{(\w+)(?::path)?}", lambda part: str(parts[part[1]]), path)


@pytest.fixture
def opened(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """The site's own database; what is committed here the site shows."""
    engine = create_engine(site.database)
    factory = sessionmaker(engine, expire_on_commit=False)
    monkeypatch.setattr(db, "session_factory", lambda: factory)
    with factory() as session:
        yield session
    engine.dispose()


@pytest.fixture
def stage(opened: Session) -> Stage:
    """One of everything that an address can name."""
    now = clock.now()
    users = list(opened.scalars(select(User).where(User.email.in_([one.email for one in ACCOUNTS]))))
    tokens = {user.email: signed_in(opened, user, now) for user in users}
    calendar = worktime.active_id(opened)
    recount = finished_job(opened, calendars.RECOUNT, str(calendar), now)
    mail = LocalMail(at=now, recipient="trinhduyet@example.org", subject="Đã có kết quả", body="Xin xem tại trang.")
    opened.add(mail)
    about = reports.ReportSubject("lai-chau", 2023, 2022)
    reports.store_files(opened, about, reports.make(opened, about, now), now)
    counted = {unit_id: _run(opened, unit_id, now) for unit_id in {user.unit_id for user in users}}
    parts = _survey(opened, now) | {"calendar_id": calendar, "job_id": recount, "mail_id": mail.id, "place": 1}
    parts["look_id"] = second_look(opened, World(opened), now - timedelta(hours=1), photo=False)
    parts["group_id"] = group_of(opened)
    parts["template_id"] = template_of(opened, World(opened), now)
    parts |= {"instrument_key": "household-2023", "mark": "0", "name": "app.css"}
    officer = next(user for user in users if user.role is Role.OFFICER)
    parts |= {"user_id": officer.id, "unit_id": officer.unit_id or 0, "category_code": "roads", "rule_code": "resolve"}
    steps = {user.id: bulk_step_of(opened, user, now) for user in users}
    opened.commit()
    return Stage(parts, counted, tokens, users, steps)


def finished_job(session: Session, kind: JobKind, subject: str, now: datetime, note: str = "") -> int:
    """A job that was asked for and done; its id."""
    job_id = ask_job(session, kind, subject, now=now, total=1).id
    lease = take_lease(session, kind, job_id, now)
    assert lease is not None
    finish_job(session, lease, now=now, note=note)
    return job_id


def bulk_step_of(session: Session, user: User, now: datetime) -> int:
    """What this person did with many tickets at once: one of them they do not see."""
    results = [{"number": "PAKN.20261118.0001", "why": "Không tìm thấy phản ánh này.", "params": {}}]
    step = BulkStep(user_id=user.id, key="thu", event="accepted", at=now, list_query="", fields={}, results=results)
    session.add(step)
    session.flush()
    return step.id


def group_of(session: Session) -> int:
    """A group of two tickets of the unit that officer and leader belong to; its id."""
    officer = actor_for(session.scalars(select(User).where(User.email == "canbo@demo.langnghe.vn")).one())
    world = World(session)
    tickets = [world.receive(clock.now())[0] for _ in range(2)]
    picks = [TicketPick(ticket.id, ticket.version) for ticket in tickets]
    return groups.form_group(session, picks, "", officer, now=clock.now()).id


def _survey(session: Session, now: datetime) -> dict[str, str | int]:
    """A round with ballots, one row of them held, a file that waited, and a ballot handed out."""
    days = (local_time(now).date() - timedelta(days=9), local_time(now).date() + timedelta(days=9))
    plan = surveys.RoundPlan(
        ROUND, "Lai Châu 2026", "household-2023", "12", now.year, *days, planned_n=60, second_share=1.0
    )
    made = surveys.open_round(session, plan, by="system", now=now)
    code = surveys.issue_ballots(session, made.id, [surveys.BallotSlip("P9001", None, "A", "bản 1", 1.0)])["P9001"]
    session.commit()
    day = f"{local_time(now):%d/%m/%Y}"
    sheet = as_csv([row(number, ngay=day) for number in range(1, 61)] + [row(61, ngay=day, q01="0")])
    batch = importing.import_file(io.BytesIO(sheet), ROUND, file_name="phieu.csv", who=ImportActor(), now=now).batch_id
    job_id = finished_job(session, waiting.BALLOT_IMPORT, f"{ROUND}/-/phieu.csv", now, note=str(batch))
    return {"survey_code": ROUND, "batch_id": batch, "import_id": job_id, "slip": code}


def _run(session: Session, unit_id: int | None, now: datetime) -> int:
    unit = session.get_one(Unit, unit_id) if unit_id else None
    today = local_time(now).date()
    asked = runs.prepare_request(session, unit, today - timedelta(days=365), today, MANAGER, today)
    return runs.make_run(session, asked, unit, seed=2026, now=now, user_id=None)


@dataclass(frozen=True)
class Device:
    """Width, colours, and what axe has seen on it: axe is slow, and what two people see alike it sees but once."""

    width: int
    dark: bool
    checked: set[str] = field(default_factory=set)


class Watch:
    """Somebody's page, and everything that was wrong on the addresses that it came to."""

    def __init__(self, people: People, site: Site, who: str, device: Device, token: str = "") -> None:
        self.visitor = people.new(width=device.width, dark=device.dark)
        self.page, self.site, self.device = self.visitor.page, site.address, device
        self.who = f"{who}, {device.width} px"
        self.wrong: list[str] = []
        page = self.page
        if token:
            page.context.add_cookies([{"name": COOKIE, "value": token, "url": site.address}])
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.note(f"script: {error}"))
        page.on("request", self._request)

    def note(self, what: str) -> None:
        self.wrong.append(f"{self.who} at {self.page.url.removeprefix(self.site)}: {what}")

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.note(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((self.site + "/", "data:", "blob:")):
            self.note(f"asks {request.url}")

    def open(self, address: str) -> None:
        """Go there and look the page over; what is no page is only fetched."""
        if FETCHED.search(address.partition("?")[0]):
            answer = self.page.request.get(self.site + address)
            if answer.status not in (200, 204):  # 204: nothing has changed
                self.wrong.append(f"{self.who} at {address}: {answer.status}")
            return
        response = self.page.goto(self.site + address)
        assert response is not None
        if response.status != 200:
            self.note(f"status {response.status}")
        self.look()

    def press(self, name: str) -> None:
        """Press the button of that name and look over the page that it leads to."""
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=name, exact=True).first.click()
        self.look()

    def look(self) -> None:
        """The page that stands there now."""
        shown = self.page.inner_html("main")
        if shown not in self.device.checked:
            self.device.checked.add(shown)
            for fault in Axe().run(self.page).response["violations"]:
                self.note(f"axe {fault['id']}: {[' '.join(node['target']) for node in fault['nodes']][:5]}")
        wide = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if wide > 0:
            self.note(f"scrolls sideways by {wide} px")
        if left := LEFT_OVER.search(self.page.inner_text("body")):
            self.note(f"“{left[0]}” is left in the text")


def addresses(stage: Stage, user: User | None) -> list[str]:
    """What this person's rights open. Public pages count for the citizen alone."""
    actor = actor_for(user) if user else None
    return [
        stage.fill(route.path, user)
        for route in declared(create_app())
        if route.method == "GET"
        and route.path not in OF_SENDERS
        and (Permission.PUBLIC in route.actions or not route.actions) == (user is None)
        and all(can(actor, action) for action in route.actions)
        and "{export_id}" not in route.path  # a file of one person, for a day: its own tests download it
        and ("{template_id}" not in route.path or (user is not None and user.unit_id is not None))
        and ("{look_id}" not in route.path or _may_review(user, route.path))
    ]


def _may_review(user: User | None, path: str) -> bool:
    """The unit that answered does not see the second look of the stage, which has no photo."""
    return user is not None and user.role is Role.COORDINATOR and not path.endswith("/anh/{place}")


def sends(citizen: Watch) -> str:
    """Send feedback with a photo and open it by its secret; returns its number."""
    picture = io.BytesIO()
    Image.new("RGB", (900, 600), "green").save(picture, "JPEG")
    photo = FilePayload(name="a.jpg", mimeType="image/jpeg", buffer=picture.getvalue())
    citizen.open("/gui")
    fill_form(citizen.visitor, "Bóng đèn ở ngã ba bị vỡ")
    citizen.page.set_input_files("[name=photos]", photo)
    citizen.page.check("[name=consent]")
    citizen.press("Xem lại trước khi gửi")
    citizen.press("Gửi phản ánh")
    number = re.search(r"PAKN\.\d{8}\.\d{4,}", citizen.page.inner_text("main"))
    assert number
    secret = citizen.page.inner_text("strong.secret")
    citizen.open(f"/theo-doi?so={number[0]}")
    citizen.page.fill("[name=secret]", secret)
    citizen.press("Xem phản ánh")
    for address in SENT:
        citizen.open(address)
    return number[0]


def is_told_where_to_go(citizen: Watch, session: Session, number: str, officer: User) -> None:
    """The unit redirects the feedback; its sender reads that and the guidance letter."""
    ticket = session.scalars(select(Ticket).filter_by(number=number)).one()
    change = ActionRequest(Event.REDIRECTED, "Gửi đơn đến Ban Tiếp công dân.", procedure="complaint")
    apply(session, ticket.id, change, actor_for(officer), now=clock.now())
    session.commit()
    citizen.open(TICKET)
    citizen.press("Đọc trả lời")
    for address in TOLD:
        citizen.open(address)


def test_every_page_opens_for_everybody_who_may(people: People, site: Site, opened: Session, stage: Stage) -> None:
    wrong: list[str] = []
    for device in (Device(1280, dark=False), Device(360, dark=True)):
        staff = {user.role: Watch(people, site, user.role, device, stage.tokens[user.email]) for user in stage.users}
        citizen = Watch(people, site, "a citizen", device)
        stage.parts["number"] = number = sends(citizen)
        staff[Role.OFFICER].open(f"/hop-thu/{number}")
        is_told_where_to_go(citizen, opened, number, next(u for u in stage.users if u.role is Role.OFFICER))
        for user, watch in [(None, citizen), *((user, staff[user.role]) for user in stage.users)]:
            for address in addresses(stage, user):
                watch.open(address)
            wrong += watch.wrong
    assert not wrong, "\n".join(wrong)
