"""Pages rendered from their templates, under the path that their language gives them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import jinja2

from reports.pages import PageContext


class PageWriter:
    """Renders the pages of one language.

    Attributes:
        folder: of the language, "" for the first.
        built: path below `site/` -> bytes.
    """

    def __init__(self, context: PageContext, environment: jinja2.Environment) -> None:
        language = context.wording.language
        self.folder = "" if language == context.contents.languages[0] else f"{language}/"
        self.built: dict[str, bytes] = {}
        self._context = context
        self._environment = environment

    def write(self, name: str, template: str, values: Mapping[str, Any]) -> None:
        """Render one page.

        Args:
            name: its path, the same in every language.
            template: file of its template.
            values: what it places, beside what every page needs.
        """
        page = self._environment.get_template(template).render(**self._context.frame(name), **values)
        self.built[f"{self.folder}{name}"] = page.encode()


@cache
def page_environment() -> jinja2.Environment:
    """The templates of the site."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("reports", "templates"),
        autoescape=jinja2.select_autoescape(["html"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
