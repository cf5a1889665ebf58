"""What holds for every page that the project writes, found by parsing it."""

import re
from html.parser import HTMLParser
from pathlib import Path

import ranknosh.report

VOID = {"meta", "br", "wbr", "link", "img", "input", "hr"}
SCRIPT = f"<script>\n{(Path(ranknosh.report.__file__).parent / 'script.js').read_text()}</script>\n"
"""The one script of a page, which works without it."""
LANDMARKS = {"header", "nav", "main", "footer", "h1"}


class ParsedPage(HTMLParser):
    """Tags with their attributes, ids, and the words that are read; tags have to be closed in order."""

    def __init__(self, text):
        super().__init__()
        self.source, self.open, self.tags, self.text, self.style = text, [], [], [], ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag != "wbr":
            self.text.append(" ")

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        self.text.append(" ")

    def handle_data(self, data):
        if self.open[-1:] == ["style"]:
            self.style += data
        else:
            self.text.append(data)

    @property
    def words(self):
        """Everything that is read, single spaces between words."""
        return " ".join("".join(self.text).replace("\u00a0", " ").split())

    def count(self, tag):
        return sum(name == tag for name, _ in self.tags)

    def all(self, tag):
        """The attributes of every ``tag``."""
        return [attrs for name, attrs in self.tags if name == tag]

    @property
    def sections(self):
        """Ids of the sections, in order."""
        return [attrs["id"] for attrs in self.all("section")]


def read_page(text):
    """Parse a page, after checking what every page has: one offline file that can be read by anybody."""
    assert text.count(SCRIPT) == 1
    text = text.replace(SCRIPT, "")
    page = ParsedPage(text)
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    links = [value for _, attrs in page.tags for name, value in attrs.items() if name in ("href", "src", "xlink:href")]
    assert all(link.startswith("#") and link[1:] in ids for link in links)
    assert not re.search(r"url\((?!#)|@import|<script|<link|<img|<iframe", text)
    assert "http" not in text.replace("http://www.w3.org", "")
    assert page.all("html") == [{"lang": "en"}]
    assert page.all("a")[0] == {"class": "skip", "href": "#content"}
    assert page.all("main")[0]["id"] == "content"
    assert all(page.count(tag) == 1 for tag in LANDMARKS)
    assert [attrs["href"] for attrs in page.all("a")[1:]] == [f"#{name}" for name in page.sections]
    assert all(attrs["aria-labelledby"] in ids for attrs in page.all("section"))
    assert all(attrs.get("scope") in ("col", "row") for attrs in page.all("th"))
    assert page.count("tr") == sum(attrs.get("scope") == "row" for attrs in page.all("th")) + page.count("thead")
    pictures = [attrs for attrs in page.all("div") if attrs.get("role") == "img"]
    assert len(pictures) == page.count("svg")
    assert all(attrs["aria-label"].strip() for attrs in pictures)
    for rule in ("color-scheme: light dark", "(prefers-color-scheme: dark)", "@media print", "(max-width: 820px)"):
        assert rule in page.style
    return page
