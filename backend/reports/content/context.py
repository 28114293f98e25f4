"""Compute everything that a report says, once, from stored values. The templates and the layout only write it down."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import chain, groupby

from sqlalchemy.orm import Session

from analytics.compare import Comparability, ComparabilityMark
from analytics.methods import IndexLevel, IndexMethod, load_method
from backend.errors import Invalid, NotFound, _
from backend.files.text import clean_text
from backend.indicators.filters import DashboardFilters
from backend.indices.models import FigureKind
from backend.indices.published.queries import PublishedIndex, YearComparison, published_indices, year_on_year
from backend.indices.published.shipped_figures import question_texts as question_texts
from backend.kpi import dashboard
from backend.kpi.figures import Figures
from backend.kpi.subindices import SubIndex
from backend.reports.content import approximation as approximate
from backend.reports.content.approximation import ApproximateInterval, IntervalAssumptions, YearVerdict
from backend.reports.content.checks import ConsistencyFinding, list_findings
from backend.reports.content.comparison import comparability_of
from backend.reports.content.facts import Agency, SurveyFacts, agency_of, survey_of
from backend.users.models import Role
from backend.users.policy import Actor

OVERALL, FEEDBACK = "sipas", "service.feedback"
EXPERIENCE = "experience.8"  # the share of people who have ever sent feedback
WEAKEST = 5
MOST_WORDS = 2000  # letters of an item's wording
SCALE_OF_QUESTIONS = 4  # points of a perception scale
# A report covers the whole province, for readers who may see the figures of every unit.
READER = Actor(Role.MANAGER, key="system")


@dataclass(frozen=True)
class ReportIndex:
    """A satisfaction index of the year beside the earlier year.

    ``restated``: the year's figure under the earlier formula. ``margin``: a larger difference is called a change.
    """

    code: str
    parent: str | None
    level: IndexLevel
    text: str
    value: Decimal
    interval: ApproximateInterval | None
    rank: int | None
    ranked: int | None
    before: Decimal | None
    rank_before: int | None
    comparability: Comparability
    restated: Decimal | None
    margin: float | None

    @property
    def difference(self) -> Decimal | None:
        return None if self.before is None else self.value - self.before

    @property
    def like_for_like(self) -> Decimal | None:
        """Return the change under one formula: the difference itself where the formula is the same."""
        if self.comparability.mark is ComparabilityMark.COMPARABLE:
            return self.difference
        return None if self.restated is None or self.before is None else self.restated - self.before

    @property
    def places(self) -> int | None:
        """Return the ranks gained (+) or lost (-)."""
        return None if self.rank is None or self.rank_before is None else self.rank_before - self.rank

    @property
    def verdict(self) -> YearVerdict:
        change = self.like_for_like
        if change is None or self.margin is None:
            return YearVerdict.NOT_COMPARABLE
        return approximate.verdict_of(change, self.margin)


@dataclass(frozen=True)
class QuestionLine:
    """One line of a perception or expectation table. ``k``: the people behind a share."""

    code: str
    number: str
    text: str
    value: Decimal
    k: int | None
    n: int | None
    interval: ApproximateInterval | None
    before: Decimal | None
    comparability: Comparability | None


@dataclass(frozen=True)
class ReportQuestion:
    """A question and its lines in the order of the source's table. ``kind``: scale (mean / 4), multi or single
    (shares)."""

    code: str
    text: str
    kind: str
    lines: tuple[QuestionLine, ...]

    @property
    def scale(self) -> bool:
        return self.kind == "scale"

    @property
    def total(self) -> Decimal:
        return sum((line.value for line in self.lines), Decimal(0))


@dataclass(frozen=True)
class TicketOperations:
    """The tickets of the period, to stand beside the feedback group."""

    first: date
    last: date
    figures: Figures
    items: Sequence[SubIndex]
    response: int
    demonstration: int


@dataclass(frozen=True)
class ReportContext:
    """A whole report before it is written."""

    geography: str
    year: int
    against: int
    made_on: date
    agency: Agency
    survey: SurveyFacts
    survey_before: SurveyFacts
    method: IndexMethod
    method_before: IndexMethod
    source: str
    n: int | None
    assumed: IntervalAssumptions
    indices: dict[str, ReportIndex]
    questions: tuple[ReportQuestion, ...]
    needs: ReportQuestion | None
    needs_before: ReportQuestion | None
    operations: TicketOperations
    findings: tuple[ConsistencyFinding, ...] = field(default=())

    @property
    def overall(self) -> ReportIndex:
        return self.indices[OVERALL]

    def below(self, code: str) -> list[ReportIndex]:
        """Return the indices directly below one, in the order of the table."""
        return [index for index in self.indices.values() if index.parent == code]

    def at(self, *levels: IndexLevel) -> list[ReportIndex]:
        return [index for index in self.indices.values() if index.level in levels]

    def question(self, code: str) -> ReportQuestion | None:
        return next((question for question in self.questions if question.code == code), None)

    @property
    def ever_sent(self) -> QuestionLine | None:
        """Return the line of those who have ever sent feedback."""
        lines = chain.from_iterable(question.lines for question in self.questions)
        return next((line for line in lines if line.code == EXPERIENCE), None)

    @property
    def comparable(self) -> list[ReportIndex]:
        """Return the groups and items that were asked and computed alike in both years."""
        both = self.at(IndexLevel.GROUP, IndexLevel.ITEM)
        return [
            index
            for index in both
            if index.comparability.mark is ComparabilityMark.COMPARABLE and index.difference is not None
        ]

    def changed(self, *verdicts: YearVerdict) -> list[ReportIndex]:
        """Return the comparable indices with one of these verdicts, largest change first."""
        indices = [index for index in self.comparable if index.verdict in verdicts]
        return sorted(indices, key=lambda index: abs(index.difference or Decimal(0)), reverse=True)

    @property
    def weakest(self) -> list[ReportIndex]:
        """Return the items with the lowest mean scores."""
        return sorted(self.at(IndexLevel.ITEM), key=lambda index: (index.value, -(index.rank or 0)))[:WEAKEST]

    @property
    def lowest_ranked(self) -> list[ReportIndex]:
        return sorted(self.at(IndexLevel.ITEM), key=lambda index: (-(index.rank or 0), index.value))[:WEAKEST]


def gather_context(
    session: Session, geography: str, year: int, against: int, today: date, assumed: IntervalAssumptions | None = None
) -> ReportContext:
    """Read and compute a report.

    Raises NotFound for a unit or year without published figures, Invalid where the year is not after the year it is
    compared with.
    """
    assumed = assumed or IntervalAssumptions()
    about = agency_of(geography)
    if year <= against:
        raise Invalid(_("Năm so sánh phải trước năm báo cáo."), field="so-voi")
    now, before = published_indices(session, geography, year), published_indices(session, geography, against)
    if not now or not before:
        raise NotFound(_("Chưa có số liệu công bố của đơn vị này cho một trong hai năm."))
    n, method = now[0].n, load_method(now[0].method_code)
    comparisons = year_on_year(session, geography, against, year, [figure.code for figure in now])
    years = {comparison.code: comparison for comparison in comparisons}
    indices = {figure.code: _index(years[figure.code], figure, n, assumed) for figure in now}
    return ReportContext(
        geography=geography,
        year=year,
        against=against,
        made_on=today,
        agency=about,
        survey=survey_of(geography, year),
        survey_before=survey_of(geography, against),
        method=method,
        method_before=load_method(before[0].method_code),
        source=now[0].source,
        n=n,
        assumed=assumed,
        indices=indices,
        questions=_questions(session, geography, year, against, FigureKind.PERCEPTION, assumed),
        needs=next(iter(_questions(session, geography, year, against, FigureKind.EXPECTATION, assumed)), None),
        needs_before=next(iter(_questions(session, geography, against, year, FigureKind.EXPECTATION, assumed)), None),
        operations=_operations(session, year, today),
        findings=tuple(finding for finding in list_findings(session) if finding.geography == geography),
    )


def _index(years: YearComparison, now: PublishedIndex, n: int | None, assumed: IntervalAssumptions) -> ReportIndex:
    scale = load_method(now.method_code).item_max or 5
    return ReportIndex(
        code=now.code,
        parent=now.parent,
        level=IndexLevel(now.level),
        text=clean_text(now.text_vi, limit=MOST_WORDS),
        value=now.value,
        interval=approximate.mean_interval(now.value, n, scale, assumed) if n else None,
        rank=now.rank,
        ranked=now.ranked,
        before=years.earlier.value if years.earlier else None,
        rank_before=years.earlier.rank if years.earlier else None,
        comparability=years.comparability,
        restated=years.restated,
        margin=approximate.difference_margin(n, scale, assumed) if n else None,
    )


def _questions(
    session: Session, geography: str, year: int, against: int, kind: FigureKind, assumed: IntervalAssumptions
) -> tuple[ReportQuestion, ...]:
    """Return the questions in the order of the source's tables, each with its lines as printed there."""
    before = {figure.code: figure for figure in published_indices(session, geography, against, kind=kind)}
    now = published_indices(session, geography, year, kind=kind)
    texts, questions = question_texts(), []
    for code, group in groupby(now, key=lambda figure: figure.parent or ""):
        figures = list(group)
        lines = tuple(_line(figure, before.get(figure.code), figures, assumed) for figure in figures)
        questions.append(ReportQuestion(code, texts.get(code, code), figures[0].level, lines))
    return tuple(questions)


