"""Timeliness of handling: how many cases were answered on time or late, how many are open, and how long answers took.

Verdicts are by day. A case answered on its due day is on time; from the day after it is late.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from analytics.frames import case_groups
from analytics.operations import LEVEL, ShareInterval, weighted_quantile, wilson_interval


@dataclass(frozen=True, slots=True)
class Timeliness:
    """Cases received in a period, and how they stand at the end of the day ``as_of``.

    received = answered + open + ended; answered = on_time + late; open = not_due + overdue. ``ended`` cases ended
    without an answer, ``ended_late`` of them after the due day. ``rate`` is on_time / (answered + overdue +
    ended_late): a case without an answer by its due day has failed too. Cases that are not due yet, or that ended by
    their due day, have no verdict and are left out. ``rate_of_answered`` is on_time / answered: more usual, and more
    flattering. Median and 90th percentile are over answered cases, in working days.
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

    An answer or another end after ``as_of`` does not count: the case is open on that day.
    """
    frame = case_groups(groups)
    day = np.datetime64(as_of, "ns")
    cases = frame["cases"].to_numpy(np.int64)
    answered, due = frame["answered"].to_numpy("datetime64[ns]"), frame["due"].to_numpy("datetime64[ns]")
    is_answered = ~np.isnat(answered) & (answered <= day)
    on_time = int(cases[is_answered & (answered <= due)].sum())
    late = int(cases[is_answered & (answered > due)].sum())
    ended = frame["ended"].to_numpy("datetime64[ns]")
    is_ended = ~is_answered & ~np.isnat(ended) & (ended <= day)
    ended_late = int(cases[is_ended & (ended > due)].sum())
    is_open = ~is_answered & ~is_ended
    not_due = int(cases[is_open & (day <= due)].sum())
    overdue = int(cases[is_open & (day > due)].sum())
    days = frame["working_days"].to_numpy(np.float64)[is_answered]
    return Timeliness(
        as_of=as_of,
        received=int(cases.sum()),
        answered=on_time + late,
        on_time=on_time,
        late=late,
        open=not_due + overdue,
        not_due=not_due,
        overdue=overdue,
        ended=int(cases[is_ended].sum()),
        ended_late=ended_late,
        rate=wilson_interval(on_time, on_time + late + overdue + ended_late, level),
        rate_of_answered=wilson_interval(on_time, on_time + late, level),
        median_days=weighted_quantile(days, cases[is_answered], 0.5),
        p90_days=weighted_quantile(days, cases[is_answered], 0.9),
    )
