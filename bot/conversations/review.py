"""The last step of a draft: review, edit, send, and the receipt."""

from backend.files.text import clean_text
from backend.messengers.messenger import ChatInput, InputKind
from backend.settings import get_settings
from backend.tickets import queries, service
from backend.tickets.models import Category, Channel
from backend.tickets.reception import drafts
from backend.web.language import SOURCE, day_text
from bot import texts
from bot.conversations.talk import ConversationTurn, Draft, DraftStep, check_field
from bot.effects import PLACE, BotEffect, EffectKind

TITLE_SUGGESTED = 90
CONTACT = ("consent", "name", "phone", "email")
ALBUMS_MOST = 3  # albums of sent feedback whose late photos are still added to the ticket


def title_of(draft: Draft) -> str:
    """Return the title typed, else the first line of the text, cut after a word at 90 characters."""
    if draft.get("title"):
        return str(draft["title"])
    first_line = clean_text(str(draft["content"]).strip().split("\n", 1)[0], limit=drafts.LATER)
    if len(first_line) <= TITLE_SUGGESTED:
        return first_line
    whole_words = first_line[:TITLE_SUGGESTED].rpartition(" ")[0]
    return (whole_words or first_line[: TITLE_SUGGESTED - 1]) + "…"


def _ask(talk: ConversationTurn, draft: Draft) -> None:
    category = talk.session.get_one(Category, draft["category"]).name(talk.language or SOURCE)
    lines = [
        talk.words(texts.REVIEW),
        "",
        talk.words(texts.REVIEW_UNIT, unit=draft["unit"][1]),
        talk.words(texts.CATEGORY_CHOSEN, category=category),
        talk.words(texts.REVIEW_TITLE, title=title_of(draft)),
        "",
        draft["content"],
        "",
        talk.words(texts.REVIEW_PHOTOS, n=len(draft["photos"])),
    ]
    if draft["consent"] == "details":
        reach = draft.get("phone") or draft.get("email")
        lines.append(talk.words(texts.REVIEW_CONTACT, name=draft["name"], reach=reach))
    lines.append(talk.words(texts.REVIEW_ANONYMOUS if draft["consent"] == "none" else texts.REVIEW_CHAT))
    edits = [(talk.words(label), f"e:{name}") for name, label in texts.EDITS.items()]
    rows = [[(talk.words(texts.SEND), "send")], *(edits[i : i + 2] for i in range(0, len(edits), 2))]
    talk.ask("\n".join(lines), [*rows, [(talk.words(texts.CANCEL), "cancel")]])


def _take(talk: ConversationTurn, draft: Draft, _chat_input: ChatInput, value: str | None) -> bool:
    if value == "send":
        _send(talk, draft)
    elif value == "cancel":
        talk.state.pop("draft")
        talk.say(texts.CANCELLED)
    elif value is None:
        talk.say(texts.PRESS_A_BUTTON)
    else:
        _edit(draft, value.removeprefix("e:"))
    return True


def _edit(draft: Draft, name: str) -> None:
    """Remove the part to ask again. With the category the contact goes too: another one may need another contact."""
    if name == "title":
        draft["asking"] = "title"
    elif name == "photos":
        draft["photos"] = []
        draft.pop("photos_done", None)
    elif name in texts.EDITS:
        for field in {"category": ("category", *CONTACT), "consent": CONTACT}.get(name, (name,)):
            draft.pop(field, None)


def _ask_title(talk: ConversationTurn, _draft: Draft) -> None:
    talk.say(texts.TITLE)


def _take_title(_talk: ConversationTurn, draft: Draft, chat_input: ChatInput, _value: str | None) -> bool:
    if chat_input.kind is InputKind.TEXT:
        check_field("title", title=chat_input.text)
        draft["title"] = chat_input.text
        draft.pop("asking")
    return True


def _send(talk: ConversationTurn, draft: Draft) -> None:
    """Open the ticket by the same service as on the web. A second press finds no draft any more."""
    consent, details = draft["consent"] != "none", draft["consent"] == "details"
    receipt = service.open_ticket(
        talk.session,
        service.FeedbackDraft(
            key=draft["key"],
            unit_id=draft["unit"][0],
            category_code=draft["category"],
            title=title_of(draft),
            content=draft["content"],
            name=draft["name"] if details else "",
            phone=draft.get("phone", "") if details else "",
            email=draft.get("email", "") if details else "",
            consent=consent,
            channel=Channel.TELEGRAM,
            language=talk.language or SOURCE,
            chat_id=talk.chat_id if consent else None,
        ),
        now=talk.now,
    )
    talk.state.pop("draft")
    talk.state.pop("nonce", None)
    albums = (
        draft.get("albums", [])[-ALBUMS_MOST:] if consent else []
    )  # without consent nothing may link the chat to the ticket
    talk.state["albums"] = dict.fromkeys(albums, receipt.ticket_id)
    _hand_receipt(talk, receipt, draft["key"], notices_here=consent)
    for file_id in draft["photos"]:
        talk.effects.append(BotEffect(EffectKind.KEEP_PHOTO, file_id=file_id, ticket_id=receipt.ticket_id))


def _hand_receipt(talk: ConversationTurn, receipt: service.Receipt, key: str, *, notices_here: bool) -> None:
    ticket = queries.by_id(talk.session, receipt.ticket_id)
    due = day_text(ticket.due_date)
    text = talk.words(
        texts.RECEIPT,
        number=receipt.number,
        secret=PLACE,
        unit=ticket.unit.name,
        due=talk.words(texts.DUE_ESTIMATED, due=due) if ticket.due_estimated else due,
        address=get_settings().base_url.rstrip("/") + "/theo-doi",
    )
    talk.tell(text + ("\n\n" + talk.words(texts.TOLD_HERE) if notices_here else ""), key=key)


STEPS = {"review": DraftStep(_ask, _take), "title": DraftStep(_ask_title, _take_title)}
