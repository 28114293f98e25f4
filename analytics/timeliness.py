"""Timeliness of handling: how many cases were answered on time, late, or are still open, and how long it took.

Verdicts are by day: a case is on time when answered on or before its due day, late only from the day after.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from analytics.frames import case_groups
from analytics.operations import LEVEL, ShareInterval, weighted_quantile, wilson_interval


@dataclass(frozen=True, slots=True)
class Timeliness:
    """Cases received in a period, by what became of them as of one day.

    received = answered + open + ended; answered = on_time + late; open = not_due + overdue. ``ended`` are those without
    an answer, of these ``ended_late`` after the due day. ``rate``: on time / (answered + overdue + ended_late): a case
    that nobody answered in time has failed too; one not yet due has no verdict, one that ended by its due day is no
    case: both are left out. ``rate_of_answered``: on time / answered, the more flattering and more usual one.
    Medians and percentiles are over answered cases, in working days.
    """

    as_of: date
    received: int
    answered: int
    on_time: int
    late: int
    open: int
    not_due: int
    overdue: int
    ended: int
    ended_late: int
    rate: ShareInterval
    rate_of_answered: ShareInterval
    median_days: float | None
    p90_days: float | None


def count_timeliness(groups: pd.DataFrame, as_of: date, level: float = LEVEL) -> Timeliness:
    """Count the groups (see `analytics.frames.CASE_GROUPS`) as of the end of the day ``as_of``.

    An answer or another end after ``as_of`` has not happened yet: such a case counts as open.
    """
    frame = case_groups(groups)
    day = np.datetime64(as_of, "ns")
    cases = frame["cases"].to_numpy(np.int64)
    answered, due = frame["answered"].to_numpy("datetime64[ns]"), frame["due"].to_numpy("datetime64[ns]")
    done = ~np.isnat(answered) & (answered <= day)
    on_time = int(cases[done & (answered <= due)].sum())
    late = int(cases[done & (answered > due)].sum())
    ended = frame["ended"].to_numpy("datetime64[ns]")
    over = ~done & ~np.isnat(ended) & (ended <= day)
    ended_late = int(cases[over & (ended > due)].sum())
    not_due = int(cases[~done & ~over & (day <= due)].sum())
    overdue = int(cases[~done & ~over & (day > due)].sum())
    days = frame["working_days"].to_numpy(np.float64)[done]
    return Timeliness(
        as_of=as_of,
        received=int(cases.sum()),
        answered=on_time + late,
        on_time=on_time,
        late=late,
        open=not_due + overdue,
        not_due=not_due,
        overdue=overdue,
        ended=int(cases[over].sum()),
        ended_late=ended_late,
        rate=wilson_interval(on_time, on_time + late + overdue + ended_late, level),
        rate_of_answered=wilson_interval(on_time, on_time + late, level),
        median_days=weighted_quantile(days, cases[done], 0.5),
        p90_days=weighted_quantile(days, cases[done], 0.9),
    )
