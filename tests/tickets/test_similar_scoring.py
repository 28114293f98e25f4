"""Word pairs and points: what makes two letters similar, and what does not."""

from datetime import date, timedelta

import pytest

from backend.tickets.similar.scoring import PlaceLikeness, SimilarityScore, SimilarSubject, score_similarity
from backend.tickets.similar.word_pairs import PAIRS_MOST, pair_number, read_pairs

TODAY = date(2026, 11, 18)
ROAD = SimilarSubject(1, "roads", TODAY)


def words(title: str, content: str = "") -> list[str]:
    return list(read_pairs(title, content).values())


@pytest.mark.parametrize(
    ("title", "content", "pairs"),
    [
        ("Ổ gà trước cổng chợ", "", ["ổ gà", "gà trước", "trước cổng", "cổng chợ"]),
        ("Kính gửi Ủy ban nhân dân", "Đề nghị cơ quan xem xét, giải quyết.", []),
        ("Ở trong đó", "và của tôi", []),
        ("Rác. Thải", "Nước\nthải", []),  # no pair reaches over the end of a sentence
        ("Gọi 0912345678", "CMND 012345678901", []),  # neither telephone nor identity card is kept
        ("Nhà số 12", "", ["nhà số", "số 12"]),
        ("", "", []),
        ("😀 !!! …", "", []),
    ],
)
def test_pairs_are_two_telling_syllables_side_by_side(title: str, content: str, pairs: list[str]) -> None:
    assert words(title, content) == pairs


def test_tone_marks_capitals_and_composition_make_no_difference() -> None:
    typed = {*read_pairs("Ổ GÀ trước cổng trường", "")}
    assert typed == {*read_pairs("o ga truoc cong truong", "")} == {*read_pairs("ổ gà trước cổng trường", "")}


def test_a_pair_of_the_title_stands_once_and_first() -> None:
    assert words("Ổ gà", "Con đường nhiều ổ gà.")[0] == "ổ gà"
    assert words("Ổ gà", "Ổ gà, ổ gà, ổ gà.") == ["ổ gà"]


def test_a_long_letter_keeps_its_title_and_a_bounded_number_of_pairs() -> None:
    content = " ".join(f"chuyện{n} kể{n}" for n in range(150))
    pairs = read_pairs("Ổ gà trước cổng chợ", content)
    assert len(pairs) == PAIRS_MOST and list(pairs.values())[:4] == words("Ổ gà trước cổng chợ")
    shifted = read_pairs("Ổ gà trước cổng chợ", "Mở đầu khác. " + content)
    assert len({*pairs} & {*shifted}) >= PAIRS_MOST - 4


def test_a_number_of_a_pair_fits_the_database() -> None:
    numbers = [pair_number(f"{n} {n}") for n in range(2_000)]
    assert all(-(2**31) <= number < 2**31 for number in numbers) and len({*numbers}) == 2_000


def score(
    other: SimilarSubject, text: str = "Ổ gà trước cổng chợ", near: frozenset[int] = frozenset()
) -> SimilarityScore:
    own = read_pairs("Ổ gà trước cổng chợ", "")
    return score_similarity(ROAD, own, other, [*read_pairs(text, "")], near)


@pytest.mark.parametrize(
    ("other", "points"),
    [
        (ROAD, 40 + 15 + 15 + 10),
        (SimilarSubject(2, "roads", TODAY), 40 + 8 + 15 + 10),
        (SimilarSubject(3, "roads", TODAY), 40 + 0 + 15 + 10),
        (SimilarSubject(1, "waste", TODAY), 40 + 15 + 0 + 10),
        (SimilarSubject(1, "roads", TODAY - timedelta(days=45)), 40 + 15 + 15 + 5),
        (SimilarSubject(1, "roads", TODAY + timedelta(days=90)), 40 + 15 + 15 + 0),
    ],
)
def test_points_add_up_of_words_place_category_and_time(other: SimilarSubject, points: int) -> None:
    assert score(other, near=frozenset({2})).points == points


def test_the_score_says_what_it_consists_of() -> None:
    found = score(SimilarSubject(2, "waste", TODAY - timedelta(days=3)), "Chợ: ổ gà, cổng chợ", frozenset({2}))
    assert found == SimilarityScore(("ổ gà", "cổng chợ"), PlaceLikeness.NEIGHBOUR, same_category=False, days=3)


@pytest.mark.parametrize(
    ("text", "other", "similar"),
    [
        ("Ổ gà ở cổng chợ", ROAD, True),
        ("Ổ gà cạnh trường học", ROAD, False),  # one pair is chance
        ("Đèn đường hỏng", ROAD, False),
        ("Ổ gà trước cổng chợ", SimilarSubject(3, "waste", TODAY - timedelta(days=89)), True),
        ("Ổ gà ở cổng chợ", SimilarSubject(3, "waste", TODAY - timedelta(days=89)), False),
        ("Ổ gà trước cổng chợ", SimilarSubject(1, "roads", TODAY - timedelta(days=91)), False),
    ],
)
def test_what_is_worth_showing(text: str, other: SimilarSubject, similar: bool) -> None:
    assert score(other, text).is_similar is similar


def test_a_score_never_exceeds_a_hundred() -> None:
    pairs = tuple(str(n) for n in range(32))
    assert SimilarityScore(pairs, PlaceLikeness.SAME, same_category=True, days=0).points == 100
