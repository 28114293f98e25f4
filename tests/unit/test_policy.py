"""The policy: a pure question, refused unless listed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.users.models import Role
from backend.users.policy import EVERY_UNIT, OWN_UNIT, SENDER, SYSTEM, Action, Actor, Subject, can

OWN, OTHER = 1, 2
actors = st.builds(
    Actor, st.sampled_from(Role), st.just(7), st.sampled_from([None, OWN, OTHER]), st.just(""), st.just("user:7")
)
subjects = st.builds(Subject, st.sampled_from([None, OWN, OTHER]), st.sampled_from([None, OWN, OTHER]))


@pytest.mark.parametrize("action", list(Action))
def test_nobody_signed_in_may_only_what_is_public(action: Action) -> None:
    assert can(None, action) is (action is Action.PUBLIC)


@pytest.mark.parametrize("actor", [SENDER, SYSTEM])
@pytest.mark.parametrize("action", [action for action in Action if action is not Action.PUBLIC])
def test_senders_and_the_system_have_no_right_of_staff(actor: Actor, action: Action) -> None:
    assert not can(actor, action)
    assert not can(actor, action, Subject(None))


@pytest.mark.parametrize(
    ("role", "action", "own", "other"),
    [
        (Role.OFFICER, Action.HANDLE_TICKET, True, False),
        (Role.OFFICER, Action.VIEW_CONTACT, True, False),
        (Role.OFFICER, Action.VIEW_FIGURES, False, False),
        (Role.LEADER, Action.HANDLE_TICKET, True, False),
        (Role.LEADER, Action.VIEW_FIGURES, True, False),
        (Role.COORDINATOR, Action.FORWARD_TICKET, True, True),
        (Role.COORDINATOR, Action.HANDLE_TICKET, False, False),
        (Role.MANAGER, Action.VIEW_FIGURES, True, True),
        (Role.MANAGER, Action.VIEW_TICKET, False, False),
        (Role.MANAGER, Action.VIEW_CONTACT, False, False),
        (Role.ADMINISTRATOR, Action.MANAGE_USERS, True, True),
        (Role.ADMINISTRATOR, Action.VIEW_TICKET, False, False),
        (Role.ADMINISTRATOR, Action.VIEW_CONTACT, False, False),
    ],
)
def test_roles_have_the_rights_of_their_work(role: Role, action: Action, own: bool, other: bool) -> None:
    actor = Actor(role, 7, OWN)
    assert can(actor, action, Subject(OWN)) is own
    assert can(actor, action, Subject(OTHER)) is other


@given(actors, st.sampled_from([a for a in Action if a is not Action.PUBLIC]), subjects)
def test_a_right_to_one_thing_is_a_right_to_do_it_at_all(actor: Actor, action: Action, subject: Subject) -> None:
    if can(actor, action, subject):
        assert can(actor, action)


@given(st.sampled_from(Role), st.sampled_from([a for a in Action if a is not Action.PUBLIC]), subjects)
def test_what_is_hidden_from_a_unit_is_hidden_from_all_its_people(role: Role, action: Action, subject: Subject) -> None:
    if subject.hidden_from is not None:
        assert not can(Actor(role, 7, subject.hidden_from), action, subject)


@given(st.sampled_from(sorted({Role.OFFICER, Role.LEADER})), st.sampled_from(Action), subjects)
def test_handlers_without_a_unit_may_nothing_of_a_unit(role: Role, action: Action, subject: Subject) -> None:
    if action in OWN_UNIT:
        assert not can(Actor(role, 7, None), action, subject)


def test_every_action_is_somebody_s() -> None:
    for action in Action:
        assert action is Action.PUBLIC or OWN_UNIT.get(action) or EVERY_UNIT.get(action)
