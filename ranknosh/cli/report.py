"""``report``: the page of a run, written, served while the run works, or beside that of another run."""

from __future__ import annotations

import webbrowser
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from ranknosh.config.screen import say
from ranknosh.errors import ConfigError, printable

PORT = 8700


class YesNo(str, Enum):
    yes = "yes"
    no = "no"


def report(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="A run folder, such as runs/demo-001.", show_default=False)
    ],
    against: Annotated[
        Path | None,
        typer.Option(
            "--against", metavar="OTHER", help="Of two searches of one task: write a page that compares them."
        ),
    ] = None,
    serve: Annotated[
        bool, typer.Option("--serve", help="Write nothing; show the page to browsers of this machine until Ctrl-C.")
    ] = False,
    port: Annotated[
        int | None,
        typer.Option("--port", min=0, max=65535, help=f"Where --serve listens; 0: any free one; default: {PORT}."),
    ] = None,
    open_it: Annotated[YesNo, typer.Option("--open", help="Open the report in a browser.")] = YesNo.no,
) -> None:
    """Write report.html, one offline file, into the folder of a run of any kind; of a search trials.csv as well.

    A served page follows a run that works: it is made anew when the journal has grown, and the browser asks again by itself.

    \b
    Examples:
    ranknosh report runs/demo-001
    ranknosh report runs/demo-001 --open yes
    ranknosh report runs/demo-001 --serve
    ranknosh report runs/demo-001 --against runs/demo-002
    """
    if serve and against is not None:
        raise ConfigError("--serve shows the page of one run; leave it out with --against, which writes a page")
    if port is not None and not serve:
        raise ConfigError("--port is where --serve listens; give --serve too")
    if serve:
        _serve(run, PORT if port is None else port, open_it)
        return
    page, *others = _written(run, against)
    say("\n".join(printable(str(path)) for path in (page, *others)))
    if open_it is YesNo.yes:
        webbrowser.open(page.resolve().as_uri())


def _written(run: Path, against: Path | None) -> list[Path]:
    """The page, and what was written beside it."""
    from ranknosh.report.view import SearchView
    from ranknosh.workflows import open_run

    if against is not None:
        from ranknosh.report.against import write
        from ranknosh.workflows.search.run import SearchRun

        return [write(SearchRun.read(run), SearchRun.read(against))]
    found = open_run(run)
    return [found.report(), *([found.folder / "trials.csv"] if isinstance(found, SearchView) else [])]


def _serve(run: Path, port: int, open_it: YesNo) -> None:
    """Serve until Ctrl-C, which is how it ends as planned."""
    from ranknosh.report.serving import HOST, LivePage, served
    from ranknosh.workflows import open_run

    try:
        with served(LivePage(run, open_run), port) as server:
            address = f"http://{HOST}:{server.server_port}/"
            say(f"{address}   Ctrl-C ends it")
            if open_it is YesNo.yes:
                webbrowser.open(address)
            server.serve_forever()
    except KeyboardInterrupt:
        return
