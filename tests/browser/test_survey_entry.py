"""A surveyor types a ballot with the keyboard alone: digits, Enter, and nothing goes off by a slip."""

import pytest

from tests.browser.conftest import People

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

IN_FOCUS = "[document.activeElement.name, document.activeElement.type]"


@pytest.mark.parametrize("width", [1280, 360])
def test_a_household_ballot_is_typed_with_digits_and_enter(people: People, width: int) -> None:
    officer = people.new(width=width)
    officer.sign_in("khaosat")
    page, keys = officer.page, officer.page.keyboard
    officer.go("/khao-sat")
    days = {"year": "2026", "first_day": "1/11/2026", "last_day": "31/12/2026", "planned_n": "60"}
    for name, value in {"code": f"go-phim-{width}", "name": "Gõ phím", **days}.items():
        page.fill(f"[name={name}]", value)
    page.select_option("[name=instrument]", "household-2023")
    officer.press("Mở đợt")
    officer.press("Nhập phiếu")
    keys.type("H1")  # the number has the focus from the beginning
    typed: dict[str, str] = {}
    for _group in range(100):
        name, kind = page.evaluate(IN_FOCUS)
        if kind == "submit":
            break
        typed[name] = kind
        if kind == "checkbox":
            keys.type("13")
        keys.press("1" if kind == "radio" else "Enter")
    assert "/nhap" in page.url and len([kind for kind in typed.values() if kind == "radio"]) == 78
    assert page.is_checked("[name=p2_1]") and page.is_checked("[name=p2_3]") and not page.is_checked("[name=p2_2]")
    page.focus("[name=q01][value='1']")
    keys.press("9")
    assert page.locator("fieldset.no-such").count() == 1 and page.evaluate(IN_FOCUS)[0] == "q01"
    page.get_by_role("button", name="Lưu phiếu").focus()
    with page.expect_navigation():
        keys.press("Enter")
    officer.check()
    assert "Đã lưu phiếu" in officer.text and page.evaluate(IN_FOCUS)[0] == "so_phieu"
