"""Survey estimation at size: 1,000,000 ballots x 39 items, overall and 63 domains, 4 composites, standard errors.

Each figure stands beside its floor of the same process: one pandas group-by mean of the 39 items.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from backend.settings import ROOT
from tests.places import DATA

BALLOTS = 1_000_000
REPEATS = 5
MEGABYTE = 1024
INDICES = {"policy": (1, 23), "service": (24, 39), "feedback": (37, 39), "sipas": (1, 39)}


def run() -> list[str]:
    """Rows of a Markdown table; every measurement in a process of its own, so that its peak memory is its own."""
    with tempfile.TemporaryDirectory(prefix="langnghe-bench-") as folder:
        path = Path(folder) / "ballots.csv"
        write_ballots(path)
        memory, blanks = _child("memory", path), _child("blanks", path)
        alone, both = _child("alone", path), _child("alone, blanks", path)
        read, command = _child("read", path), _command(path)
        difference = _child("reference", path)
    beyond = f"{command['ours'] - read['floor']:.2f} s beyond the read"
    return [
        "| Measured | Floor, s | Ours, s | Times the floor | Peak, MB |",
        "|---|---|---|---|---|",
        _row("estimates from a frame, no blanks", memory),
        _row("the same with 3% blanks in every item", blanks),
        _row("the same with every ballot its own unit", alone),
        _row("with every ballot its own unit and 3% blanks", both),
        f"| command, CSV | {read['floor']:.2f} (read) | {command['ours']:.2f} | {beyond} | {command['peak']:.0f} |",
        "",
        f"Largest relative difference to R (`tests/data/reference`): {difference['largest']:.1e}.",
    ]


def _row(name: str, figures: dict[str, float]) -> str:
    times = figures["ours"] / figures["floor"]
    return f"| {name} | {figures['floor']:.3f} | {figures['ours']:.3f} | {times:.2f} | {figures['peak']:.0f} |"


def _child(what: str, path: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.estimate", what, str(path)]
    answer = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return {key: float(value) for key, value in json.loads(answer.stdout).items()}


def _command(path: Path) -> dict[str, float]:
    """The command as a user starts it, its interpreter and imports included."""
    arguments = ["--strata", "province", "--psu", "district", "--weights", "w", "--by", "province"]
    arguments += ["--items", "q01..q39"]
    for name, (first, last) in INDICES.items():
        arguments += ["--index", f"{name}=q{first:02d}..q{last:02d}"]
    script = (
        "import resource, sys; from backend.cli import app\n"
        "try: app()\n"
        "finally: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
    )
    best, peak = float("inf"), 0.0
    for _repeat in range(3):
        start = time.perf_counter()
        answer = subprocess.run(
            [sys.executable, "-c", script, "estimate", str(path), *arguments],
            cwd=ROOT, check=True, capture_output=True, text=True,
        )  # fmt: skip
        best = min(best, time.perf_counter() - start)
        peak = float(answer.stderr.split()[-1]) / MEGABYTE
    return {"ours": best, "peak": peak}


def write_ballots(path: Path, ballots: int = BALLOTS) -> None:
    """Invented ballots: 63 strata of 3 units, weights of four digits."""
    import numpy as np
    import pandas as pd

    generator = np.random.default_rng(39)
    province = np.sort(generator.integers(1, 64, ballots))
    frame = {"province": province, "district": generator.integers(1, 4, ballots)}
    frame["w"] = np.round(generator.uniform(1000, 5000, ballots), 4)
    frame |= {f"q{i:02d}": generator.integers(1, 6, ballots) for i in range(1, 40)}
    pd.DataFrame(frame).to_csv(path, index=False)


def _fastest(what: Callable[[], object]) -> float:
    seconds = []
    for _repeat in range(REPEATS):
        start = time.perf_counter()
        what()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def _read(path: Path) -> dict[str, float]:
    import pandas as pd

    return {"floor": _fastest(lambda: pd.read_csv(path))}


def _reference(path: Path) -> dict[str, float]:
    import pandas as pd

    from analytics.estimation.design import build_design
    from analytics.estimation.estimate import estimate_means

    folder = DATA / "reference"
    ballots = pd.read_csv(folder / "ballots_35k.csv.gz")
    design = build_design(len(ballots), strata=ballots.province, psu=ballots.district, weights=ballots.w)
    items = {str(name): ballots[name] for name in ballots if str(name).startswith("q")}
    estimates = estimate_means(design, items, _indices(), by=ballots.province)
    largest = 0.0
    row: Any
    for row in pd.read_csv(folder / "item_means_r.csv").itertuples():
        ours = estimates.get(row.item, "ALL" if row.domain == "ALL" else str(int(row.province)))
        largest = max(largest, abs(ours.estimate / row.mean - 1), abs(ours.se / row.se - 1))
    for _case, name, *expected in pd.read_csv(folder / "composite_r.csv").drop(columns="df").itertuples(index=False):
        ours = estimates.get(name)
        pairs = zip((ours.estimate, ours.se, ours.lo, ours.hi), expected, strict=True)
        largest = max(largest, *(abs(mine / theirs - 1) for mine, theirs in pairs))
    return {"largest": largest}


def _indices() -> dict[str, dict[str, float]]:
    from analytics.estimation.estimate import index_of

    return {name: index_of([f"q{i:02d}" for i in range(first, last + 1)]) for name, (first, last) in INDICES.items()}


def _from_frame(what: str, path: Path) -> dict[str, float]:
    import resource

    import numpy as np
    import pandas as pd

    from analytics.estimation.design import build_design
    from analytics.estimation.estimate import estimate_means

    frame = pd.read_csv(path)
    names = [name for name in frame if str(name).startswith("q")]
    if "blanks" in what:
        generator = np.random.default_rng(3)
        scores = frame[names].to_numpy(dtype=np.float64, copy=True)
        scores[generator.random(scores.shape, dtype=np.float32) < 0.03] = np.nan
        frame = pd.concat([frame[["province", "district", "w"]], pd.DataFrame(scores, columns=names)], axis=1)
        del scores
    psu = None if "alone" in what else frame.district

    def ours() -> object:
        design = build_design(len(frame), strata=frame.province, psu=psu, weights=frame.w)
        items = {str(name): frame[name] for name in names}
        return estimate_means(design, items, _indices(), by=frame.province)

    floor = _fastest(lambda: frame.groupby("province")[names].mean())
    seconds = _fastest(ours)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE
    return {"floor": floor, "ours": seconds, "peak": peak}


def main(what: str, path: Path) -> None:
    measure = {"read": _read, "reference": _reference}.get(what, lambda path: _from_frame(what, path))
    print(json.dumps(measure(path)))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
