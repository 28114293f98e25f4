"""Whoever rewrites the history, even as a superuser with the triggers off, is found, and the place is named."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, select, text, update
from sqlalchemy.orm import Session

from backend import audit, clock, db, settings
from backend.audit import FIRST, AuditEntry, BrokenLink, hash_link
from backend.history import heads, keys, sealing, verification, words
from backend.history.heads import DailyHead
from backend.history.models import Seal, SealedHead, SignedHead
from backend.tickets import projection
from backend.tickets.projection import ReplayDifference
from backend.worktime.calendar import local_time
from tests.command import Command
from tests.conftest import NOW
from tests.databases import copy_of, new_database, work_on

DAY = local_time(NOW).date()
ONE, TWO, THREE = (audit.ticket_chain(ticket_id) for ticket_id in (1, 2, 3))


@dataclass
class Past:
    """A history of three chains under three seals, and the head that was exported when it was whole.

    Seal 1: ticket:1 up to 1, ticket:2 up to 3. Seal 2: ticket:1 up to 2, ticket:3 up to 2. Seal 3: ticket:2 up to 4.
    """

    url: str
    data_dir: Path
    head: DailyHead


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    folder = tmp_path_factory.mktemp("past")
    with pytest.MonkeyPatch.context() as patch:
        url = new_database("past")
        engine = create_engine(url)
        work_on(engine, patch, folder)
        patch.setattr(clock, "now", lambda: NOW)
        for written in ({ONE: 1, TWO: 3}, {ONE: 1, THREE: 2}, {TWO: 1}):
            with db.transaction() as session:
                for chain, times in written.items():
                    for _ in range(times):
                        audit.record(session, chain, "noted", actor="system", now=NOW, data={"unit": 7, "vì": "ă"})
            assert sealing.seal_all(NOW) == sum(written.values())
        with db.transaction() as session:
            heads.sign_day(session, DAY, NOW)
            head = heads.exported_head(session)
        engine.dispose()
        yield Past(url, folder, head)
    settings.get_settings.cache_clear()


@pytest.fixture
def copy(past: Past, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The application on a copy of that history, to be tampered with."""
    with copy_of(past.url) as engine:
        work_on(engine, monkeypatch, past.data_dir)
        monkeypatch.setattr(clock, "now", lambda: NOW)
        yield engine
    settings.get_settings.cache_clear()


def superuser(session: Session) -> None:
    """From here on no trigger fires."""
    session.execute(text("SET LOCAL session_replication_role = replica"))


def tamper(*statements: str) -> None:
    with db.transaction() as session:
        superuser(session)
        for statement in statements:
            session.connection().exec_driver_sql(statement)


def first_fault(head: DailyHead | None = None) -> BrokenLink | None:
    with db.transaction() as session:
        return verification.verify_history(session, head).first


def rehash(session: Session, chain: str, seqs: range) -> None:
    """Make the links of a chain fit again, as somebody would who knows how."""
    prev = FIRST
    for entry in audit.list_entries(session, chain):
        if entry.seq in seqs:
            entry.prev = prev
            entry.hash = hash_link(chain, entry.seq, entry.at, entry.actor, entry.action, entry.data, prev)
        prev = entry.hash
    session.flush()


def reseal(session: Session, *, heads_too: bool = True) -> None:
    """Make the seals fit the links (and the heads) that are there now."""
    if heads_too:
        session.execute(
            update(SealedHead)
            .values(hash=AuditEntry.hash)
            .where(SealedHead.chain == AuditEntry.chain, SealedHead.seq == AuditEntry.seq)
            .execution_options(synchronize_session=False)
        )
    rows = session.scalars(select(SealedHead).order_by(SealedHead.seal).execution_options(populate_existing=True))
    roots = {
        seal: sealing.RootHash.of((row.chain, row.seq, row.hash) for row in group).digest()
        for seal, group in groupby(rows, key=lambda row: row.seal)
    }
    prev = FIRST
    for seal in session.scalars(select(Seal).order_by(Seal.seq)):
        seal.root, seal.prev = roots[seal.seq], prev
        seal.hash = prev = sealing.seal_hash(seal.seq, seal.at, seal.entries, seal.root, prev)
    session.flush()


def rewrite(session: Session) -> None:
    """The whole way: an entry, all links after it, all heads, all seals."""
    superuser(session)
    session.execute(text(f"""UPDATE audit SET data = '{{"unit": 99}}' {WHERE} = 2"""))
    rehash(session, TWO, range(2, 5))
    reseal(session)


@pytest.mark.usefixtures("copy")
def test_a_history_nobody_touched_holds(past: Past) -> None:
    with db.transaction() as session:
        report = verification.verify_history(session, past.head)
    assert report.faults == []
    assert (report.entries, report.chains, report.seals, report.signatures, report.unsealed) == (8, 3, 3, 1, 0)


