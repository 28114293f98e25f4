"""What every page and every request has, whatever room it belongs to."""

import hashlib
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.testclient import TestClient
from starlette.datastructures import FormData

from backend.app import create_app
from backend.errors import DomainError, Forbidden, Invalid, NotSignedIn, TooMany
from backend.settings import get_settings
from backend.web import rendering
from backend.web.assets import STATIC, load_assets
from backend.web.forms import FormReader, FormView, TypedDep

TEMPLATES = sorted(rendering.TEMPLATES.rglob("*.html"))
# Mail programs read inline style alone, and no page ever shows these.
MAILS = sorted((rendering.TEMPLATES / "notify").glob("*email.html"))
OURS = {"Sec-Fetch-Site": "same-origin"}


def raiser(app: FastAPI, path: str, error: Exception) -> None:
    """A route that fails in this way, for reading and for writing."""

    def fail() -> None:
        raise error

    app.add_api_route(path, fail, methods=["GET", "POST"])


@pytest.fixture
def app() -> FastAPI:
    """The application with a few rooms more, whose behaviour is only what it raises or returns."""
    app = create_app()
    app.state.demonstration = lambda: False  # no database here
    raiser(app, "/t/refused", Forbidden())
    raiser(app, "/t/often", TooMany("Hãy đợi.", retry_after=90))
    raiser(app, "/t/unsigned", NotSignedIn())
    raiser(app, "/t/broken", ValueError("điện thoại 0912345678"))
    raiser(app, "/t/fields", Invalid("Có lỗi.", errors=(Invalid("Hãy viết tiêu đề.", field="title"),)))

    @app.get("/t/secret")
    def secret(request: Request) -> Response:
        return rendering.render_page(
            request, "error.html", secret=True, heading="x", error=Forbidden("x" * 5000), code=403
        )

    @app.get("/t/part")
    def part(request: Request) -> Response:
        return rendering.render_page(request, "error.html", block="main", heading="Tên", error=Forbidden(), code=403)

    @app.get("/t/number/{number}")
    def numbered(number: int) -> int:
        return number

    @app.get("/t/saved")
    def saved(request: Request) -> Response:
        return rendering.redirect_to(request, "/t/unknown", flash="Đã lưu.")

    @app.post("/t/form")
    def form(request: Request, form: TypedDep) -> dict[str, str]:
        title = form.text("title", limit=100, required="Hãy viết tiêu đề.")
        form.check()
        return {"title": title}

    return app


@pytest.fixture
def browser(app: FastAPI) -> Iterator[TestClient]:
    """A browser that needs no database."""
    with TestClient(app, follow_redirects=False, headers={"Accept": "text/html", "Accept-Language": "vi"}) as client:
        yield client


# --- what templates may not hold


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_templates_escape_everything_and_hold_no_inline_script_or_style(template: Path) -> None:
    source = re.sub(r"\{#.*?#\}", "", template.read_text(), flags=re.DOTALL)
    assert not re.search(r"\|\s*safe\b|Markup|autoescape", source)
    assert template in MAILS or not re.search(r"\sstyle\s*=|<style", source, re.IGNORECASE)
    assert not re.search(r"\son[a-z]+\s*=|javascript:", source, re.IGNORECASE)
    assert not re.search(r"hx-on|hx-vals=.js:|hx-vars", source)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", source))
    assert not re.search(r"(src|href|action)=\"(https?:)?//", source)


def test_vendored_files_are_those_of_the_checksums_and_have_their_licences() -> None:
    vendor = STATIC / "vendor"
    sums = {
        name: digest for digest, name in (line.split("  ") for line in (vendor / "CHECKSUMS").read_text().splitlines())
    }
    others = {"CHECKSUMS", "refresh.py", "__pycache__"}
    assert set(sums) == {path.name for path in vendor.iterdir()} - others
    for name, digest in sums.items():
        assert hashlib.sha256((vendor / name).read_bytes()).hexdigest() == digest
    assert {"htmx.LICENSE", "pico.LICENSE.md"} <= set(sums)


