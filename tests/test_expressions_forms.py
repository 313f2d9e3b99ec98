"""Every expression of the real forms that pyxform accepts compiles, or the page says why not."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

FORMS = Path(__file__).resolve().parents[2] / "shared" / "forms"
_SPEC = spec_from_file_location("list_compiled_forms", Path(__file__).parents[1] / "docs" / "list_compiled_forms.py")
assert _SPEC is not None
assert _SPEC.loader is not None
page = module_from_spec(_SPEC)
_SPEC.loader.exec_module(page)


@pytest.mark.slow
def test_every_expression_of_real_forms_compiles_or_is_explained() -> None:
    if not FORMS.exists():
        pytest.skip(f"the real forms aren't at {FORMS}")
    text = page.write_page(FORMS)
    assert "NOT EXPLAINED" not in text
    assert page.PAGE.read_text(encoding="utf-8") == text, "run docs/list_compiled_forms.py"
