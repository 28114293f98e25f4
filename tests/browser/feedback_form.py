"""The citizen's form, filled in as every journey begins."""

from tests.browser.conftest import Visitor

CONTENT = "Dãy đèn ở cổng chợ tắt đã ba tối nay, học sinh đi học thêm về rất tối. Mong được sửa."


def fill_form(citizen: Visitor, title: str, unit: str = "Phường Đoàn Kết") -> None:
    """Fill everything but the consent. The tests share one site: the title must be the test's own, for an officer who
    opens the first ticket of that name must find this one."""
    page = citizen.page
    page.fill("[name=title]", title)
    page.fill("[name=content]", CONTENT)
    page.select_option("[name=category]", label="Đường sá, giao thông")
    page.select_option("[name=unit]", label=unit)
    page.fill("[name=name]", "Lò Thị Trình Duyệt")
    page.fill("[name=email]", "trinhduyet@example.org")
