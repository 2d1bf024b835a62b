"""The site, in English (this folder) and Persian (``fa``, built with ``-c docs -t fa``)."""

from __future__ import annotations

from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

HERE = Path(__file__).parent
IS_PERSIAN = "fa" in globals()["tags"]  # Sphinx gives the tags of the command line to this file

project = "Payamak"
version = release = installed_version("payamak")
html_title = f"پیامک {version}" if IS_PERSIAN else f"Payamak {version}"
locale_dirs = [str(HERE / "_locale")]  # what Sphinx and furo themselves write, where they have no Persian
language = "fa" if IS_PERSIAN else "en"
copyright = "the Payamak authors, MIT licensed"  # noqa: A001  # Sphinx's name

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton", "sphinx_click"]
exclude_patterns = [] if IS_PERSIAN else ["fa"]
nitpicky = True
# Not linked: the standard library and aiohttp, as nothing is fetched; types of signatures that have no public name.
nitpick_ignore_regex = [
    ("py:.*", r"(collections|dt|datetime|enum|msgspec|decimal|os|ssl|ssl_module|aiohttp|types|typing)\..*|Decimal"),
    ("py:(class|obj)", r"(smscore|[a-z]+_sms)\..*|[A-Z]|Credentials|Exchange|TokenAccount"),
    ("py:data", "[A-Z][A-Za-z_]+"),  # unions of types, and defaults
]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
copybutton_exclude = ".linenos, .gp, .go"

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 88

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css", *(["rtl.css"] if IS_PERSIAN else [])]
html_show_sphinx = False
templates_path = ["_templates"]
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/search.html",
        "sidebar/language.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}


def other_language(pagename: str) -> str:
    """The same page in the other language, else that language's first page; from the root of this one."""
    other = HERE if IS_PERSIAN else HERE / "fa"
    target = pagename if (other / f"{pagename}.md").exists() else "index"
    return f"../{target}.html" if IS_PERSIAN else f"fa/{target}.html"


def on_page(_app: Sphinx, pagename: str, _template: str, context: dict[str, Any], _doctree: object) -> None:
    """Link the other language; write Persian from right to left, which furo's ``lang`` alone does not."""
    context["other_language"] = other_language(pagename)
    context["is_persian"] = IS_PERSIAN
    if IS_PERSIAN:
        context["language"] = 'fa" dir="rtl'  # the template writes it into the tag's attribute


def by_public_name(app: Sphinx, env: BuildEnvironment, node: pending_xref, text: nodes.Element) -> nodes.Element | None:
    """The documented object of that last name: signatures name types by the modules that define them."""
    if node.get("refdomain") != "py":
        return None
    last = node["reftarget"].rpartition(".")[2]
    domain = env.domains.python_domain
    known = sorted((name for name in domain.objects if name.rpartition(".")[2] == last), key=len)
    if not known:
        return None
    return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", known[0], node, text)


def without_signature(_app: Sphinx, _what: str, name: str, *_: object) -> tuple[str, None] | None:
    """No signature for what only Payamak makes, and users read."""
    return ("", None) if name in ("smscore.SendReport", "smscore.results.SendReport") else None


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-signature", without_signature)
    app.connect("missing-reference", by_public_name)
    app.connect("html-page-context", on_page)
