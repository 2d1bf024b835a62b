"""Check the built site, offline: every link inside it leads to a place on a page, and Persian is right to left.

``python docs/check_site.py FOLDER`` prints what is wrong and exits with 1 if anything is.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """A page's links, the ids that links may lead to, its ``html`` tag, and its pictures without a description."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.root: dict[str, str | None] = {}
        self.nameless: list[str] = []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect what a tag has."""
        given = dict(attrs)
        self.ids.add(given.get("id") or "")
        if tag == "html":
            self.root = given
        if tag == "a" and given.get("href"):
            self.links.append(given["href"] or "")
        if tag in ("link", "script", "img"):
            self.links.append(given.get("href") or given.get("src") or "")
        if tag == "img" and not given.get("alt"):
            self.nameless.append(given.get("src") or "")


def faults(folder: Path) -> Iterator[str]:
    """What is wrong with the site in this folder, one line each."""
    pages = {path.resolve(): Page(path) for path in folder.rglob("*.html")}
    if not pages:
        yield f"{folder} has no page"
    for path, page in pages.items():
        name = path.relative_to(folder.resolve())
        wanted = {"lang": "fa", "dir": "rtl"} if name.parts[0] == "fa" else {"lang": "en"}
        if not wanted.items() <= page.root.items():
            yield f"{name}: the html tag is {page.root}, and lacks {wanted}"
        yield from (f"{name}: the picture {picture} has no description" for picture in page.nameless)
        yield from (
            f"{name}: the link {link} leads nowhere" for link in page.links if not leads_somewhere(path, link, pages)
        )


def undocumented(folder: Path) -> Iterator[str]:
    """The public names of Payamak that no page of the reference describes."""
    ids = {id_ for path in folder.glob("reference/*.html") for id_ in Page(path).ids}
    for package in ("smscore", "sepahan_sms", "ippanel_sms", "najva_sms"):
        module = import_module(package)
        names = {name for name in module.__all__ if not isinstance(getattr(module, name), ModuleType)}
        yield from sorted(f"{package}.{name} is in no page" for name in names if f"{package}.{name}" not in ids)


def leads_somewhere(path: Path, link: str, pages: dict[Path, Page]) -> bool:
    """Whether a link of a page leads out of the site, or to a file and an id of it."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return True
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if target not in pages:
        return target.is_file()
    return not parts.fragment or unquote(parts.fragment) in pages[target].ids


if __name__ == "__main__":
    site = Path(sys.argv[1])
    found = [*faults(site), *undocumented(site)]
    sys.stdout.write("".join(f"{fault}\n" for fault in found))
    sys.exit(bool(found))
