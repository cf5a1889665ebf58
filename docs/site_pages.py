"""What the site has beside the pages of docs/: a page of every file of the repository that a page links to.

A link such as ``../examples/own_module.py`` leads to a file where the repository is read, and to a page that shows it where the
site is. mkdocs calls the functions whose names begin with ``on_``.
"""

from __future__ import annotations

import json
import posixpath
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
LINK = re.compile(r"(?<=\]\()([^)\s#:]+)(?=[)#])")
LANGUAGES = {".py": "python", ".yaml": "yaml", ".sh": "bash"}


def page_of(path: str) -> str:
    """The page that shows a file of the repository; both relative to where they are kept."""
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return f"repository/{path}" if path.endswith(".md") else f"repository/{path}.md"


def linked(path: str, text: str) -> dict[str, str]:
    """The files of the repository that the text of the file ``path`` links to, by the link; code links to nothing."""
    if not path.endswith((".md", ".ipynb")):
        return {}
    found = {link: posixpath.normpath(posixpath.join(posixpath.dirname(path), link)) for link in LINK.findall(text)}
    return {link: to for link, to in found.items() if not to.startswith("..") and (ROOT / to).is_file()}


def as_markdown(path: str) -> str:
    """What the page of a file shows."""
    text, kind = (ROOT / path).read_text(), Path(path).suffix
    if kind == ".md":
        return text
    if kind == ".ipynb":
        return "\n\n".join(cell_text(cell) for cell in json.loads(text)["cells"])
    return f"# {path}\n\n```{LANGUAGES.get(kind, 'text')}\n{text}```\n"


def cell_text(cell: dict[str, Any]) -> str:
    """A cell of a notebook with what it printed."""
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return source
    said = ["".join(output.get("text", output.get("data", {}).get("text/plain", ""))) for output in cell["outputs"]]
    return f"```python\n{source}\n```" + "".join(f"\n\n```text\n{text.rstrip()}\n```" for text in said if text.strip())


@lru_cache
def pages() -> dict[str, str]:
    """The text of every page by the file it shows: those of docs/, what they link to, and so on."""
    waiting = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))
    found: dict[str, str] = {}
    while waiting:
        path = waiting.pop()
        if path in found or not page_of(path).endswith(".md"):  # what is not a page in docs/ is copied as it is
            continue
        found[path] = as_markdown(path)
        waiting += linked(path, found[path]).values()
    return found


def on_files(files: Any, config: Any) -> Any:
    """Add the pages of files that lie outside of docs/."""
    from mkdocs.structure.files import File, InclusionLevel

    for path, text in pages().items():
        if not path.startswith("docs/"):
            shown = File.generated(config, page_of(path), content=text, inclusion=InclusionLevel.NOT_IN_NAV)
            files.append(shown)
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Let links to files lead to their pages."""
    uri = page.file.src_uri
    path = next(one for one in pages() if page_of(one) == uri)
    to, here = linked(path, markdown), posixpath.dirname(uri)
    return LINK.sub(lambda m: posixpath.relpath(page_of(to[m[0]]), here) if m[0] in to else m[0], markdown)