# --- every page


def test_every_page_has_language_landmarks_one_heading_and_its_protection(browser: TestClient) -> None:
    answer = browser.get("/t/unknown")
    assert answer.status_code == 404
    assert '<html lang="vi">' in answer.text
    assert 'href="#main"' in answer.text
    assert '<main id="main"' in answer.text
    assert answer.text.count("<h1") == 1
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"


def test_first_view_weighs_at_most_150_kb_and_asks_no_other_site(browser: TestClient) -> None:
    page = browser.get("/t/unknown")
    links = re.findall(r'<(?:link|script)[^>]+(?:href|src)="([^"]+)"', page.text)
    assert len(links) >= 4
    assert all(link.startswith("/static/") for link in links)
    answers = [page, *map(browser.get, links)]
    assert all(answer.status_code in (200, 404) and answer.headers["content-length"] for answer in answers)
    assert sum(int(answer.headers["content-length"]) for answer in answers) < 150_000
    assert all("immutable" in answer.headers["cache-control"] for answer in answers[1:])


def test_a_stale_address_of_a_file_is_served_but_not_kept(browser: TestClient) -> None:
    answer = browser.get("/static/000000000000/app.css")
    assert answer.content == load_assets()["app.css"].body
    assert answer.headers["cache-control"] == "no-cache"
    assert browser.get("/static/x/../../settings.py").status_code == 404


def test_only_pages_without_secrets_are_compressed_and_stored(browser: TestClient) -> None:
    secret = browser.get("/t/secret")
    assert secret.headers["cache-control"] == "no-store"
    assert "content-encoding" not in secret.headers
    assert browser.get("/t/unknown").headers["content-encoding"] == "gzip"


def test_a_fragment_is_the_block_alone(browser: TestClient) -> None:
    part = browser.get("/t/part").text
    assert "<h1>Tên</h1>" in part
    assert "<html" not in part


def test_a_form_comes_back_filled_with_each_refusal_linked_to_its_field() -> None:
    ui = rendering.template_environment("vi").globals["ui"]
    form = FormView({"title": '"><svg onload=x>'}, {"title": Invalid("Hãy viết tiêu đề.", field="title")})
    field = str(ui.input(form, "title", "Tiêu đề", hint="Một câu", required=True))  # type: ignore[attr-defined]
    assert "<svg onload" not in field
    assert "&lt;svg onload=x&gt;" in field
    assert 'aria-describedby="title-hint title-error"' in field
    assert 'aria-invalid="true"' in field
    assert '<a href="#title">Hãy viết tiêu đề.</a>' in str(ui.error_summary(form))  # type: ignore[attr-defined]


def test_a_label_that_passes_through_translation_is_still_escaped() -> None:
    template = rendering.template_environment("en").from_string("{{ _(label) }}")
    assert template.render(label="<script>") == "&lt;script&gt;"


# --- language


def test_the_switch_changes_the_language_and_returns_to_the_page(browser: TestClient) -> None:
    answer = browser.post("/ngon-ngu", data={"lang": "en", "next": "/t/unknown?a=1"}, headers=OURS)
    assert (answer.status_code, answer.headers["location"]) == (303, "/t/unknown?a=1")
    assert '<html lang="en">' in browser.get("/t/unknown").text


def test_the_answer_to_a_form_offers_no_switch_that_would_lose_what_is_typed(client: TestClient) -> None:
    assert 'action="/ngon-ngu"' in client.get("/gui").text
    answer = client.post("/gui/xem-lai", data={"title": "Ổ gà"})
    assert answer.status_code == 422 and "Ổ gà" in answer.text
    assert 'action="/ngon-ngu"' not in answer.text


@pytest.mark.parametrize(
    "target", ["//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil.example", "evil", "", "/a\r\nb"]
)
def test_a_return_address_on_another_site_is_replaced(browser: TestClient, target: str) -> None:
    answer = browser.post("/ngon-ngu", data={"lang": "en", "next": target}, headers=OURS)
    assert answer.headers["location"] == "/"