@pytest.mark.usefixtures("copy")
def test_entries_of_the_last_moments_wait_for_their_seal_without_being_a_fault(past: Past) -> None:
    with db.transaction() as session:
        audit.record(session, TWO, "noted", actor="system", now=NOW)
        audit.record(session, audit.ticket_chain(9), "noted", actor="system", now=NOW)
    with db.transaction() as session:
        report = verification.verify_history(session, past.head)
    assert (report.faults, report.unsealed) == ([], 2)
    sealing.seal_all(NOW)
    with db.transaction() as session:
        report = verification.verify_history(session, past.head)
    assert (report.faults, report.unsealed, report.seals) == ([], 0, 4)


WHERE = f"WHERE chain = '{TWO}' AND seq"


@pytest.mark.usefixtures("copy")
@pytest.mark.parametrize(
    ("statements", "fault"),
    [
        ([f"""UPDATE audit SET data = '{{"unit": 8, "vì": "ă"}}' {WHERE} = 2"""], BrokenLink(TWO, 2, "altered")),
        ([f"UPDATE audit SET at = at - interval '1 day' {WHERE} = 1"], BrokenLink(TWO, 1, "altered")),
        ([f"UPDATE audit SET actor = 'user:1' {WHERE} = 4"], BrokenLink(TWO, 4, "altered")),
        ([f"UPDATE audit SET user_id = 1 {WHERE} = 3"], BrokenLink(TWO, 3, "altered")),
        ([f"UPDATE audit SET hash = sha256('') {WHERE} = 2"], BrokenLink(TWO, 2, "altered")),
        ([f"DELETE FROM audit {WHERE} = 4"], BrokenLink(TWO, 4, "missing")),
        ([f"DELETE FROM audit {WHERE} = 2"], BrokenLink(TWO, 2, "missing")),
        ([f"DELETE FROM audit {WHERE} > 0"], BrokenLink(TWO, 1, "missing")),
        (
            [
                f"UPDATE audit SET seq = seq + 10 {WHERE} IN (2, 3)",
                f"UPDATE audit SET seq = 3 {WHERE} = 12",
                f"UPDATE audit SET seq = 2 {WHERE} = 13",
            ],
            BrokenLink(TWO, 2, "does not follow the link before"),
        ),
        (
            [f"UPDATE audit SET chain = '{audit.ticket_chain(5)}' WHERE chain = '{THREE}'"],
            BrokenLink(THREE, 1, "missing"),
        ),
        ([f"UPDATE audit_heads SET hash = sha256('') {WHERE} = 4"], BrokenLink(TWO, 4, "differs from what was sealed")),
        ([f"DELETE FROM audit_heads {WHERE} = 4"], BrokenLink(TWO, 4, "never sealed")),
        ([f"DELETE FROM audit_heads {WHERE} = 3"], BrokenLink("seals", 1, "its heads were altered")),
        (["UPDATE audit_seals SET at = at + interval '1 hour' WHERE seq = 2"], BrokenLink("seals", 2, "altered")),
        (["UPDATE audit_seals SET entries = 9 WHERE seq = 3"], BrokenLink("seals", 3, "altered")),
        (["DELETE FROM audit_seals WHERE seq = 2"], BrokenLink("seals", 2, "missing")),
        (["DELETE FROM audit_seals WHERE seq = 3"], BrokenLink("seals", 3, "missing")),
        (["UPDATE audit_signatures SET day = day - 1"], BrokenLink("signatures", 3, "its signature does not fit")),
        (["UPDATE audit_signatures SET key = 'other'"], BrokenLink("signatures", 3, "signed by an unknown key")),
    ],
)
def test_a_superuser_who_changes_one_thing_is_found_there(statements: list[str], fault: BrokenLink) -> None:
    tamper(*statements)
    assert first_fault() == fault


@pytest.mark.usefixtures("copy")
def test_a_hash_made_to_fit_is_found_at_the_next_link() -> None:
    with db.transaction() as session:
        superuser(session)
        session.execute(text(f"""UPDATE audit SET data = '{{"unit": 8}}' {WHERE} = 2"""))
        rehash(session, TWO, range(2, 3))
    assert first_fault() == BrokenLink(TWO, 3, "does not follow the link before")


@pytest.mark.usefixtures("copy")
def test_a_chain_made_to_fit_is_found_at_its_seal() -> None:
    with db.transaction() as session:
        superuser(session)
        session.execute(text(f"""UPDATE audit SET data = '{{"unit": 8}}' {WHERE} = 2"""))
        rehash(session, TWO, range(2, 5))
    assert first_fault() == BrokenLink(TWO, 3, "differs from what was sealed")


