"""The references from the history to what it is about: how they are written, and what is read back from them."""

import pytest

from backend import audit


def test_a_ticket_is_written_as_its_chain_and_read_back() -> None:
    assert audit.ticket_chain(42) == "ticket:42"
    assert audit.ticket_id_of(audit.ticket_chain(42)) == 42
    assert audit.ticket_chain_sql("tickets.id").endswith("|| tickets.id")


@pytest.mark.parametrize("chain", ["user:7", "42", "ticket:x", "refused:user:7", "ticket:-1"])
def test_a_chain_of_another_kind_is_no_ticket(chain: str) -> None:
    assert audit.ticket_id_of(chain) is None


@pytest.mark.parametrize(("key", "user_id"), [("user:7", 7), ("sender", None), ("system", None), ("user:", None)])
def test_an_actor_names_an_account_or_nobody(key: str, user_id: int | None) -> None:
    assert audit.user_id_in(key) == user_id
    assert user_id is None or audit.user_key(user_id) == key
