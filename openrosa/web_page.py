"""The page for answering in a browser, as HTML: pure text from what it is told, every part of it escaped."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from string import Template

from openrosa.web_texts import CLOSED, NAMES, PAGE
from schemas.text import LANGUAGES, Text, pick

_FRAME = Template("""<!doctype html>
<html lang="$language">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
<meta name="referrer" content="no-referrer">
<title>$title</title>
<link rel="icon" href="data:,">
$head</head>
<body>
$body</body>
</html>
""")

_PLAIN_STYLE = """<style>
:root{color-scheme:light}body{margin:0;background:#f4f6f8;color:#1d2733;font:1.25rem/1.55 system-ui,sans-serif}
main{max-width:40rem;margin:0 auto;padding:1.25rem}h1{font-size:1.6rem;line-height:1.25}
nav{display:flex;flex-wrap:wrap;gap:.5rem}nav a{padding:.7rem 1rem;border-radius:.5rem;color:#0b4f7d;background:#fff;
border:1px solid #8aa4b8;text-decoration:none}nav a[aria-current]{background:#0b4f7d;color:#fff}
small{color:#4a5968}</style>
"""

_FORM_HEAD = Template("""<link rel="stylesheet" href="$files/web-forms.css">
<link rel="stylesheet" href="$files/page.css">
<script type="importmap" nonce="$nonce">{"imports":{"vue":"$files/vue.js","web-forms":"$files/web-forms.js"}}</script>
<script type="application/json" id="config">$config</script>
<script src="$files/check.js" defer></script>
<script type="module" src="$files/page.js"></script>
""")

_FORM_BODY = Template("""<header class="top">
<h1 id="title">$title</h1>
<div class="languages" role="group" aria-label="$choose" id="languages">$buttons</div>
<p class="private" id="private">$private</p>
</header>
<main>
<noscript><p class="notice">$script</p></noscript>
<div id="status" class="notice" role="status">$loading</div>
<div id="errors" class="notice bad" role="alert" hidden></div>
<div id="form"></div>
<section id="thanks" class="thanks" hidden></section>
</main>
<dialog id="sending" aria-labelledby="sending-head"></dialog>
<footer class="bottom"><small id="credit">$credit</small></footer>
""")

_CLOSED_BODY = Template("""<main>
<nav aria-label="$choose">$languages</nav>
<h1>$heading</h1>
<p>$advice</p>
<p><small>$code</small></p>
</main>
""")


@dataclass(frozen=True, slots=True)
class FormPage:
    """What a page with a form is made of.

    Attributes:
        title: of the survey, language -> text.
        form: number of the form version.
        language: in which it opens.
        languages: that may be chosen: our code -> the form's own name of it, "" if the form doesn't have it.
        is_single: whether one person answers once.
        files: address of the files, relative to the page's, without a slash at the end.
        nonce: of this answer.
    """

    title: Text
    form: int
    language: str
    languages: Mapping[str, str]
    is_single: bool
    files: str
    nonce: str


def form_page(page: FormPage) -> str:
    """The page on which a form is answered."""
    config = {
        "form": page.form,
        "language": page.language,
        "languages": dict(page.languages),
        "title": {code: pick(page.title, code) for code in LANGUAGES},
        "single": page.is_single,
        "texts": PAGE,
    }
    # "<" never stands in the document as such: a title can't end the element.
    written = json.dumps(config, ensure_ascii=False).replace("<", "\\u003c")
    texts = {name: escape(text[page.language]) for name, text in PAGE.items()}
    title = escape(pick(page.title, page.language))
    buttons = "".join(
        f'<button type="button" lang="{code}" value="{code}" aria-pressed="{str(code == page.language).lower()}">'
        f"{escape(NAMES[code])}</button>"
        for code in page.languages
    )
    head = _FORM_HEAD.substitute(files=page.files, nonce=page.nonce, config=written)
    body = _FORM_BODY.substitute(texts, title=title, buttons=buttons, choose=texts["language"])
    return _FRAME.substitute(language=page.language, title=title, head=head, body=body)


def closed_page(code: str, language: str) -> str:
    """The page that says why there is no form, and what to do.

    Args:
        code: of `web_texts.CLOSED`.
        language: es, ht or en.
    """
    _, heading, advice = CLOSED[code]
    links = "".join(
        f'<a href="?lang={one}" lang="{one}" hreflang="{one}"{" aria-current=true" if one == language else ""}>'
        f"{escape(NAMES[one])}</a>"
        for one in LANGUAGES
    )
    body = _CLOSED_BODY.substitute(
        choose=escape(PAGE["language"][language]),
        languages=links,
        heading=escape(heading[language]),
        advice=escape(advice[language]),
        code=code,
    )
    return _FRAME.substitute(language=language, title=escape(heading[language]), head=_PLAIN_STYLE, body=body)