@pytest.mark.usefixtures("copy")
def test_heads_made_to_fit_are_found_at_the_seal_and_a_forged_seal_at_the_next() -> None:
    with db.transaction() as session:
        rewrite(session)
        session.execute(text("UPDATE audit_seals SET root = sha256('') WHERE seq = 1"))
    assert first_fault() == BrokenLink("seals", 1, "its heads were altered")
    with db.transaction() as session:
        superuser(session)
        reseal(session)
        session.execute(text("UPDATE audit_seals SET prev = sha256('') WHERE seq = 2"))
    assert first_fault() == BrokenLink("seals", 2, "does not follow the link before")


@pytest.mark.usefixtures("copy")
def test_who_rewrites_everything_is_found_by_the_signature() -> None:
    with db.transaction() as session:
        rewrite(session)
    assert first_fault() == BrokenLink("signatures", 3, "differs from what was signed")


@pytest.mark.usefixtures("copy")
def test_who_rewrites_everything_and_signs_with_another_key_is_found(tmp_path: Path) -> None:
    with db.transaction() as session:
        rewrite(session)
        sign_anew(session, settings.Settings(data_dir=tmp_path))
    assert first_fault() == BrokenLink("signatures", 3, "signed by an unknown key")


@pytest.mark.usefixtures("copy")
def test_who_has_stolen_the_key_too_is_found_by_the_exported_head(past: Past) -> None:
    with db.transaction() as session:
        rewrite(session)
        sign_anew(session, settings.get_settings())
    assert first_fault() is None
    assert first_fault(past.head) == BrokenLink("head", 3, "differs from what was signed")


def sign_anew(session: Session, by: settings.Settings) -> None:
    private = keys.signing_key(by)
    signed = session.scalars(select(SignedHead)).one()
    signed.hash = session.scalars(select(Seal.hash).where(Seal.seq == 3)).one()
    signed.key = keys.key_id(private.public_key())
    signed.signature = private.sign(heads.message_to_sign(signed.day, signed.seal, signed.hash, signed.key))
    session.flush()


@pytest.mark.usefixtures("copy")
def test_the_last_link_of_a_chain_with_one_seal_is_named_missing_when_it_is_gone() -> None:
    """Not the links before it, which that seal alone had covered."""
    tamper(f"DELETE FROM audit WHERE chain = '{THREE}' AND seq = 2")
    assert first_fault() == BrokenLink(THREE, 2, "missing")


@pytest.mark.usefixtures("copy")
def test_a_history_cut_off_cleanly_is_found_by_the_exported_head(past: Past) -> None:
    tamper(
        "DELETE FROM audit_signatures",
        "DELETE FROM audit_heads WHERE seal = 3",
        "DELETE FROM audit_seals WHERE seq = 3",
        f"DELETE FROM audit {WHERE} = 4",
    )
    assert first_fault() is None
    assert first_fault(past.head) == BrokenLink("head", 3, "missing")


@pytest.mark.usefixtures("copy")
def test_a_chain_slipped_in_with_the_triggers_off_was_never_sealed() -> None:
    with db.transaction() as session:
        superuser(session)
        audit.record(session, audit.ticket_chain(4), "noted", actor="system", now=NOW)
    sealing.seal_all(NOW)
    assert first_fault() == BrokenLink(audit.ticket_chain(4), 1, "never sealed")


@pytest.mark.usefixtures("copy")
@pytest.mark.parametrize("chain", [TWO, audit.ticket_chain(9)])
def test_an_entry_taken_away_before_it_was_sealed_is_missed_by_its_seal(chain: str) -> None:
    with db.transaction() as session:
        audit.record(session, chain, "noted", actor="system", now=NOW)
    tamper("DELETE FROM audit WHERE id = (SELECT max(id) FROM audit)")
    assert sealing.seal_all(NOW) == 1
    assert first_fault() == BrokenLink("seals", 4, "entries were taken away before it")


@pytest.mark.usefixtures("copy")
def test_a_link_whose_notice_to_the_sealer_was_removed_is_named() -> None:
    with db.transaction() as session:
        audit.record(session, TWO, "noted", actor="system", now=NOW)
    tamper("DELETE FROM audit_unsealed")
    assert first_fault() == BrokenLink(TWO, 5, "never sealed")


@pytest.mark.usefixtures("copy")
def test_each_broken_chain_is_listed_once_in_order_and_the_list_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    tamper("UPDATE audit SET action = 'x'")
    with db.transaction() as session:
        assert [fault.chain for fault in verification.verify_history(session).faults] == [ONE, TWO, THREE]
    monkeypatch.setattr(verification, "MOST_FAULTS", 2)
    with db.transaction() as session:
        assert [fault.chain for fault in verification.verify_history(session).faults] == [ONE, TWO]


