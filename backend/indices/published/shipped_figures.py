"""The published figures that come with the package, one row per stored figure. Pure: reads package data only."""

import csv
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from backend.indices.models import FigureKind

LAI_CHAU: Final = "lai-chau"
GIA_NGHIA: Final = "gia-nghia"
COUNTRY: Final = "toan-quoc"
GEOGRAPHIES: Final = {LAI_CHAU: "Tỉnh Lai Châu", GIA_NGHIA: "Thành phố Gia Nghĩa", COUNTRY: "Toàn quốc"}
PROVINCES: Final = 63
METHOD_OF: Final = {(LAI_CHAU, 2022): "form-2022", (LAI_CHAU, 2023): "qd1001-2023", (GIA_NGHIA, 2023): "dak-nong"}
# Number of ballots. The other surveys do not print it.
SAMPLE: Final = {(LAI_CHAU, 2023): 558}


@dataclass(frozen=True)
class SourceDocument:
    """A document that printed figures."""

    code: str
    title: str
    note: str


SOURCES: Final = {
    LAI_CHAU: SourceDocument(
        "lai-chau-2024",
        "Báo cáo chuyên đề của UBND tỉnh Lai Châu năm 2024 phân tích Chỉ số hài lòng (SIPAS) năm 2023",
        "Số liệu 2023 do Bộ Nội vụ công bố tại QĐ 272/QĐ-BNV ngày 10/4/2024. Giá trị và thứ hạng năm 2022 của "
        "thành phần cung ứng dịch vụ suy ra từ mức tăng, giảm được in.",
    ),
    GIA_NGHIA: SourceDocument(
        "gia-nghia-2024",
        "Công văn của UBND thành phố Gia Nghĩa, tháng 3 năm 2024, về kết quả đo lường mức độ hài lòng năm 2023",
        "Dẫn Báo cáo 30/BC-SNV ngày 02/02/2024 của Sở Nội vụ tỉnh Đắk Nông.",
    ),
}


@dataclass(frozen=True)
class PublishedValue:
    """One printed figure, in percent."""

    geography: str
    year: int
    kind: FigureKind
    code: str
    parent: str | None
    level: str
    position: int
    text_vi: str
    value: Decimal
    rank: int | None = None
    change: Decimal | None = None
    rank_change: int | None = None

    @property
    def method(self) -> str:
        return METHOD_OF[self.geography, self.year]

    @property
    def n(self) -> int | None:
        return SAMPLE.get((self.geography, self.year))

    @property
    def ranked(self) -> int | None:
        return PROVINCES if self.rank is not None else None


@lru_cache
def printed_rows() -> tuple[PublishedValue, ...]:
    """Return all printed figures. An empty cell (not measured) gives no row."""
    return (*_satisfaction(), *_perception(), *_expectation(), *_gia_nghia())


@lru_cache
def question_texts() -> dict[str, str]:
    """Return the wording of the eight perception questions by code; the code is the parent of their lines."""
    return {row["question"]: row["question_vi"] for row in _read("sipas_lai_chau_perception.csv")}


@dataclass(frozen=True)
class NationalFigure:
    """A figure of the whole country. ``source`` says by language where it comes from, and whether it is unchecked."""

    value: Decimal
    source: dict[str, str]


def national_figure(year: int, code: str) -> NationalFigure | None:
    """Return the country's figure, or None where it is not known."""
    raw = _national()
    value = raw.get(str(year), {}).get(code)
    return NationalFigure(Decimal(value), raw["source"]) if value else None


@lru_cache
def _national() -> dict[str, Any]:
    return tomllib.loads((files("backend.indices") / "data" / "sipas_national.toml").read_text(encoding="utf-8"))


def _satisfaction() -> Iterator[PublishedValue]:
    """Changes are printed for 2023 only."""
    for position, row in enumerate(_read("sipas_lai_chau_satisfaction.csv"), start=1):
        for year in (2023, 2022):
            if row[f"y{year}"]:
                changes = row if year == 2023 else {}
                rank, change, rank_change = row[f"rank{year}"], changes.get("delta"), changes.get("rank_change")
                yield PublishedValue(
                    LAI_CHAU, year, FigureKind.SATISFACTION, row["code"], row["parent"] or None, row["level"],
                    position, row["text_vi"], Decimal(row[f"y{year}"]),
                    rank=int(rank) if rank else None, change=Decimal(change) if change else None,
                    rank_change=int(rank_change) if rank_change else None,
                )  # fmt: skip


def _perception() -> Iterator[PublishedValue]:
    for position, row in enumerate(_read("sipas_lai_chau_perception.csv"), start=1):
        for year in (2023, 2022):
            if row[f"y{year}"]:
                yield PublishedValue(
                    LAI_CHAU, year, FigureKind.PERCEPTION, f"{row['question']}.{row['option']}", row["question"],
                    row["kind"], position, row["text_vi"], Decimal(row[f"y{year}"]),
                )  # fmt: skip


def _expectation() -> Iterator[PublishedValue]:
    """The year is part of the code, because the tenth expectation of one year is not the tenth of the other."""
    for row in _read("sipas_lai_chau_expectation.csv"):
        year, number = int(row["year"]), int(row["option"])
        yield PublishedValue(
            LAI_CHAU, year, FigureKind.EXPECTATION, f"expectation.{year}.{number}", "expectation", "multi",
            number, row["text_vi"], Decimal(row["percent"]),
        )  # fmt: skip


def _gia_nghia() -> Iterator[PublishedValue]:
    for position, row in enumerate(_read("sipas_gia_nghia_2023.csv"), start=1):
        yield PublishedValue(
            GIA_NGHIA, 2023, FigureKind.SATISFACTION, row["code"], row["parent"] or None, row["level"],
            position, row["text_vi"], Decimal(row["y2023"]),
        )  # fmt: skip


def _read(name: str) -> list[dict[str, str]]:
    text = (files("backend.indices") / "data" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