def _line(
    figure: PublishedIndex,
    before: PublishedIndex | None,
    figures: Sequence[PublishedIndex],
    assumed: IntervalAssumptions,
) -> QuestionLine:
    """Return one line of a question; ``figures`` are all lines of the question."""
    n, k, interval = figure.n, None, None
    if n and figure.level == "scale":
        interval = approximate.mean_interval(figure.value, n, SCALE_OF_QUESTIONS, assumed)
    elif n:
        together = approximate.answers_behind([line.value for line in figures], n)
        n = together or approximate.answers_behind([figure.value], n)
        k = approximate.count_behind(figure.value, n) if n else None
        interval = approximate.share_interval(figure.value, n, assumed) if n else None
    return QuestionLine(
        code=figure.code,
        number=figure.code.rsplit(".", 1)[-1],
        text=clean_text(figure.text_vi, limit=MOST_WORDS),
        value=figure.value,
        k=k,
        n=n,
        interval=interval,
        before=before.value if before else None,
        comparability=comparability_of(before, figure),
    )


def _operations(session: Session, year: int, today: date) -> TicketOperations:
    """Return the tickets received in the survey's year by all units of the province."""
    first, last = date(year, 1, 1), date(year, 12, 31)
    board = dashboard.build_dashboard(session, DashboardFilters(None, first, last, None, chosen=True), READER, today)
    return TicketOperations(first, last, board.figures, board.items, board.response.k, board.demonstration)
