"""`neo`: build, inspect and explain a release from the command line, on the instance that the UI shows."""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from gc import set_threshold
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from neo_assets.build import Graph, Node, RunResult
    from neo_assets.recipe.documents import DocumentsSection

# Loading the definitions makes millions of objects that stay: looking for garbage among them takes a fifth of the time.
set_threshold(100_000, 50, 100)
console = Console(width=None if sys.stdout.isatty() else 160)


class _OneLineErrors(click.Group):
    """Known faults end in one line, not in a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        from neo_assets.build import SelectionError
        from neo_assets.compute.protocol import SettingError
        from neo_assets.documents.files.faults import DocumentError
        from neo_assets.documents.models.errors import ModelError
        from neo_assets.lake.store import StoreError
        from neo_assets.recipe.recipe import RecipeError
        from neo_assets.tokens.lineage.trace import LineageError

        try:
            return super().invoke(ctx)
        except (
            SelectionError,
            StoreError,
            RecipeError,
            SettingError,
            LineageError,
            DocumentError,
            ModelError,
        ) as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_OneLineErrors, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--recipe", envvar="NEO_RECIPE", help="Name or path of the recipe (default: mini).")
@click.option("--lake", envvar="NEO_LAKE", help="Folder or URI of the lake (default: .neo/lake).")
def main(recipe: str | None, lake: str | None) -> None:
    """Rebuild an open bilingual language model, from crawl to evaluation report.

    \b
    neo build                        everything that is missing or stale
    neo build chinese/filtered       one asset, and what it needs
    neo status                       what is current, stale, missing, and why
    neo why URL                      one document's way through every stage
    neo exposures URL                where the run read it, and what became of its tokens
    neo replay URL, neo replay 17    the tokens read of it, or at a position, as text
    """
    if recipe:
        os.environ["NEO_RECIPE"] = recipe
    if lake:
        os.environ["NEO_LAKE"] = lake if "://" in lake else str(Path(lake).absolute())


@main.command()
@click.argument("selection", required=False)
@click.option("--partition", help="Only this partition of the selected assets, and what it needs.")
@click.option("--force", is_flag=True, help="Make the selection anew even where it is current.")
@click.option("--no-upstream", is_flag=True, help="Only the selected assets, not what they need.")
@click.option("--dry-run", is_flag=True, help="Say what would be made and why, and make nothing.")
def build(selection: str | None, partition: str | None, force: bool, no_upstream: bool, dry_run: bool) -> None:
    """Make what is missing or stale of SELECTION (Dagster's syntax; everything by default), in dependency order.

    An interrupted build loses nothing that was committed: run it again and it goes on from there.
    """
    with _graph() as (graph, _):
        nodes = graph.select(selection, partition, upstream=not no_upstream and not force)
        if dry_run:
            _print_states(graph, nodes)
        else:
            _build(graph, nodes, force)


@main.command()
@click.argument("selection", required=False)
def status(selection: str | None) -> None:
    """Say per asset how many partitions are current, stale or missing, and why."""
    with _graph() as (graph, lake):
        console.print(f"recipe [bold]{_recipe_name()}[/], lake {escape(lake)}")
        _print_states(graph, graph.select(selection, None, upstream=False))


@main.command()
@click.argument("url_or_id")
def why(url_or_id: str) -> None:
    """Follow one document, named by URL or id, through every stage to the checkpoints that saw it."""
    from neo_assets.lake.lake import Lake
    from neo_assets.provenance.why import trace

    steps = trace(Lake.from_environment(), url_or_id)
    if not steps:
        raise click.ClickException(f"{url_or_id}: in no committed partition; is it spelled as in crawl/pages?")
    for step in steps:
        colour = {"kept": "green", "rejected": "red", "quarantined": "magenta"}.get(step.verdict, "cyan")
        where = f"{step.asset} [dim]{escape(step.partition or '')}[/]"
        console.print(f"[{colour}]{step.verdict:<11}[/] {where}  {escape(step.explanation)}", soft_wrap=True)


@main.command()
@click.argument("url_or_id")
def exposures(url_or_id: str) -> None:
    """At which positions of the run a document was read, by which checkpoints, and what became of its tokens."""
    from neo_assets.lake.lake import Lake
    from neo_assets.tokens.lineage.trace import exposures_of

    table = Table("document", "checkpoint", "positions", "targets", "masked", "skipped", "applied", box=None)
    rows = exposures_of(Lake.from_environment(), url_or_id)
    for row in rows:
        counts = (str(row[f"{name}_positions"]) for name in ("target", "masked", "skipped", "applied"))
        table.add_row(row["doc_id"], row["checkpoint"], _shortened(row["positions"]), *counts)
    console.print(table)
    total = sum(row["applied_positions"] for row in rows)
    console.print(f"{total} of its tokens moved the weights, in {len(rows)} checkpoints of run {rows[0]['run']}")


@main.command()
@click.argument("url_id_or_position")
def replay(url_id_or_position: str) -> None:
    """What the run read: of a document (by URL or id), or at a position of its order (a number), as text."""
    from neo_assets.lake.lake import Lake
    from neo_assets.recipe.recipe import load_recipe
    from neo_assets.tokens.lineage.trace import documents_of_position, texts_of_document

    lake, tokenizer = Lake.from_environment(), load_recipe().tokenizer
    if url_id_or_position.isdecimal():
        for row in documents_of_position(lake, int(url_id_or_position), tokenizer):
            where = f"{row['url'] or row['doc_id']}, its tokens {row['document_offset']} and following"
            console.print(f"[cyan]{row['offset']:>6} {row['length']:>6}[/] {escape(where)}", soft_wrap=True)
            console.print(row["text"], markup=False, soft_wrap=True)
        return
    for reading, start, text in texts_of_document(lake, url_id_or_position, tokenizer):
        where = f"{reading.phase}, epoch {reading.epoch}, positions {_shortened(reading.positions)}"
        console.print(f"[cyan]{reading.doc_id}[/] {where}, from token {start}", soft_wrap=True)
        console.print(text, markup=False, soft_wrap=True)


@main.group()
def instance() -> None:
    """The Dagster instance: on Postgres, and told of what the lake holds."""


@instance.command()
def postgres() -> None:
    """Put the instance of DAGSTER_HOME on the Postgres of NEO_POSTGRES_URL and migrate it; then run `register`."""
    from neo_assets.compute.instance import use_postgres

    kept = use_postgres(prepare_dagster_home(), lambda line: console.print(escape(line)))
    console.print(f"on Postgres; the former settings are in {kept}" if kept else "was on Postgres already; migrated")


@instance.command()
def register() -> None:
    """Tell the instance of every committed partition that it does not know, such as those built on a laptop."""
    from dagster import DagsterInstance

    from neo_assets.compute.instance import register as tell

    with _graph() as (graph, _), DagsterInstance.get() as known, _progress() as bars:
        graph.store.register(known)
        task = bars.add_task("partitions", total=None)

        def listen(name: str, done: int, total: int) -> None:
            bars.update(task, description=name, completed=done, total=total)

        found = tell(graph.lake, known, graph.definitions, listen)
    console.print(f"{len(found.told)} partitions registered, {found.known} were known")
    if found.unknown_assets:
        console.print(f"in the lake but in no definition: {', '.join(found.unknown_assets)}")


@main.command()
@click.option("--older-than", type=click.IntRange(0), default=24, show_default=True, help="Hours since last written.")
@click.option("--delete", is_flag=True, help="Delete them; without it they are only listed.")
def gc(older_than: int, delete: bool) -> None:
    """List, and with --delete remove, versions that were replaced, and what killed work left behind.

    With NEO_COMPUTE=kubernetes that includes pods that ended while nobody watched and whose result is in the lake.
    """
    from neo_assets.compute.computes import leftovers_of
    from neo_assets.lake.lake import Lake

    lake, kept = Lake.from_environment(), timedelta(hours=older_than)
    outcome = "deleted" if delete else "could be deleted (--delete)"
    pods = leftovers_of(lake, kept)
    folders = [folder for folder in lake.garbage(kept) if pods is None or folder not in pods.in_use]
    if pods is not None:
        for name in pods:
            console.print(escape(name))
        if delete:
            pods.remove()
        console.print(f"{len(pods.ended)} pods {outcome}")
    for folder in folders:
        console.print(escape(folder))
        if delete:
            lake.store.delete_folder(folder)
    console.print(f"{len(folders)} folders {outcome}")


@main.command()
@click.argument("name", required=False)
def recipe(name: str | None) -> None:
    """Check a recipe (by name or path) and print it as the program reads it."""
    import yaml

    from neo_assets.recipe.recipe import load_recipe

    print(yaml.safe_dump(load_recipe(name).model_dump(mode="json"), sort_keys=False, allow_unicode=True), end="")


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--output", type=click.Path(file_okay=False, path_type=Path), help="Folder for Markdown and pictures.")
@click.option("--profile", type=click.Choice(["default", "fast", "faithful"]), help="How text is recognised.")
def convert(file: Path, output: Path | None, profile: str | None) -> None:
    """Convert one PDF, scan or picture to Markdown by the recipe's settings, without a lake.

    The first use fetches the models of layout, text and tables (41 MB) into a cache; later uses are offline.
    """
    from neo_assets.documents.convert import convert as carry_out
    from neo_assets.documents.convert import written
    from neo_assets.recipe.recipe import load_recipe

    settings = load_recipe().documents
    if profile:
        recognition = settings.recognition.model_copy(update={"profile": profile})
        settings = settings.model_copy(update={"recognition": recognition})
    converted = carry_out(file, settings)
    if output is None:
        click.echo(converted.composition.markdown, nl=False)
        return
    for path in written(converted, output, file.stem):
        console.print(escape(str(path)))
    took = ", ".join(f"{stage} {seconds:.2f}" for stage, seconds in converted.seconds.items())
    console.print(f"{converted.n_pages} pages, CPU seconds: {took}")


@main.command()
def models() -> None:
    """Fetch the models that the recipe's document conversion needs; afterwards it works without a network."""
    from neo_assets.documents.models import fetch_all, names_for
    from neo_assets.recipe.recipe import load_recipe

    for path in fetch_all(names_for(load_recipe().documents)):
        console.print(escape(str(path)))


@main.command()
def summary() -> None:
    """Documents per stage, tokens, losses and scores of what is in the lake."""
    from neo_assets.lake.lake import Lake
    from neo_assets.provenance.summary import render

    render(Lake.from_environment(), console)


@main.command()
def funnel() -> None:
    """Print the funnels of both lines beside MAP-Neo's published ones, as Markdown."""
    from neo_assets.lake.lake import Lake
    from neo_assets.text.funnel_report import readme_section

    lake = Lake.from_environment()
    made = {line: found for line in ("english", "chinese") if (found := lake.dataset(f"{line}/funnel"))}
    if not made:
        raise click.ClickException(
            "no funnel in the lake; run `neo build english/funnel` and `neo build chinese/funnel`"
        )
    rows, reasons = ({line: d.named(table).read() for line, d in made.items()} for table in ("rows", "reasons"))
    click.echo(readme_section(rows, reasons))


@main.command()
@click.pass_context
def demo(context: click.Context) -> None:
    """Build everything of the recipe, then print the summary."""
    context.invoke(build)
    context.invoke(summary)
    console.print("\n[bold]make ui[/] opens the graph in Dagster; [bold]neo why URL[/] explains any document.")


@contextmanager
def _graph() -> Iterator[tuple[Graph, str]]:
    """The graph of the active recipe over the active lake."""
    prepare_dagster_home()
    from neo_assets.build import Graph
    from neo_assets.definitions import defs
    from neo_assets.lake.lake import Lake
    from neo_assets.partitions import batches_to_make
    from neo_assets.recipe.recipe import load_recipe

    lake, recipe = Lake.from_environment(), load_recipe()
    yield Graph(defs, lake, batches_to_make(recipe, _inbox(recipe.documents))), lake.root


def _inbox(documents: DocumentsSection) -> list[str]:
    """The batches in the recipe's inbox; one that cannot be listed is told of, and stops nothing else."""
    from neo_assets.documents.files.sources import SourceError, inbox_batches

    if documents.inbox is None:
        return []
    try:
        return inbox_batches(documents.inbox)
    except SourceError as error:
        console.print(f"[yellow]documents.inbox[/] {escape(str(error))}")
        return []


def prepare_dagster_home() -> Path:
    """Set `DAGSTER_HOME` (default `.neo/dagster`) and put the instance settings there on first use."""
    home = Path(os.environ.setdefault("DAGSTER_HOME", str(Path(".neo/dagster").absolute())))
    home.mkdir(parents=True, exist_ok=True)
    settings = Path("dagster.yaml")
    if settings.is_file() and not (home / "dagster.yaml").exists():
        shutil.copy(settings, home / "dagster.yaml")
    return home


def _build(graph: Graph, nodes: list[Node], force: bool) -> None:
    from dagster import DagsterInstance

    from neo_assets.build import engine_kept, run_in_process
    from neo_assets.engine.progress import listening

    made, failed = 0, list[str]()
    with DagsterInstance.get() as instance, engine_kept(graph.definitions), _progress() as bars:
        overall = bars.add_task("partitions", total=len(nodes))
        current = bars.add_task("", total=None, visible=False)
        materialize = run_in_process(graph.definitions, instance)
        graph.store.register(instance)

        def run(batch: Sequence[Node]) -> RunResult:
            names = batch[0] if len(batch) == 1 else f"{batch[0]} … {batch[-1].asset}"
            bars.update(current, description=str(names), completed=0, total=None, visible=True)
            return materialize(batch)

        def listen(what: str, done: int, total: int) -> None:
            bars.update(current, description=what, completed=done, total=total, visible=True)

        with listening(listen):
            for outcome in graph.build(nodes, run, force):
                made += len(outcome.nodes)
                failed += outcome.failed_checks
                bars.advance(overall, max(len(outcome.nodes), 1))
                if outcome.error:
                    first, *others = outcome.error.splitlines()
                    raise click.ClickException(first + (" (all of it: the run's log in the UI)" if others else ""))
    console.print(f"{made} of {len(nodes)} partitions made, {len(nodes) - made} were current")
    if failed:
        raise click.ClickException(f"everything was made, but checks failed: {', '.join(sorted(set(failed)))}")


def _progress() -> Progress:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    return Progress(
        *columns, console=console, transient=True, disable=not sys.stderr.isatty() and not console.is_terminal
    )


def _print_states(graph: Graph, nodes: list[Node]) -> None:
    states = graph.states(nodes)
    table = Table("asset", "partitions", "current", "stale", "missing", "why")
    for asset in dict.fromkeys(node.asset for node in nodes):
        mine = {node: state for node, state in states.items() if node.asset == asset}
        kinds = Counter(
            "current" if s is None else "missing" if s.kind == "missing" else "stale" for s in mine.values()
        )
        first = next((f"{n.partition or ''} {s}".strip() for n, s in mine.items() if s and s.kind != "missing"), "")
        numbers = [str(kinds[kind] or "") for kind in ("current", "stale", "missing")]
        table.add_row(asset, str(len(mine)), *numbers, escape(first))
    console.print(table)


def _shortened(positions: Sequence[int], shown: int = 6) -> str:
    """The first positions, and how many more there are."""
    more = f" and {len(positions) - shown} more" if len(positions) > shown else ""
    return ", ".join(map(str, positions[:shown])) + more


def _recipe_name() -> str:
    from neo_assets.recipe.recipe import load_recipe

    return load_recipe().name


if __name__ == "__main__":
    main()
