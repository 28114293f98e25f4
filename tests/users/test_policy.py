"""The policy: a pure question, refused unless listed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.users.models import Role
from backend.users.policy import EVERY_UNIT, OWN_UNIT, SENDER, SYSTEM, Actor, Permission, PolicySubject, can

OWN, OTHER = 1, 2
actors = st.builds(
    Actor, st.sampled_from(Role), st.just(7), st.sampled_from([None, OWN, OTHER]), st.just(""), st.just("user:7")
)
subjects = st.builds(PolicySubject, st.sampled_from([None, OWN, OTHER]), st.sampled_from([None, OWN, OTHER]))


@pytest.mark.parametrize("action", list(Permission))
def test_nobody_signed_in_may_only_what_is_public(action: Permission) -> None:
    assert can(None, action) is (action is Permission.PUBLIC)


@pytest.mark.parametrize("actor", [SENDER, SYSTEM])
@pytest.mark.parametrize("action", [action for action in Permission if action is not Permission.PUBLIC])
def test_senders_and_the_system_have_no_right_of_staff(actor: Actor, action: Permission) -> None:
    assert not can(actor, action)
    assert not can(actor, action, PolicySubject(None))


@pytest.mark.parametrize(
    ("role", "action", "own", "other"),
    [
        (Role.OFFICER, Permission.HANDLE_TICKET, True, False),
        (Role.OFFICER, Permission.VIEW_CONTACT, True, False),
        (Role.OFFICER, Permission.VIEW_FIGURES, False, False),
        (Role.LEADER, Permission.HANDLE_TICKET, True, False),
        (Role.LEADER, Permission.VIEW_FIGURES, True, False),
        (Role.COORDINATOR, Permission.FORWARD_TICKET, True, True),
        (Role.COORDINATOR, Permission.HANDLE_TICKET, False, False),
        (Role.MANAGER, Permission.VIEW_FIGURES, True, True),
        (Role.MANAGER, Permission.VIEW_TICKET, False, False),
        (Role.MANAGER, Permission.VIEW_CONTACT, False, False),
        (Role.ADMINISTRATOR, Permission.MANAGE_USERS, True, True),
        (Role.ADMINISTRATOR, Permission.VIEW_TICKET, False, False),
        (Role.ADMINISTRATOR, Permission.VIEW_CONTACT, False, False),
    ],
)
def test_roles_have_the_rights_of_their_work(role: Role, action: Permission, own: bool, other: bool) -> None:
    actor = Actor(role, 7, OWN)
    assert can(actor, action, PolicySubject(OWN)) is own
    assert can(actor, action, PolicySubject(OTHER)) is other


@given(actors, st.sampled_from([a for a in Permission if a is not Permission.PUBLIC]), subjects)
def test_a_right_to_one_thing_is_a_right_to_do_it_at_all(
    actor: Actor, action: Permission, subject: PolicySubject
) -> None:
    if can(actor, action, subject):
        assert can(actor, action)


@given(st.sampled_from(Role), st.sampled_from([a for a in Permission if a is not Permission.PUBLIC]), subjects)
def test_what_is_hidden_from_a_unit_is_hidden_from_all_its_people(
    role: Role, action: Permission, subject: PolicySubject
) -> None:
    if subject.hidden_from is not None:
        assert not can(Actor(role, 7, subject.hidden_from), action, subject)


@given(st.sampled_from(sorted({Role.OFFICER, Role.LEADER})), st.sampled_from(Permission), subjects)
def test_handlers_without_a_unit_may_nothing_of_a_unit(role: Role, action: Permission, subject: PolicySubject) -> None:
    if action in OWN_UNIT:
        assert not can(Actor(role, 7, None), action, subject)


def test_every_action_is_somebody_s() -> None:
    for action in Permission:
        assert action is Permission.PUBLIC or OWN_UNIT.get(action) or EVERY_UNIT.get(action)
