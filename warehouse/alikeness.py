"""How far the rows of a file name nobody: k-anonymity over what a neighbour would know.

Two rows are alike that have the same wave, school, class, grade and gender. The size of the
smallest group of such rows is the k of Sweeney (2002, doi:10.1142/S0218488502001648); a row that is
alone has a k of 1, and whoever knows the class knows whose it is, code or no code.
"""

import duckdb
import pyarrow as pa


def measure_files(con: duckdb.DuckDBPyConnection, sound: pa.Table, *, first_no: int) -> None:
    """The temporary table `file_measure`, a row a file that has sound rows.

    Counted over the file's own sound rows and nothing else, so that a file tells the same of itself
    whatever came before it.
    """
    con.register("sound", sound)
    con.execute(
        """
        create or replace temp table file_measure as
        with alike as (
            select file_no, count(*) as rows, count(*) filter (had_text) as with_text
            from sound
            group by file_no, wave_id, school_id, class_group, grade, gender
        )
        select ($first_no + file_no)::integer as delivery_no,
            sum(with_text)::integer as with_text,
            count(*) filter (rows = 1)::integer as alone,
            min(rows)::integer as fewest_alike
        from alike group by file_no
        """,
        {"first_no": first_no},
    ).fetchall()
    con.unregister("sound")
