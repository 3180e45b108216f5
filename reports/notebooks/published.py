"""A notebook for analysts: the published file, read and drawn.

`klassepuls docs` puts it beside the pages in `HOME/analyst/docs/`. It needs marimo and DuckDB and
nothing of ours:

    marimo edit notebook.py                     open it and change it
    marimo run notebook.py -- --file FILE       only read it, for a copy of the file elsewhere
    python notebook.py --file FILE              run it through, without a browser
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Klassepuls")


@app.cell
def _():
    import pathlib
    from html import escape

    import duckdb
    import marimo as mo

    return duckdb, escape, mo, pathlib


@app.cell
def _(duckdb, mo, pathlib):
    # The published file: named with --file, or beside the folder in which this notebook lies.
    given = mo.cli_args().get("file")
    published = pathlib.Path(given) if given else mo.notebook_dir().parent / "klassepuls.duckdb"
    if not published.is_file():
        raise FileNotFoundError("no published file there: name one with --file")
    con = duckdb.connect(str(published), read_only=True)

    def ask(query, **bound):
        """Rows of an answer, as dicts; values are bound by name."""
        answer = con.execute(query, bound or None)
        names = [column[0] for column in answer.description]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]

    return (ask,)


@app.cell
def _(ask, mo):
    [edition] = ask("from mart.publication")
    mo.md(f"""
    # The published figures

    Edition `{edition["publication_id"][:12]}`, published
    {edition["published_at"]:%Y-%m-%d} (UTC), with the waves {", ".join(edition["waves"])}.

    - A **hidden** figure is drawn as `:`. It is small, or would give a small one away.
    - Numbers of pupils are bands, and shares come from counts rounded to five.
    - The figures rest on **pseudonymous** data about children. Do not put them together with
      other sources to learn of a single pupil, class or teacher.
    """)
    return


@app.cell
def _(escape, mo):
    def bars(rows, *, maximum, unit, title):
        """Bars of (label, value, band) from 0 to `maximum`; None is hidden, and says so."""
        height, left, width = 24, 220, 360
        parts = []
        for number, (label, value, band) in enumerate(rows):
            y = number * height
            name = f'<text x="0" y="{y + 16}">{escape(str(label))}</text>'
            if value is None:
                told = f'<text x="{left}" y="{y + 16}">:</text>'
            else:
                long = 0 if maximum == 0 else value / maximum * width
                shown = f"{value:.0%}" if unit == "share" else f"{value:g}"
                told = (
                    f'<rect x="{left}" y="{y + 4}" width="{max(long, 1):.1f}" height="15"'
                    f' fill="#0b5d5e"/><text x="{left + max(long, 1) + 6:.1f}" y="{y + 16}">'
                    f"{shown} ({escape(band or '')})</text>"
                )
            parts.append(name + told)
        whole = max(len(rows), 1) * height
        return mo.Html(
            f'<svg role="img" viewBox="0 0 720 {whole}" width="720" style="font:13px sans-serif"'
            f' fill="currentColor"><title>{escape(title)}</title>{"".join(parts)}</svg>'
        )

    return (bars,)


@app.cell
def _(ask, mo):
    language = mo.ui.dropdown(["nb", "nn", "en"], value="nb", label="Language of the dictionary")
    named = ask("""
        select distinct i.indicator, i.statistic
        from mart.indicator i order by i.indicator
    """)
    statistics = {row["indicator"]: row["statistic"] for row in named}
    choice = mo.ui.dropdown(list(statistics), value=next(iter(statistics), None), label="Indicator")
    mo.hstack([choice, language], justify="start")
    return choice, language, statistics


@app.cell
def _(ask, choice, language, mo):
    [entry] = ask(
        "from mart.dictionary where entry = 'indicator' and name = $name", name=choice.value
    )
    mo.md(f"""
    ## {entry[f"label_{language.value}"]}

    {entry[f"description_{language.value}"]}
    """)
    return


@app.cell
def _(ask, choice):
    # A mean is drawn to the highest that any wave shows, a share to 100 %.
    figures = ask(
        """
        select wave_id, level, school_id, grade, gender, n_band, value, suppressed
        from mart.indicator where indicator = $name
        order by wave_id, level, school_id, grade, gender
        """,
        name=choice.value,
    )
    return (figures,)


@app.cell
def _(bars, choice, figures, mo, statistics):
    unit = statistics[choice.value]
    top = 1 if unit == "share" else max((f["value"] or 0 for f in figures), default=1)
    whole = [
        (f["wave_id"], f["value"], f["n_band"])
        for f in figures
        if f["level"] == "municipality" and f["gender"] is None
    ]
    whole_chart = bars(whole, maximum=top, unit=unit, title="The municipality, wave by wave")
    mo.vstack([mo.md("### The municipality, wave by wave"), whole_chart])
    return top, unit, whole


@app.cell
def _(figures, mo):
    waves = sorted({f["wave_id"] for f in figures})
    wave = mo.ui.dropdown(waves, value=waves[-1] if waves else None, label="Wave")
    wave
    return (wave,)


@app.cell
def _(bars, figures, mo, top, unit, wave):
    of_wave = [f for f in figures if f["wave_id"] == wave.value]
    schools = [
        (f["school_id"], f["value"], f["n_band"])
        for f in of_wave
        if f["level"] == "school" and f["grade"] is None
    ]
    grades = [(f["grade"], f["value"], f["n_band"]) for f in of_wave if f["level"] == "grade"]
    genders = [(f["gender"], f["value"], f["n_band"]) for f in of_wave if f["gender"]]
    mo.vstack(
        [
            part
            for title, rows in (
                ("Schools, by name and not by rank", schools),
                ("Grades of the municipality", grades),
                ("Genders in the municipality", genders),
            )
            for part in (
                mo.md(f"### {title}"),
                bars(rows, maximum=top, unit=unit, title=title),
            )
        ]
    )
    return grades, schools


@app.cell
def _(ask, bars, mo, wave):
    rates = ask(
        "from mart.response_rate where wave_id = $wave order by school_id nulls first",
        wave=wave.value,
    )
    answered = [(r["school_id"] or "all", r["value"], r["answered_band"]) for r in rates]
    rate_chart = bars(answered, maximum=1, unit="share", title="Response rates")
    mo.vstack([mo.md("### Response rates"), rate_chart])
    return (answered,)


@app.cell
def _(ask, mo):
    hidden = ask("""
        select wave_id, level, count(*) as figures, count(*) filter (suppressed) as hidden
        from mart.indicator group by all order by all
    """)
    mo.vstack([mo.md("### How much is hidden"), mo.ui.table(hidden, selection=None)])
    return (hidden,)


@app.cell
def _(mo):
    query = mo.ui.text_area(
        "select wave_id, deliveries, definitions from mart.lineage order by all",
        label="A query of your own",
        full_width=True,
    )
    query
    return (query,)


@app.cell
def _(ask, mo, query):
    answer = ask(query.value)
    mo.ui.table(answer, selection=None)
    return (answer,)


if __name__ == "__main__":
    app.run()
