"""A real browser on the real services: web, worker and beat as processes, on a committed database and a real broker."""

import http.client
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, sync_playwright

from backend.devserver import embedded, processes
from backend.settings import ROOT
from tests.databases import new_database
from tests.debian_servers import free_port
from tests.waiting import wait_until

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PASSWORD = "lang-nghe-2026"


@dataclass(frozen=True)
class Site:
    """Where the pages are, and what they show."""

    address: str
    database: str


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The services as ``langnghe up`` runs them, with 400 tickets of the demonstration."""
    folder = tmp_path_factory.mktemp("site")
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    broker = embedded.start_broker(folder)
    database = new_database("browser")
    env = {
        **os.environ,
        "LANGNGHE_DATABASE_URL": database,
        "LANGNGHE_BROKER_URL": broker.url,
        "LANGNGHE_DATA_DIR": str(folder),
        "LANGNGHE_BASE_URL": address,
    }
    demo = [sys.executable, "-m", "backend.cli", "seed", "demo", "--tickets", "400"]
    subprocess.run(demo, env=env, cwd=ROOT, check=True)
    celery = [sys.executable, "-m", "celery", "--app", "backend.worker"]
    commands = {
        "web": [sys.executable, "-m", "uvicorn", "backend.app:create_app", "--factory", "--port", str(port)],
        "worker": [*celery, "worker", "--queues", "messages,work", "--pool", "solo"],
        "beat": [*celery, "beat", "--schedule", str(folder / "beat"), "--pidfile", ""],
    }
    started = [
        processes.spawn_process(command, log=folder / f"{name}.log", env=env, cwd=ROOT)
        for name, command in commands.items()
    ]
    try:
        wait_until(lambda: _answers(port))
        yield Site(address, database)
    finally:
        processes.stop_processes(started)
        broker.stop()


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/healthz")
    return connection.getresponse().status == http.client.OK


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. Where there is none the tests are skipped with this reason; in CI that is a failure."""
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have Chromium")
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@dataclass
class Visitor:
    """Somebody at a browser. Every page they come to is checked by axe."""

    page: Page
    address: str

    def go(self, path: str) -> None:
        self.page.goto(self.address + path)
        self.check()

    def press(self, name: str) -> None:
        """Press the button of that name and check the page it leads to."""
        self.follow(self.page.get_by_role("button", name=name, exact=True).first)
        self.check()

    def open(self, link: str | re.Pattern[str]) -> None:
        """Follow the first link of that name and check the page it leads to."""
        self.follow(self.page.get_by_role("link", name=link).first)
        self.check()

    def follow(self, control: Locator) -> None:
        """Click what leads away and wait until the next page stands: right after the click the old one may still do."""
        with self.page.expect_navigation():
            control.click()

    def check(self) -> None:
        results = Axe().run(self.page)
        assert results.violations_count == 0, f"{self.page.url}\n{results.generate_report()}"

    def sign_in(self, who: str) -> None:
        self.go("/dang-nhap")
        self.page.fill("[name=email]", f"{who}@demo.langnghe.vn")
        self.page.fill("[name=password]", PASSWORD)
        self.press("Đăng nhập")

    @property
    def text(self) -> str:
        return self.page.inner_text("main")


class People:
    """Makes visitors, each with cookies of their own."""

    def __init__(self, browser: Browser, address: str) -> None:
        self._browser = browser
        self._address = address
        self.contexts: list[BrowserContext] = []

    def new(self, *, width: int = 1280, dark: bool = False, scripts: bool = True) -> Visitor:
        context = self._browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            locale="vi-VN",
            java_script_enabled=scripts,
        )
        self.contexts.append(context)
        return Visitor(context.new_page(), self._address)


@pytest.fixture
def people(browser: Browser, site: Site) -> Iterator[People]:
    people = People(browser, site.address)
    yield people
    for context in people.contexts:
        context.close()
