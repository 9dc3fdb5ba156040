"""``alleviate mapping new`` writes a mapping beside the table, and says what is left to do."""

import typer
from typer.testing import CliRunner

from alleviate.cli.mapping import mapping_new
from alleviate.terms.errors import DataError

APP = typer.Typer()
APP.command()(mapping_new)


def run(*arguments):
    return CliRunner().invoke(APP, [str(argument) for argument in arguments])


def test_writes_beside_the_table_and_says_what_is_next(tmp_path):
    table = tmp_path / "data.csv"
    table.write_text("id,date,a\n1,2024-05-06,5\n")
    result = run(table)
    assert result.exit_code == 0
    assert (tmp_path / "data.toml").read_text().startswith("# What the columns of data.csv mean.")
    assert f"alleviate import {table}\n" in result.output
    assert "To do" not in result.output


def test_names_the_lines_to_complete_and_the_mapping_that_lies_elsewhere(tmp_path):
    table, target = tmp_path / "data.csv", tmp_path / "other.toml"
    table.write_text("weight\n71.5\n")
    result = run(table, "--out", target)
    assert "complete the line subject" in result.output
    assert f"--mapping {target}" in result.output


def test_replaces_a_mapping_only_when_told(tmp_path):
    table = tmp_path / "data.csv"
    table.write_text("id,date,a\n1,2024-05-06,5\n")
    (tmp_path / "data.toml").write_text("mine")
    refused = run(table)
    assert isinstance(refused.exception, DataError)
    assert (tmp_path / "data.toml").read_text() == "mine"
    assert run(table, "--overwrite").exit_code == 0
    assert (tmp_path / "data.toml").read_text() != "mine"


def test_needs_a_table(tmp_path):
    assert "There is no file" in str(run(tmp_path / "none.csv").exception)
