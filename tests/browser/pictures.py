"""The pictures of the README, taken from a running demonstration: python -m tests.browser.pictures [ADDRESS]"""

import io
import shutil
import sys

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from backend.devserver.demo.accounts import PASSWORD
from backend.settings import ROOT

TARGET = ROOT / "docs" / "pictures"
PHONE, DESK = (360, 640), (1280, 860)


def main() -> None:
    address = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"
    TARGET.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        citizen(page_of(browser, PHONE, address))
        officer(page_of(browser, DESK, address))
        manager(page_of(browser, DESK, address))
        browser.close()


def page_of(browser: Browser, size: tuple[int, int], address: str) -> Page:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, base_url=address, locale="vi-VN", device_scale_factor=2
    )
    return context.new_page()


def keep(page: Page, name: str, width: int) -> None:
    """Half a screen's width is enough to see what the page is like."""
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS).save(
        TARGET / f"{name}.webp", quality=82, method=6
    )


def citizen(page: Page) -> None:
    page.goto("/gui")
    keep(page, "send", 300)
    page.fill("[name=title]", "Đèn đường ở cổng chợ không sáng")
    page.fill("[name=content]", "Dãy đèn ở cổng chợ tắt đã ba tối nay, học sinh đi học thêm về rất tối.")
    page.select_option("[name=category]", label="Đường sá, giao thông")
    page.select_option("[name=unit]", label="Phường Đoàn Kết")
    page.get_by_role("button", name="Xem lại trước khi gửi").click()
    page.get_by_role("button", name="Gửi phản ánh", exact=True).click()
    keep(page, "receipt", 300)


def sign_in(page: Page, email: str) -> None:
    page.goto("/dang-nhap")
    page.fill("[name=email]", email)
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Đăng nhập").click()


def officer(page: Page) -> None:
    sign_in(page, "dieuphoi@demo.langnghe.vn")
    keep(page, "inbox", 640)
    page.get_by_role("main").get_by_role("link").filter(has_text="bản").first.click()
    keep(page, "ticket", 640)


def manager(page: Page) -> None:
    sign_in(page, "quanly@demo.langnghe.vn")
    keep(page, "manager", 640)
    page.locator("#subindices-title").evaluate("title => title.scrollIntoView()")
    keep(page, "subindices", 640)


if __name__ == "__main__":
    main()