def test_the_command_exports_a_head_and_names_the_first_broken_link(
    copy: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    command, file = Command(monkeypatch), tmp_path / "head.json"
    with db.transaction() as session:
        audit.record(session, TWO, "noted", actor="system", now=NOW)
    assert command.run("audit", "head", "--out", file).exit_code == 0
    assert json.loads(file.read_text())["seal"] == 4
    found = command.json("verify", "audit", "--head", file)
    assert (found["ok"], found["entries"], found["seals"], found["head"]) == (True, 9, 4, 4)
    assert "Nhật ký còn nguyên" in command.run("verify", "audit").output
    tamper(f"DELETE FROM audit {WHERE} >= 4")
    result = command.run("verify", "audit", "--head", file, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["first"] == {"chain": TWO, "seq": 4, "why": "missing"}
    told = command.run("verify", "audit")
    assert (told.exit_code, "Chuỗi ticket:2, mục 4: bị mất." in told.output) == (1, True)


@pytest.mark.usefixtures("copy")
def test_a_file_that_is_no_head_is_refused(past: Past, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    command, file = Command(monkeypatch), tmp_path / "head.json"
    good: dict[str, Any] = json.loads(past.head.dumps())
    assert DailyHead.loads(past.head.dumps()) == past.head
    wrong: list[Any] = [[], {}, 1, "text", good | {"seal": "3"}, good | {"hash": "00"}, good | {"day": "hôm qua"}]
    wrong += [good | {"key": "0" * 32}, good | {"public_key": "??"}, good | {"signature": ""}, good | {"more": 1}]
    for document in wrong:
        file.write_text(json.dumps(document))
        assert "không phải là dấu nhật ký" in command.refusal("verify", "audit", "--head", file)
    assert "Không đọc được tệp" in command.refusal("verify", "audit", "--head", tmp_path / "none")
    file.write_bytes(b"\xff\xfe\x00")
    assert "Không đọc được tệp" in command.refusal("verify", "audit", "--head", file)


@pytest.mark.usefixtures("copy")
def test_a_head_changed_in_the_file_does_not_fit_its_signature(past: Past) -> None:
    assert first_fault(replace(past.head, seal=2)) == BrokenLink("head", 2, "its signature does not fit")
    assert first_fault(replace(past.head, day=DAY - timedelta(days=1))) == BrokenLink(
        "head", 3, "its signature does not fit"
    )


@pytest.mark.usefixtures("copy")
@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (None, "Mọi phản ánh khớp với nhật ký."),
        (ReplayDifference("PAKN.1", "due_date", "a", "b"), "PAKN.1: due_date đang lưu là a, theo nhật ký là b"),
        (ReplayDifference("PAKN.1", "words", "a", "b"), "PAKN.1: tiêu đề hoặc nội dung đã bị sửa"),
        (ReplayDifference("PAKN.1", "message:7", "a", "b"), "PAKN.1: văn bản số 7 đã bị sửa"),
        (ReplayDifference("PAKN.1", "message:7", "", "b"), "PAKN.1: văn bản số 7 bị mất"),
        (ReplayDifference("PAKN.1", "message:7", "a", ""), "PAKN.1: văn bản số 7 không có trong nhật ký"),
        (ReplayDifference("PAKN.1", "rating", "", "b"), "PAKN.1: đánh giá đang lưu là trống, theo nhật ký là b"),
        (ReplayDifference(ONE, "ticket", "", "1"), "ticket:1: có trong nhật ký nhưng không còn trong dữ liệu"),
    ],
)
def test_the_command_for_tickets_lists_where_they_differ_from_the_history(
    monkeypatch: pytest.MonkeyPatch, found: ReplayDifference | None, sentence: str
) -> None:
    every = [found] if found else []
    monkeypatch.setattr(projection, "check_all", lambda _session: iter(every))
    monkeypatch.setattr(words, "differences", lambda _session: iter(()))
    command = Command(monkeypatch)
    result = command.run("verify", "tickets", "--json")
    assert result.exit_code == bool(found)
    assert json.loads(result.stdout) == {"ok": not found, "differences": [asdict(one) for one in every]}
    told = command.run("verify", "tickets")
    assert told.exit_code == bool(found)
    assert sentence in told.output.splitlines()


@pytest.mark.usefixtures("copy")
def test_a_chain_without_its_ticket_is_named_by_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """The chains of these tests have none."""
    told = Command(monkeypatch).run("verify", "tickets")
    assert told.exit_code == 1
    assert "ticket:2: có trong nhật ký nhưng không còn trong dữ liệu" in told.output
