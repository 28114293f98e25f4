"""What a ticket's page says of one action."""


def card(page: str, path: str) -> str:
    """What stands before and in the form of an action."""
    before, _form, _after = page.partition(f'/{path}">')
    return before[max(before.rfind('<details class="card"'), before.rfind("<h3>")) :]
