"""A package travels, people's data do not: names and free text are in none of its files."""

import polars as pl
from made_trials import make, people


def test_no_name_and_no_free_text_of_a_person_is_in_any_file(tmp_path):
    frame = people(60)
    marked = frame.with_columns(
        notes=pl.Series([f"zyxmarker{i} wants to talk" for i in range(60)]),
        person=pl.Series([f"qwvperson{i}" for i in range(60)]),
    )
    include = '"severity", "sex", "first_episode", "entry"]'
    made = make(tmp_path, marked, (include, include.replace("]", ', "notes"]')))
    contents = b"".join(file.read_bytes() for file in made.package.iterdir())
    assert b"an identifier or free text" in contents
    assert b"zyxmarker" not in contents
    assert b"qwvperson" not in contents
