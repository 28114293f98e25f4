"""Every command writes one language: that of ``--lang``, else of the locale, else Vietnamese."""

import pytest
from typer.testing import CliRunner

from backend.cli import app
from backend.commands.output_language import OutputLanguage, locale_language

DUE = ("clock", "due", "--received", "2026-11-02", "--rule", "resolve")
REFUSED = ("clock", "due", "--received", "2026-11-02", "--rule", "refuse", "--channel", "fax")


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, OutputLanguage.VI),
        ({"LANG": "C.UTF-8"}, OutputLanguage.VI),
        ({"LANG": "vi_VN.UTF-8"}, OutputLanguage.VI),
        ({"LANG": "en_US.UTF-8"}, OutputLanguage.EN),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "vi_VN.UTF-8"}, OutputLanguage.VI),
        ({"LANG": "vi_VN.UTF-8", "LC_MESSAGES": "en_GB"}, OutputLanguage.EN),
        ({"LANG": "en_US.UTF-8", "LC_ALL": ""}, OutputLanguage.EN),
    ],
)
def test_the_locale_chooses_the_language(environment: dict[str, str], language: OutputLanguage) -> None:
    assert locale_language(environment) is language


def test_a_summary_and_a_refusal_follow_the_option() -> None:
    run = CliRunner().invoke
    assert "Căn cứ: " in run(app, DUE).stdout and "(thông lệ)" in run(app, DUE).stdout
    english = run(app, ("--lang", "en", *DUE)).stdout
    assert "Basis: " in english and "(practice)" in english and "Căn cứ" not in english
    assert run(app, REFUSED).stderr.startswith("Kênh tiếp nhận là một trong: ")
    refused = run(app, ("--lang", "en", *REFUSED))
    assert refused.exit_code == 2 and refused.stderr.isascii() and "paper" in refused.stderr


def test_the_option_goes_before_the_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    run = CliRunner().invoke
    assert "Basis: " in run(app, DUE).stdout
    assert "Căn cứ: " in run(app, ("--lang", "vi", *DUE)).stdout


def test_an_unknown_language_is_refused() -> None:
    refused = CliRunner().invoke(app, ("--lang", "fr", *DUE))
    assert refused.exit_code == 2 and "--lang" in refused.stderr
