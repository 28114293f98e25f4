"""Somebody who types at a browser of their own until the browser is killed: python -m tests.browser.typist ADDRESS
NUMBER FOLDER. A file ``saved`` in the folder says that the page has said so."""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.conftest import CHROMIUM, PASSWORD


def main(address: str, number: str, folder: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_context(locale="vi-VN", base_url=address).new_page()
        page.goto("/dang-nhap")
        page.fill("[name=email]", "canbo@demo.langnghe.vn")
        page.fill("[name=password]", PASSWORD)
        page.get_by_role("button", name="Đăng nhập").click()
        page.wait_for_url("**/hop-thu*")
        page.goto(f"/hop-thu/{number}")
        page.locator("[name=answer]").press_sequentially("Đã gõ và đã lưu.")
        page.locator("#draft").filter(has_text="Đã lưu nháp lúc").wait_for()
        (Path(folder) / "saved").touch()
        while True:
            page.locator("[name=answer]").press_sequentially(" Gõ tiếp.")


if __name__ == "__main__":
    main(*sys.argv[1:])
