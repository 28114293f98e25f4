"""The two sides on a page, runs and what is entered: what each role is shown, and what a wrong address gets."""

import re
from datetime import date, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from kombu.exceptions import OperationalError
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.indicators.definitions import definitions
from backend.indices import texts
from backend.indices.models import IndexPublication, IndexRun
from backend.indices.runs import requests
from backend.indices.runs import service as runs
from backend.jobs.models import JobStage, LongJob
from backend.ratings.models import Rating
from backend.tickets.models import Channel, Ticket
from backend.units.models import Unit
from backend.users.models import Role
from backend.worker import app
from tests.factories import World
from tests.markup import text_of
from tests.signing_in import sign_in

THURSDAY = datetime.fromisoformat("2026-10-01T08:00+07:00")
OCTOBER = "tu=01/10/2026&den=31/10/2026"


@pytest.fixture
def handed_on(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Job ids handed to the worker."""
    given: list[int] = []
    monkeypatch.setattr(app, "send_task", lambda name, args: given.append(args[0]))
    return given


def tickets(world: World, unit: Unit, count: int, *, days: int, score: int | None) -> None:
    """Answered tickets of a unit, all rated alike or not at all."""
    for _n in range(count):
        ticket, _secret = world.answered(THURSDAY, THURSDAY + timedelta(days=days), unit_id=unit.id)
        if score is not None:
            world.session.add(
                Rating(
                    ticket_id=ticket.id, unit_id=unit.id, received_on=ticket.received_on, ease=score, by_rules=score,
                    timely=score, channel=Channel.WEB, at=THURSDAY + timedelta(days=days + 1),
                )
            )  # fmt: skip
    world.session.flush()


def manager(client: TestClient, world: World) -> None:
    sign_in(client, world.user(Role.MANAGER))


def test_sides_stand_beside_each_other_with_n_and_interval(client: TestClient, world: World) -> None:
    tickets(world, world.unit(), 12, days=5, score=4)
    tickets(world, world.unit(), 12, days=30, score=None)
    manager(client, world)
    page = text_of(client.get(f"/chi-so/hai-mat?{OCTOBER}").text)
    assert "Cả tỉnh Lai Châu: người gửi chấm 80,0 điểm, 50,0% trả lời đúng hạn" in page
    # All that rated are on time: the late ones are pooled with them, and the bounds say what that hides.
    assert "Giới hạn nếu không ai khác chấm 50,0 – 90,0" in page
    assert "12 trong n = 24" in page and "khoảng tin cậy 95%: 31,4% – 68,6%" in page
    assert "78,96" in page and "khoảng gần đúng vì nguồn không in" in page
    assert "cả nước 82,27 (đọc ở nguồn công khai, chưa đối chiếu văn bản của Bộ Nội vụ)" in page
    assert "Không có đợt khảo sát nào bắt đầu trong kỳ." in page
    assert "Đánh giá hiệu chỉnh trừ SIPAS công bố 2023" in page


def test_every_figure_opens_a_definition_that_exists(client: TestClient, world: World) -> None:
    tickets(world, world.unit(), 12, days=5, score=4)
    manager(client, world)
    html = client.get(f"/chi-so/hai-mat?{OCTOBER}").text
    anchors = set(re.findall(r"/chi-so/dinh-nghia#(\w+)", html))
    assert {"ratings_adjusted", "qd766_satisfied", "told_hours", "side_gap", "least_visible_change"} <= anchors
    assert anchors <= {one.code for one in definitions()}
    assert {*texts.NAMES, "quadrant", "index_run"} <= {one.code for one in definitions()}


def test_units_stand_in_a_quadrant_only_when_both_intervals_do(client: TestClient, world: World) -> None:
    tickets(world, world.unit("LC-SYT"), 40, days=5, score=5)
    tickets(world, world.unit(), 40, days=30, score=2)
    tickets(world, world.unit("LC-VP"), 9, days=30, score=1)
    manager(client, world)
    html = client.get(f"/chi-so/hai-mat?{OCTOBER}").text
    section = html[html.index("quadrant-title") : html.index("among-title")]
    rows = {re.sub(r"<[^>]+>", "", row).strip(): text_of(cells) for row, cells in re.findall(
        r'<th scope="row">\s*<a [^>]*>(.*?)</a>\s*</th>(.*?)</tr>', section, flags=re.DOTALL)}  # fmt: skip
    fast, slow, few = (rows[world.unit(code).name] for code in ("LC-SYT", "03388", "LC-VP"))
    assert fast.endswith("nhanh, hài lòng") and "100,0%" in fast and "n" not in fast[:3]
    assert slow.endswith("chậm, chưa hài lòng")
    assert few.endswith("chưa đủ số liệu") and "chưa đủ 9" in few and "%" not in few and "20,0" not in few
    assert section.count('<circle class="place') == 2
    assert list(rows) == sorted(rows, key=lambda name: world.session.scalars(
        select(Unit.folded).where(Unit.name == name, Unit.valid_to.is_(None))).one())  # fmt: skip


def test_quarters_stand_in_a_row(client: TestClient, world: World) -> None:
    tickets(world, world.unit(), 12, days=5, score=4)
    manager(client, world)
    page = text_of(client.get("/chi-so/hai-mat?tu=01/07/2026&den=31/10/2026").text)
    assert "01/07/2026 – 30/09/2026 – (–; n = 0)" in page
    assert "01/10/2026 – 31/10/2026 80,0 (80,0 – 80,0; n = 12)" in page


def test_quarters_with_too_few_cases_draw_no_empty_axes(client: TestClient, world: World) -> None:
    tickets(world, world.unit(), 3, days=5, score=4)
    manager(client, world)
    html = client.get("/chi-so/hai-mat?tu=01/07/2026&den=31/10/2026").text
    section = html[html.index('id="time-title"') :].partition("</section>")[0]
    assert "chưa đủ số liệu để so hai quý" in section and "<svg" not in section


def test_made_up_tickets_are_marked(client: TestClient, world: World) -> None:
    tickets(world, world.unit(), 3, days=5, score=4)
    for ticket in world.session.scalars(select(Ticket)):
        ticket.demonstration = True
    world.session.flush()
    manager(client, world)
    assert "Dữ liệu minh họa: 3 trong 3 phản ánh" in client.get(f"/chi-so/hai-mat?{OCTOBER}").text


@pytest.mark.parametrize("address", ["tu=99/99/2026", "don-vi=khong-co", "tu=2026-10-31&den=2026-10-01"])
def test_an_address_that_cannot_be_read_is_refused_at_its_field(client: TestClient, world: World, address: str) -> None:
    manager(client, world)
    answer = client.get(f"/chi-so/hai-mat?{address}")
    assert answer.status_code == 422 and "field-error" in answer.text


def test_a_leader_sees_the_own_unit_and_no_gap_against_the_province(client: TestClient, world: World) -> None:
    tickets(world, world.unit(), 12, days=5, score=4)
    sign_in(client, world.user(Role.LEADER))
    page = client.get(f"/chi-so/hai-mat?{OCTOBER}").text
    assert f"{world.unit().name}: người gửi chấm 80,0 điểm" in page
    assert "gap-title" not in page and "quadrant-title" not in page and "Tính và lưu" not in page
    assert client.get(f"/chi-so/hai-mat?{OCTOBER}&don-vi=LC-SYT").status_code == 404


def test_a_run_is_asked_for_counted_shown_checked_and_published(
    client: TestClient, world: World, session: Session, handed_on: list[int], now: datetime
) -> None:
    tickets(world, world.unit(), 12, days=5, score=4)
    manager(client, world)
    asked = client.post("/chi-so/lan-tinh", data={"tu": "01/10/2026", "den": "31/10/2026", "so-gieo": "11"})
    assert asked.status_code == 303 and len(handed_on) == 1
    assert "Một lần tính đang chạy" in client.get("/chi-so/lan-tinh").text
    again = client.post("/chi-so/lan-tinh", data={"tu": "01/10/2026", "den": "31/10/2026", "so-gieo": "11"})
    assert again.status_code == 303 and len(handed_on) == 1
    requests.run_job(handed_on[0], lambda: now)
    requests.run_job(handed_on[0], lambda: now)  # a task may come twice
    (run,) = session.scalars(select(IndexRun)).all()
    assert session.get_one(LongJob, handed_on[0], populate_existing=True).note == str(run.id) and run.seed == 11
    shown = client.get(f"/chi-so/lan-tinh/{run.id}?kiem-tra=1")
    assert "Tính lại: đúng từng chữ số" in shown.text
    for mark in (run.inputs_hash, run.code_hash, run.values_hash, "12 phản ánh", "chưa công bố"):
        assert mark in shown.text
    assert set(re.findall(r"/chi-so/dinh-nghia#(\w+)", shown.text)) <= {one.code for one in definitions()}
    assert client.post(f"/chi-so/lan-tinh/{run.id}/cong-bo").status_code == 303
    assert session.get_one(IndexPublication, run.id).at == now
    assert "đã công bố" in client.get("/chi-so/lan-tinh").text
    assert client.post(f"/chi-so/lan-tinh/{run.id}/cong-bo").status_code == 409


def test_by_right_a_figure_opens_its_tickets_and_its_published_run(
    client: TestClient, world: World, session: Session, now: datetime
) -> None:
    tickets(world, world.unit(), 12, days=5, score=4)
    first, last = date(2026, 10, 1), date(2026, 10, 31)
    asked = runs.prepare_request(session, world.unit(), first, last, world.actor(Role.MANAGER), last)
    run_id = runs.make_run(session, asked, world.unit(), seed=1, now=now, user_id=None)
    behind = "/chi-so/phan-anh?don-vi=03388&amp;tu=2026-10-01&amp;den=2026-10-31"
    sides, run = f"/chi-so/hai-mat?{OCTOBER}&don-vi=03388", f"/chi-so/lan-tinh/{run_id}"
    manager(client, world)
    assert behind not in client.get(sides).text and behind not in client.get(run).text
    assert f'href="{run}"' not in client.get(sides).text
    runs.publish_run(session, run_id, user_id=world.user(Role.MANAGER).id, now=now)
    assert f'href="{run}"' in client.get(sides).text
    sign_in(client, world.user(Role.LEADER))
    assert behind in client.get(sides).text and client.get(run).text.count(behind) > 10
    assert client.get(behind.replace("&amp;", "&")).status_code == 200


def test_a_run_of_the_province_is_hidden_from_a_leader(
    client: TestClient, world: World, session: Session, handed_on: list[int], now: datetime
) -> None:
    manager(client, world)
    for unit in ("", world.unit().code):
        client.post("/chi-so/lan-tinh", data={"don-vi": unit, "tu": "01/10/2026", "den": "31/10/2026"})
    for job in handed_on:
        requests.run_job(job, lambda: now)
    whole, own = session.scalars(select(IndexRun.id).order_by(IndexRun.id)).all()
    client.cookies.clear()
    sign_in(client, world.user(Role.LEADER))
    assert client.get(f"/chi-so/lan-tinh/{whole}").status_code == 404
    assert client.get(f"/chi-so/lan-tinh/{own}").status_code == 200
    listed = client.get("/chi-so/lan-tinh").text
    assert f'/chi-so/lan-tinh/{own}"' in listed and f'/chi-so/lan-tinh/{whole}"' not in listed
    assert client.post(f"/chi-so/lan-tinh/{own}/cong-bo").status_code == 403


def test_a_run_asked_for_while_the_broker_is_away_waits_and_is_told_so(
    client: TestClient, world: World, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_name: str, _args: object) -> None:
        raise OperationalError

    monkeypatch.setattr(app, "send_task", away)
    manager(client, world)
    client.post("/chi-so/lan-tinh", data={"tu": "01/10/2026", "den": "31/10/2026"})
    assert "sẽ tự bắt đầu trong ít phút" in client.get("/chi-so/lan-tinh").text
    assert [job.stage for job in session.scalars(select(LongJob))] == [JobStage.ASKED]


def test_figures_are_entered_and_what_does_not_add_up_is_listed(client: TestClient, world: World) -> None:
    manager(client, world)
    fields = {
        "noi": "lai-chau", "nam": "2024", "phuong-phap": "qd1001-2023", "ma-van-ban": "lai-chau-2025",
        "van-ban": "Báo cáo của UBND tỉnh Lai Châu năm 2025",
    }  # fmt: skip
    assert "Nhập số liệu công bố" in client.get("/chi-so/so-cong-bo").text
    bad = client.post("/chi-so/so-cong-bo", data=fields | {"bang": "ma,gia_tri\nsipas,101\n"})
    assert bad.status_code == 422 and "dòng 2: giá trị “101”" in bad.text and "sipas,101" in bad.text
    table = "ma;gia_tri;hang;so_tinh;doi_hang\nservice.feedback;80,08;50;63;5\n"
    done = client.post("/chi-so/so-cong-bo", data=fields | {"bang": table})
    assert "Đã lưu 1 số; 1 chỗ chưa khớp" in done.text and "mức đổi hạng không bằng hiệu hai hạng" in done.text
    other = client.post("/chi-so/so-cong-bo", data=fields | {"ma-van-ban": "van-ban-khac", "bang": table})
    assert other.status_code == 409 and "lai-chau-2025" in other.text
    file = {"tep": ("so.csv", b"ma,gia_tri\nservice.feedback,80.08\n", "text/csv")}
    assert "Đã lưu 1 số" in client.post("/chi-so/so-cong-bo", data=fields, files=file).text
