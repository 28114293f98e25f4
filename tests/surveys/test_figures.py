"""From synthetic ballots of Lai Châu 2023 to the published indices, now with an interval and a design effect."""

import csv
import json
import subprocess
import sys
from decimal import ROUND_HALF_UP, Decimal
from importlib.resources import files
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from analytics.methods import load_method
from backend.settings import ROOT
from backend.surveys.forms.instruments import Instrument, parse_instrument, shipped_instrument
from backend.surveys.rounds import figures, synthetic
from tests.command import Command


@pytest.fixture
def command(session: Session, monkeypatch: pytest.MonkeyPatch) -> Command:
    return Command(monkeypatch)


def published() -> dict[str, Decimal]:
    text = files("backend.indices").joinpath("data", "sipas_lai_chau_satisfaction.csv").read_text(encoding="utf-8-sig")
    return {line["code"]: Decimal(line["y2023"]) for line in csv.DictReader(text.splitlines())}


def test_synthetic_ballots_give_every_published_index_with_an_interval(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "lai-chau.xlsx"
    assert command.run("survey", "synthetic", "--out", file).exit_code == 0
    assert command.run("survey", "open", "lai-chau-2023").exit_code == 0
    outcome = command.json("survey", "import", file, "--round", "lai-chau-2023")
    assert (outcome["rows"], outcome["accepted"], outcome["held"], outcome["already"]) == (558, 558, 0, 0)
    assert command.json("survey", "import", file, "--round", "lai-chau-2023")["repeated"]
    found = {one["variable"]: one for one in command.json("survey", "estimate", "--round", "lai-chau-2023")}
    expected = published()
    assert found.keys() == expected.keys() and len(found) == 51
    for code, one in found.items():
        assert Decimal(one["estimate"]).quantize(Decimal("0.01"), ROUND_HALF_UP) == expected[code], code
        assert one["lo"] < one["estimate"] < one["hi"] and one["df"] == 15
    overall = found["sipas"]
    assert overall["deff"] > 1.5 and overall["se"] > 0
    printed = command.run("survey", "estimate", "--round", "lai-chau-2023").stdout
    assert "79,82" in printed and "không phải tỷ lệ người hài lòng" in printed


def test_the_same_ballots_come_out_each_time(command: Command, tmp_path: Path) -> None:
    first, second = tmp_path / "a.xlsx", tmp_path / "b.xlsx"
    command.run("survey", "synthetic", "--out", first)
    command.run("survey", "synthetic", "--out", second)
    assert first.read_bytes() == second.read_bytes()
    rows = list(synthetic.synthetic_rows())
    assert len(rows) == synthetic.N + 1 and len({line[3] for line in rows[1:]}) == 3


def test_too_few_ballots_give_no_figure(command: Command, tmp_path: Path) -> None:
    command.run("survey", "open", "lai-chau-2023")
    assert "Mới có 0 phiếu" in command.refusal("survey", "estimate", "--round", "lai-chau-2023")


def test_the_short_form_gives_its_group_alone() -> None:
    short = shipped_instrument("feedback-1")
    assert [*figures.indices_of(short, load_method(short.method))] == [
        "service.feedback",
        "service.feedback.1",
        "service.feedback.2",
        "service.feedback.3",
    ]


def test_a_weight_of_an_item_counts_in_its_indices() -> None:
    document = json.loads(json.dumps(shipped_instrument("feedback-1").document))
    document["question"][0]["items"][0]["weight"] = 2.0
    weighted: Instrument = parse_instrument(document)
    group = figures.indices_of(weighted, load_method(weighted.method))["service.feedback"]
    assert group == pytest.approx({"service.feedback.1": 10.0, "service.feedback.2": 5.0, "service.feedback.3": 5.0})


def test_the_form_of_2022_averages_groups_and_leaves_out_what_is_only_printed() -> None:
    form = shipped_instrument("household-2022")
    found = figures.indices_of(form, load_method(form.method))
    assert "sipas" not in found and "policy.implementation" not in found
    assert found["service.procedure"] == pytest.approx({f"service.procedure.{n}": 5.0 for n in range(1, 5)})


def test_the_command_knows_every_table_its_own_tables_refer_to() -> None:
    """In a process of its own: here the other rooms are imported already."""
    asks = "import backend.commands.survey.rounds; from backend.db import Base; Base.metadata.sorted_tables"
    assert subprocess.run([sys.executable, "-c", asks], check=False, cwd=ROOT).returncode == 0