def test_a_notice_is_shown_once(browser: TestClient) -> None:
    browser.get("/t/saved")
    assert 'role="status">Đã lưu.' in browser.get("/t/unknown").text
    assert "Đã lưu." not in browser.get("/t/unknown").text


def test_a_forged_notice_is_not_shown(browser: TestClient) -> None:
    browser.cookies.set("flash", "WyJzdWNjZXNzIiwieCJd.aaaa.bbbb")
    assert "flash" not in re.findall(r'<p class="(\w+)', browser.get("/t/unknown").text)


# --- the gate


@pytest.mark.parametrize(
    ("headers", "let_in"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"}, False),
        ({"Origin": "http://testserver"}, True),
        ({"Origin": "http://testserver.evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Cookie": "session=x"}, False),
        ({}, True),
    ],
)
def test_writes_from_another_site_are_refused(browser: TestClient, headers: dict[str, str], let_in: bool) -> None:
    answer = browser.post("/t/form", data={"title": "Đường hỏng"}, headers=headers)
    assert answer.status_code == (200 if let_in else 403)
    if not let_in:
        assert "không đến từ trang của chúng tôi" in answer.text
        assert "content-security-policy" in answer.headers


def test_the_sites_public_address_counts_as_ours_behind_a_proxy(
    browser: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANGNGHE_BASE_URL", "https://langnghe.example")
    get_settings.cache_clear()
    try:
        app = create_app()
        app.state.demonstration = lambda: False  # no database here
        with TestClient(app) as client:
            answer = client.post("/ngon-ngu", headers={"Origin": "https://langnghe.example"}, follow_redirects=False)
            assert answer.status_code == 303
            assert answer.headers["strict-transport-security"]
            foreign = client.post("/ngon-ngu", headers={"Origin": "https://evil.example"})
            assert foreign.status_code == 403
    finally:
        get_settings.cache_clear()


@pytest.mark.parametrize("address", ["/t/number/%00", "/t/unknown?q=a%00b"])
def test_a_nul_in_the_address_is_refused(browser: TestClient, address: str) -> None:
    assert browser.get(address).status_code == 422


# --- forms


@pytest.mark.parametrize(
    ("title", "status"),
    [("Đường hỏng", 200), ("a\x00b", 200), ("\u200b\u202e", 422), ("", 422), ("ạ" * 101, 422), ("x" * 1_000_000, 422)],
)
def test_whatever_is_typed_gives_an_answer_and_never_a_failure(browser: TestClient, title: str, status: int) -> None:
    answer = browser.post("/t/form", data={"title": title}, headers={**OURS, "Accept": "application/json"})
    assert answer.status_code == status
    assert "\x00" not in answer.text
    if status == 422:
        assert set(answer.json()["fields"]) == {"title"}


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("22/11/2026", date(2026, 11, 22)),
        (" 1.2.2026 ", date(2026, 2, 1)),
        ("2026-11-22", date(2026, 11, 22)),
        ("29/02/2028", date(2028, 2, 29)),
        ("", None),
    ],
)
def test_a_date_is_read_as_people_write_it(typed: str, read: date | None) -> None:
    form = FormReader(FormData([("day", typed)]))
    assert form.day("day") == read
    assert not form.refusals


@pytest.mark.parametrize(
    "typed", ["31/02/2026", "29/02/2026", "0/1/2026", "22/11/26", "11/22/2026", "hôm qua", "٢٢/١١/٢٠٢٦"]
)
def test_a_date_that_is_none_is_refused_and_stays_in_the_form(typed: str) -> None:
    form = FormReader(FormData([("day", typed)]))
    assert form.day("day") is None
    assert form.form().error("day")
    assert form.form().value("day") == typed


