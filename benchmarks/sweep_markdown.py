"""A grid that has been run, as a Markdown table: mean ± standard deviation over the seeds.

    python -m benchmarks.sweep_markdown INSTANCE GRID --labels genre

``INSTANCE`` is an instance folder and ``GRID`` the id of a grid in it. In brackets stands what
clusters of the same sizes drawn blindly would have, where that is more than next to nothing; a
figure that a combination has not is a dash.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from songrec.services.sweeps import folder
from songrec.services.sweeps.results import Configuration, SeedStatistics, SweepTable, sweep_table

LABELS = ("genre",)
WORTH_TELLING = 0.05
_FIRST = {"silhouette": "silhouette, own latent", "silhouette_features": "silhouette, features"}
_LAST = {
    "seed_agreement": "agreement of seeds",
    "bootstrap_agreement_same_latent": "agreement of samples, same latent",
    "bootstrap_agreement_latent_anew": "agreement of samples, latent learnt anew",
    "held_out_mse": "error held out",
    "noise_share": "apart",
}


def lines(found: SweepTable, labels: Mapping[str, str], features: str | None = None) -> list[str]:
    """Return a table of the combinations on ``features``, all of them for None.

    ``labels`` maps the kinds of label in the table to their names.
    """
    shown = [one for one in found.configurations if features in (None, str(one.cell.features))]
    columns = {**_FIRST}
    for kind, called in labels.items():
        columns |= {f"ari_{kind}": f"Rand, {called}", f"nmi_{kind}": f"information, {called}"}
    columns |= _LAST
    columns = {
        name: label for name, label in columns.items() if any(name in one.figures for one in shown)
    }
    header = ["model + clustering", *columns.values()]
    rows = [[_name(one), *(_cell(one, column) for column in columns)] for one in shown]
    return [
        "| " + " | ".join(header) + " |",
        "|---" + "|---:" * len(columns) + "|",
        *("| " + " | ".join(row) + " |" for row in rows),
        "",
    ]


def leakage(found: SweepTable) -> Iterator[str]:
    """Return a line per latent of a model that is given a label: how much of it is left."""
    said = set()
    for one in found.configurations:
        cell, figures = one.cell, one.figures
        if "label_leakage" in figures and (about := (cell.features, str(cell.representation))):
            if about not in said:
                yield (
                    f"Label left in the latent of {cell.representation} on {cell.features}: "
                    f"{_text(figures['label_leakage'])}; of a VAE that was not told it "
                    f"{_text(figures['label_leakage_vae'])}; by chance "
                    f"{_text(figures['label_leakage_chance'])}."
                )
            said.add(about)


def problems(found: SweepTable) -> Iterator[str]:
    """Return a line per failed cell."""
    for one in found.configurations:
        for seed, reason in one.failed:
            yield f"{one.title} on {one.cell.features}, seed {seed}, failed: {reason}"


def _name(one: Configuration) -> str:
    """``pca` + `kmeans` (baseline)``; parameters that a whole grid shares are said elsewhere."""
    said = f"`{one.cell.representation.name}` + `{one.cell.clustering.name}`"
    return f"{said} (baseline)" if one.cell.baseline else said


def _cell(one: Configuration, column: str) -> str:
    figure = one.figures.get(column)
    # What leaves nothing out has no error of restoring.
    if figure is None or (column == "held_out_mse" and figure.mean == 0):
        return "–"
    if column == "noise_share":
        return f"{100 * figure.mean:.0f}%"
    chance = one.figures.get(f"{column}_random")
    text = _text(figure, 2 if figure.spread is None else 3)
    # Of the adjusted index it is 0 by its making.
    told = chance is not None and column.startswith("nmi_") and chance.mean >= WORTH_TELLING
    return f"{text} ({chance.mean:.2f})" if told else text


def _text(figure: SeedStatistics, digits: int = 3) -> str:
    mean = f"{figure.mean:.{digits}f}"
    return mean if figure.spread is None else f"{mean} ± {figure.spread:.{digits}f}"


def main(given: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("instance", type=Path)
    parser.add_argument("grid", help="the grid's id")
    parser.add_argument("--labels", default=",".join(LABELS), help="kinds of label, by commas")
    asked = parser.parse_args(given)
    found = sweep_table(folder.find(asked.instance, asked.grid))
    kinds = {kind: kind for kind in asked.labels.split(",") if kind}
    for line in (*lines(found, kinds), *leakage(found), *problems(found)):
        print(line)


if __name__ == "__main__":
    main()
