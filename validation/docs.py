"""Great Expectations' Data Docs, closed: pages that ask no other host for anything, with a small style of our own."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from lxml import html

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; padding: 1rem; color: #1b2730; background: #fbfaf6; }
h1, h2, h3, h4, h5 { line-height: 1.25; } table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid #dcd8cd; }
a { color: #0b5563; } .rule { font: .85em monospace; overflow-wrap: anywhere; display: block; color: #52606b; }
nav ol, nav ul { padding-left: 1.2rem; } .table-responsive, .cooltip { overflow-x: auto; }
.failed, .text-danger { color: #9a4a12; } .text-success { color: #0b5563; }
@media (prefers-color-scheme: dark) { body { color: #e8ecee; background: #11181d; } a, .text-success { color: #7fd0d6; }
th, td { border-color: #33404a; } .rule { color: #a9b5bd; } }
"""
_DROPPED = (
    "//script | //link | //img | //noscript | //iframe | //button | //form | //svg | //footer | //style"
    " | //*[contains(@class, 'modal')]"
    " | //input | //label | //a[@data-toggle] | //*[contains(@class, 'toast')] | //*[contains(@id, 'walkthrough')]"
    " | //*[normalize-space(text()) = 'Actions' or normalize-space(text()) = 'Validation Filter:']"
)


def close_page(page: bytes) -> bytes:
    """The page without scripts, pictures, foreign styles and links to other hosts.

    >>> close_page(b'<html><head><script src="https://x/y.js"></script></head><body><a href="https://x">a</a></body></html>')
    ... # doctest: +ELLIPSIS
    b'<!DOCTYPE html>...<body><span>a</span></body></html>'
    """
    root: Any = html.document_fromstring(page)
    for element in root.xpath(_DROPPED):
        if element.getparent() is not None:
            element.drop_tree()
    for element in root.iter():
        for name in [name for name in element.attrib if name.startswith("on") or _is_foreign(element.get(name, ""))]:
            del element.attrib[name]
        if element.tag == "a" and not element.get("href"):
            element.tag = "span"
    head = root.find("head")
    if head is None:
        head = html.Element("head")
        root.insert(0, head)
    style = html.Element("style")
    style.text = _STYLE
    head.append(html.Element("meta", name="viewport", content="width=device-width, initial-scale=1"))
    head.append(style)
    if not root.get("lang"):
        root.set("lang", "en")
    return bytes(html.tostring(root, doctype="<!DOCTYPE html>", encoding="utf-8"))


def index_page(pages: Sequence[tuple[str, str, int, int]]) -> bytes:
    """The first page: the library's own is written by a script, which isn't there any more.

    Args:
        pages: name of the table, path of its result, expectations, those that were not met.
    """
    rows = "".join(
        f'<tr><th scope="row"><a href="{escape(path)}">{escape(name)}</a></th><td>{of}</td><td>{failed}</td></tr>'
        for name, path, of, failed in pages
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Great Expectations</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        "<body><h1>Great Expectations</h1><table><thead><tr><th>Table</th><th>Expectations</th><th>Not met</th></tr>"
        f"</thead><tbody>{rows}</tbody></table></body></html>\n"
    ).encode()


def _is_foreign(value: str) -> bool:
    return value.strip().lower().startswith(("http:", "https:", "//", "javascript:"))
