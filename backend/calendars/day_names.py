"""What the name of an event says about its day: worked, off, or only commemorated. Pure.

Names of make-up days differ between calendars ("Ngày làm bù 2/1", "Đi làm bù", "Special Working Day"), and many
calendars list days that are not off ("Giáng sinh"). The evidence is read in this order:

1. the mark of the program that wrote the file (Apple writes ``X-APPLE-SPECIAL-DAY``),
2. the first word of the name that says worked or off: "Nghỉ hoán đổi (làm bù 10/01)" is a day off,
3. a word of exchange ("Hoán đổi"), which at a weekend means worked and on a weekday off,
4. the kind that the file names ("Ngày lễ kỷ niệm" is an observance, "Ngày lễ" a public holiday),
5. the names of days that are off by law, or of days that are always worked.

If a name says nothing, the administrator decides.
"""

import re
import unicodedata
from enum import StrEnum
from typing import Final

from backend.files.text import few_marks

READ_MOST: Final = 500  # letters read of a name or a description


class DayMeaning(StrEnum):
    """What an event says about its day."""

    OFF = "off"
    WORKED = "worked"
    UNSURE = "unsure"  # an observance, or a name that says nothing


VENDOR_MARKS: Final = {"ALTERNATE-WORKDAY": DayMeaning.WORKED, "WORK-HOLIDAY": DayMeaning.OFF}
# The longer phrase comes first: "không nghỉ" is worked although "nghỉ" is off.
_SAYS: Final = re.compile(
    r"\b(?:"
    r"(?P<worked>không (?:được )?nghỉ|(?:đi )?làm bù|đi làm|làm việc|not off"
    r"|(?:make[- ]?up |special |substitute |compensatory )?work(?:ing)?(?: |-)?day|working"
    r"|khong (?:duoc )?nghi|(?:di )?lam bu|di lam|lam viec)"
    r"|(?P<off>không (?:phải )?(?:đi )?làm(?: việc)?|nghỉ|non[- ]?work(?:ing)?|not work(?:ing)?|no work"
    r"|days? off|off|(?:bank |public )?holidays?|closed"
    r"|khong (?:phai )?(?:di )?lam(?: viec)?|nghi(?! quyet| dinh| vien))"
    r")\b"
)
_EXCHANGE: Final = re.compile(r"\b(?:hoán đổi|đổi ngày|bù|hoan doi|doi ngay|bu|swap(?:ped)?|make[- ]?up|in lieu)\b")
_OBSERVANCE: Final = re.compile(r"^(?:ngày lễ kỷ niệm|ngày lễ kỉ niệm|ngày kỷ niệm|ngày kỉ niệm|observance)\b")
_PUBLIC: Final = re.compile(r"^(?:ngày lễ|public holiday|national holiday|federal holiday)\b")
_KEPT_AT_WORK: Final = re.compile(
    r"\b(?:giáng sinh|noel|christmas|phục sinh|easter|valentine|halloween|trung thu|nguyên tiêu|hàn thực|đoan ngọ"
    r"|vu lan|ông công|ông táo|thiếu nhi|phụ nữ|nhà giáo|thầy thuốc|doanh nhân|báo chí|gia đình|của cha|của mẹ"
    r"|thành lập|mother'?s|father'?s|women'?s|teacher'?s|children'?s)\b"
)
# Bộ luật Lao động 2019, Điều 112, and Nghị quyết 28/2026/QH16.
_BY_LAW: Final = re.compile(
    r"\b(?:tết|quốc khánh|giỗ tổ|hùng vương|chiến thắng|giải phóng miền nam|thống nhất|lao động|văn h(?:óa|oá) việt nam"
    r"|giao thừa|m[ùồ]ng (?:một|hai|ba|bốn|tư|năm|[1-5])|new year|tet|national day|independence day|labou?r day"
    r"|reunification|liberation day|victory day|hung kings?)\b"
)


def meaning_of(name: str, *, weekend: bool, sorts: tuple[str, ...] = (), mark: str = "") -> DayMeaning:
    """Return what an event says about its day. ``sorts`` are its description and categories, ``mark`` the vendor's."""
    name = folded_name(name)
    if marked := VENDOR_MARKS.get(mark.strip().upper()):
        return marked
    if word := _SAYS.search(name):
        return DayMeaning.WORKED if word["worked"] else DayMeaning.OFF
    if _EXCHANGE.search(name):
        return DayMeaning.WORKED if weekend else DayMeaning.OFF
    return _meaning_of_sort(name, [folded_name(sort) for sort in sorts])


def folded_name(text: str) -> str:
    """Return a name in one spelling: composed letters, Đ for its look-alike Ð, no capitals, single blanks."""
    text = unicodedata.normalize("NFC", few_marks(text[:READ_MOST])).replace("Ð", "Đ").replace("ð", "đ")
    return " ".join(text.casefold().split())


def _meaning_of_sort(name: str, sorts: list[str]) -> DayMeaning:
    if any(_OBSERVANCE.search(sort) for sort in sorts) or _KEPT_AT_WORK.search(name):
        return DayMeaning.UNSURE
    if any(_PUBLIC.search(sort) for sort in sorts) or _BY_LAW.search(name):
        return DayMeaning.OFF
    if any((word := _SAYS.search(sort)) and word["worked"] for sort in sorts):
        return DayMeaning.WORKED
    return DayMeaning.UNSURE
