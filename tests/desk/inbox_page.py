"""The page of the inbox as a browser without JavaScript has it."""

import html
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class InboxHtml:
    """A page of the inbox, and what a reader finds on it."""

    text: str

    @property
    def titles(self) -> list[str]:
        return re.findall(r'<h2><a href="/hop-thu/[^"]+">([^<]+)</a></h2>', self.text)

    @property
    def numbers(self) -> list[str]:
        return re.findall(r'<h2><a href="/hop-thu/([^"?]+)[^"]*">', self.text)

    @property
    def ticket_links(self) -> list[str]:
        return [html.unescape(href) for href in re.findall(r'<h2><a href="(/hop-thu/[^"]+)">', self.text)]

    def row(self, title: str) -> str:
        """The row of a ticket as text without markup."""
        rows = [row for row in self.text.split("<li id=") if f">{title}</a></h2>" in row]
        return " ".join(re.sub(r"<[^>]+>", " ", rows[0].split("</li>")[0]).split())

    def tab(self, name: str) -> tuple[str, int | None]:
        """The address and the count of a tab."""
        for href, inside in re.findall(r'<li>\s*<a href="([^"]+)"[^>]*>(.*?)</a>', self.text, re.DOTALL):
            words = " ".join(re.sub(r"<[^>]+>", " ", inside).split())
            if words == name:
                return html.unescape(href), None
            if words.startswith(f"{name} ") and words.removeprefix(f"{name} ").replace(".", "").isdigit():
                return html.unescape(href), int(words.removeprefix(f"{name} ").replace(".", ""))
        raise AssertionError(f"no tab {name}")

    @property
    def next_page(self) -> str | None:
        link = re.search(r'<a href="([^"]+)"\s+rel="next">', self.text)
        return html.unescape(link[1]) if link else None

    @property
    def chips(self) -> list[str]:
        """The addresses of the list without one of its filters."""
        links = re.findall(r'<a href="([^"]+)">', self.text.split('<ul class="chips"')[1].split("</ul>")[0])
        return [html.unescape(href) for href in links[:-1]]

    @property
    def query_to_save(self) -> str:
        field = re.search(r'name="query" value="([^"]*)"', self.text)
        assert field
        return html.unescape(field[1])

    def error_at(self, field: str) -> str:
        sentence = re.search(rf'id="{field}-error">(.*?)</p>', self.text, re.DOTALL)
        assert sentence, f"no error at {field}"
        return " ".join(re.sub(r"<[^>]+>", " ", sentence[1]).split())


def query_of(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query))