def test_too_many_fields_are_refused(browser: TestClient) -> None:
    answer = browser.post("/t/form", data={f"f{i}": "x" for i in range(201)}, headers=OURS)
    assert answer.status_code == 413
    assert "<h1>" in answer.text
    assert "Too many" not in answer.text


def test_a_broken_upload_is_refused(browser: TestClient) -> None:
    headers = {**OURS, "Content-Type": "multipart/form-data; boundary=x"}
    nameless = b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--\r\n"
    assert browser.post("/t/form", content=nameless, headers=headers).status_code == 400


# --- refusals


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/t/refused", 403),
        ("GET", "/t/unknown", 404),
        ("DELETE", "/ngon-ngu", 405),
        ("GET", "/t/number/x", 404),
        ("GET", "/t/fields", 422),
        ("GET", "/t/often", 429),
        ("POST", "/t/unsigned", 401),
        ("GET", "/t/broken", 500),
    ],
)
def test_each_refusal_is_a_page_in_both_languages_and_json_for_machines(
    browser: TestClient, method: str, path: str, status: int
) -> None:
    for lang in ("vi", "en"):
        answer = browser.request(method, path, headers={**OURS, "Accept-Language": lang})
        assert answer.status_code == status
        assert f'<html lang="{lang}">' in answer.text
        assert answer.text.count("<h1") == 1
        assert "Traceback" not in answer.text
        assert "content-security-policy" in answer.headers
    machine = browser.request(method, path, headers={**OURS, "Accept": "application/json"})
    assert machine.status_code == status
    assert machine.json()["error"]


def test_waiting_is_told_in_seconds(browser: TestClient) -> None:
    assert browser.get("/t/often").headers["retry-after"] == "90"


def test_who_is_not_signed_in_is_sent_to_sign_in_and_back(browser: TestClient) -> None:
    answer = browser.get("/t/unsigned?page=2")
    assert (answer.status_code, answer.headers["location"]) == (303, "/dang-nhap?next=/t/unsigned%3Fpage%3D2")
    part = browser.get("/t/unsigned", headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/hop-thu?q=x"})
    assert part.headers["hx-redirect"] == "/dang-nhap?next=/hop-thu"


def test_a_form_sent_without_a_session_goes_to_the_room_that_keeps_it(app: FastAPI, browser: TestClient) -> None:
    async def resume(request: Request) -> Response:
        form = await request.form()
        return Response(str(form["title"]), 401)

    app.state.not_signed_in = resume
    assert browser.post("/t/unsigned", data={"title": "Đường hỏng"}, headers=OURS).text == "Đường hỏng"


def test_a_failure_of_ours_shows_a_reference_that_the_log_has(
    browser: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    answer = browser.get("/t/broken", headers={"Accept": "application/json"})
    assert answer.json()["reference"] in caplog.text
    assert "0912345678" not in answer.text


def test_the_log_names_routes_and_never_what_was_asked(browser: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "langnghe.web")
    browser.get("/t/number/123456789?phone=0912345678")
    assert "GET /t/number/{number} 200" in caplog.text
    assert "123456789" not in caplog.text.replace("/t/number/{number}", "")


def test_demonstration_data_is_announced_on_every_page(app: FastAPI, browser: TestClient) -> None:
    assert 'class="demo"' not in browser.get("/t/unknown").text
    app.state.demonstration = lambda: True
    assert 'class="demo"' in browser.get("/t/unknown").text


def test_health_answers_without_details(client: TestClient) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.text) == (200, "ok")


def test_every_status_of_a_refusal_has_a_heading() -> None:
    from backend.web.refusals import TITLES

    def below(kind: type[DomainError]) -> Iterator[type[DomainError]]:
        yield kind
        for child in kind.__subclasses__():
            yield from below(child)

    assert {kind.status for kind in below(DomainError)} <= set(TITLES)


def test_pages_are_sent_without_the_indentation_of_their_templates(client: TestClient) -> None:
    page = client.get("/dang-nhap").text
    assert "<main" in page
    assert [line for line in page.splitlines() if line.startswith(" ")] == []
