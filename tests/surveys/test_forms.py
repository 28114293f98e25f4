"""New versions of instruments and methods: every fault told with its line, compared, published, never changed."""

import copy
import re
import tomllib
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from backend.errors import Invalid
from backend.surveys.forms import documents, instruments, publishing
from backend.surveys.forms.instrument_faults import list_faults
from backend.surveys.forms.instruments import InstrumentError
from backend.surveys.models import Ballot, BallotBatch
from backend.surveys.rounds import figures, queries, service
from backend.users.guard import COOKIE
from backend.users.models import Role
from tests.command import Command
from tests.factories import World
from tests.signing_in import signed_in

SHORT = files("backend.surveys").joinpath("data", "feedback-1.toml").read_text(encoding="utf-8")
NEW = SHORT.replace('version = "1"', 'version = "2"').replace("dễ dàng", "thuận tiện")
METHOD = (files("analytics") / "data" / "qd1001-2023.toml").read_text(encoding="utf-8")
PAGE = "/khao-sat/mau"


def line(content: str, part: str) -> int:
    return next(at for at, one in enumerate(content.splitlines(), 1) if part in one)


@pytest.mark.parametrize(
    ("old", "new", "at", "says"),
    [
        ('aspect = "satisfaction"', 'aspect = "satisfied"', "aspect =", "question[0].aspect: phải là một trong"),
        ('column = "q38"', 'column = "q37"', '"service.feedback.2"', "“q37” đã có ở question[0].items[0].column"),
        ('column = "q39"', 'column = "Q 39"', '"Q 39"', "question[0].items[2].column: tên cột dùng chữ thường"),
        ('"service.feedback.3"', '"service.other.3"', "service.other.3", "nhóm “service.other” chưa có tên"),
        ("value = 4", "value = 5", "levels = [", "scale.satisfaction.levels: giá trị của các mức phải tăng dần"),
        ('scale = "satisfaction"', 'scale = "fit"', 'scale = "fit"', "không có thang “fit”"),
        ("complete = true", "complete = true\nkomplete = 1", "komplete", "komplete: không có khóa này."),
        ("complete = true", 'complete = "yes"', "complete", "complete: giá trị phải thuộc kiểu boolean"),
        ('en = "Very satisfied"', 'en = ""', "value = 5", "levels[4].en: không được để trống."),
        (
            'code = "service.feedback.1",',
            'code = "service.feedback.1", weight = 0,',
            "weight",
            "quyền số phải là số lớn",
        ),
        ('kind = "scale"', 'kind = "scal"', "kind =", "question[0].kind: phải là một trong scale, single"),
        ('vi = "Việc cung', "vi = Việc cung", "Việc cung", "không đọc được như TOML"),
    ],
)
def test_each_fault_is_told_with_its_line(old: str, new: str, at: str, says: str) -> None:
    assert old in SHORT
    content = SHORT.replace(old, new, 1)
    with pytest.raises(Invalid) as refused:
        publishing.read_document(content)
    said = [str(one) for one in refused.value.errors]
    assert len(said) == 1 and says in said[0], said
    assert said[0].startswith(f"{line(content, at)}: ") or said[0].startswith(f"Dòng {line(content, at)},"), said


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (re.sub("first_year = .*", "first_year = 2026-01-01", SHORT), "[0-9]: first_year: giá trị phải thuộc"),
        ("first_year = 08:00:00\n" + re.sub("first_year = .*", "", METHOD), "^1: first_year: giá trị phải thuộc"),
        (re.sub("first_year = .*", "first_year = inf", METHOD), "Phương pháp chưa đúng"),
        (re.sub("^code = .*", "code = 2026", METHOD, count=1, flags=re.MULTILINE), "Mã phương pháp"),
        (re.sub("^code = .*", "code = []", METHOD, count=1, flags=re.MULTILINE), "Mã phương pháp"),
    ],
)
def test_a_day_or_a_number_in_the_wrong_place_is_refused_in_a_sentence(content: str, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        publishing.read_document(content)


def test_every_fault_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mau.toml"
    file.write_text(
        SHORT.replace("value = 1,", "valu = 1,").replace('method = "', 'methd = "').replace('kind = "', 'kid = "')
    )
    said = Command(monkeypatch).refusal("survey", "instruments", "--check", file).splitlines()
    assert len(said) >= 6 and any("method: còn thiếu" in one for one in said) and any("methd" in one for one in said)


DOCUMENTS = [instruments.shipped_instrument(key).document for key in instruments.SHIPPED]


@settings(max_examples=150)
@given(st.data())
def test_a_broken_document_is_refused_in_sentences_and_never_crashes(data: st.DataObject) -> None:
    """Values removed or replaced anywhere: the document is fit and reads back the same, or every fault has a path."""
    document = copy.deepcopy(dict(data.draw(st.sampled_from(DOCUMENTS))))
    for _times in range(data.draw(st.integers(1, 3))):
        node: Any = document
        while True:
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            if not keys:
                break
            key = data.draw(st.sampled_from(keys))
            if not isinstance(node[key], dict | list) or not node[key] or data.draw(st.integers(0, 3)) == 0:
                values = st.sampled_from([None, "", 0, -1, True, [], {}, "x", 2.5, ["x"], {"vi": "x"}])
                value = data.draw(values)
                if value is None:
                    del node[key]
                else:
                    node[key] = value
                break
            node = node[key]
    wrong = list_faults(document)
    assert all(str(fault) and fault.params["path"] for fault in wrong)
    if wrong:
        with pytest.raises(InstrumentError):
            instruments.parse_instrument(document)
    else:
        one = instruments.parse_instrument(document)
        assert tomllib.loads(documents.write_toml(document)) == document
        assert one.columns and len({*one.columns}) == len(one.columns)


@pytest.fixture
def officer(client: TestClient, session: Session, world: World, now: datetime) -> TestClient:
    client.cookies.set(COOKIE, signed_in(session, world.user(Role.SURVEY), now))
    return client


def test_an_officer_makes_a_new_version_from_an_old_one_and_it_stays(officer: TestClient, session: Session) -> None:
    start = officer.get(PAGE, params={"tu": "feedback-1"}).text
    assert "service.feedback.2" in start and "Sửa thành bản mới" in start
    looked = officer.post(PAGE, data={"toml": NEW, "act": "check"})
    assert looked.status_code == 200 and "Hợp lệ" in looked.text and "đổi câu chữ" in looked.text
    assert "thuận tiện" in looked.text and "dễ dàng" in looked.text
    assert officer.get(PAGE + "/feedback-2").status_code == 404
    assert officer.post(PAGE, data={"toml": NEW, "act": "publish"}).status_code == 303
    assert officer.post(PAGE, data={"toml": NEW, "act": "publish"}).status_code == 303
    assert "thuận tiện" in officer.get(PAGE + "/feedback-2").text
    changed = officer.post(PAGE, data={"toml": NEW.replace("thuận tiện", "nhanh"), "act": "publish"})
    assert changed.status_code == 409 and "đặt phiên bản mới" in changed.text and "nhanh" in changed.text
    assert "đổi câu chữ" in officer.get(PAGE + "/feedback-2/khac").text
    assert "thuận tiện" in officer.get(PAGE, params={"tu": "feedback-2"}).text
    wrong = officer.post(
        PAGE, data={"toml": NEW.replace("q37", "so_phieu").replace("qd1001-2023", "qd-x"), "act": "publish"}
    )
    assert wrong.status_code == 422 and "đã dành cho" in wrong.text and "Chưa có phương pháp" in wrong.text


def test_a_method_of_ones_own_is_published_and_counts_the_ballots_of_its_form(
    officer: TestClient, session: Session, now: datetime
) -> None:
    own = METHOD.replace('code = "qd1001-2023"', 'code = "cua-tinh"').replace("max = 5", "max = 10")
    assert officer.post(PAGE, data={"toml": own.replace('group = "items"', ""), "act": "publish"}).status_code == 422
    assert officer.post(PAGE, data={"toml": METHOD.replace("2026", "2027"), "act": "publish"}).status_code == 409
    assert officer.post(PAGE, data={"toml": own, "act": "publish"}).status_code == 303
    form = NEW.replace('method = "qd1001-2023"', 'method = "cua-tinh"')
    assert officer.post(PAGE, data={"toml": form, "act": "publish"}).status_code == 303
    plan = service.RoundPlan("rieng", "Đợt riêng", "feedback-2", "12", 2026, date(2026, 11, 1), date(2026, 11, 30), 20)
    found = service.open_round(session, plan, by="system", now=now)
    batch = BallotBatch(round_id=found.id, source="file", created_at=now)
    session.add(batch)
    session.flush()
    for number in range(12):
        session.add(
            Ballot(round_id=found.id, batch_id=batch.id, number=str(number), weight=1.0, answers=[4, 4, 4], valid=True,
                   marks=[], entered_on=date(2026, 11, 2))
        )  # fmt: skip
    session.flush()
    result = figures.estimate_round(session, queries.round_called(session, "rieng"))
    assert result.index("service.feedback").estimate == pytest.approx(40.0)
    with pytest.raises(ProgrammingError, match="append-only"), session.begin_nested():
        session.execute(text("UPDATE survey_methods SET checksum = ''"))


def test_two_methods_are_compared_by_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    command = Command(monkeypatch)
    said = command.run("survey", "methods", "--diff", "form-2022", "qd1001-2023").stdout
    assert "aggregation.overall" in said and "children" in said and "legal_basis" in said
    forms = command.run("survey", "instruments", "--diff", "household-2022", "household-2023").stdout
    assert "Giữ nguyên" in forms and "legal_basis" in forms
    assert "qd2640" in command.run("survey", "methods").stdout
