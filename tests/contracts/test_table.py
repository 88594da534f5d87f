"""Text tables: what is read keeps its true lines, what cannot be read says where and why."""

import gzip

import pytest

from evaluation.contracts.table import read_text_table
from evaluation.errors import DataError


def write(tmp_path, content, name="t.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refuse(tmp_path, content, name="t.csv"):
    with pytest.raises(DataError) as caught:
        read_text_table(write(tmp_path, content, name))
    return str(caught.value)


def test_lines_are_true_after_blank_lines_and_quoted_breaks(tmp_path):
    table = read_text_table(write(tmp_path, 'a,b\n1,x\n\n2,"two\nlines"\n   \n3,y\n'))
    assert table.line.tolist() == [2, 4, 7]
    assert table.frame.to_numpy().tolist() == [["1", "x"], ["2", "two\nlines"], ["3", "y"]]
    assert table.header_line == 1


def test_cells_stay_text(tmp_path):
    table = read_text_table(write(tmp_path, "a,b,c\n007,NA,12E3\n,null,1e400\n"))
    assert table.frame.to_numpy().tolist() == [["007", "NA", "12E3"], ["", "null", "1e400"]]


def test_a_byte_order_mark_and_carriage_returns_are_fine(tmp_path):
    table = read_text_table(write(tmp_path, b"\xef\xbb\xbfa,b\r\n1,2\r\n"))
    assert list(table.frame.columns) == ["a", "b"]
    assert table.line.tolist() == [2]


def test_gzip_is_unpacked(tmp_path):
    table = read_text_table(write(tmp_path, gzip.compress(b"a,b\n1,2\n"), "t.csv.gz"))
    assert table.file == "t.csv.gz"
    assert table.frame.to_numpy().tolist() == [["1", "2"]]


def test_a_file_that_unpacks_to_far_too_much_is_refused(tmp_path):
    assert "which no published table does" in refuse(tmp_path, gzip.compress(b"0" * 60_000_000), "t.csv.gz")


@pytest.mark.parametrize(
    ("content", "start"),
    [
        (b"", "t.csv: the file is empty (0 bytes)"),
        (b"\n\n", "t.csv: the file holds blank lines only"),
        (b"a,b\n", "t.csv:1: the file has a header and no rows"),
        (b"a;b\n1;2\n", "t.csv:1: the separator looks like ';'"),
        (b"a\tb\n1\t2\n", "t.csv:1: the separator looks like a tab"),
        (b"<!DOCTYPE html>\n<html></html>\n", "t.csv:1: this is a web page, not data (rule file). Fix: fetch it again."),
        (b'{"error": "too many cells"}', "t.csv:1: this is JSON"),
        ("a,b\n1,2\n".encode("utf-16"), "t.csv: the encoding is UTF-16 (rule encoding). Fix: save the file as UTF-8."),
        ("a,b\n1,Môn\n".encode("latin-1"), "t.csv:2:4: the byte 0xf4 is not UTF-8"),
        (b"a,b\n1,2\n3,\x004\n", "t.csv:3:3: a NUL byte stands in the text"),
        (b'a,b\n1,2\n3,"open\n4,5\n', "t.csv:3: a quote opens in this row and is never closed"),
        (b"value,b,value\n1,2,3\n", "t.csv:1: the header names a column twice: 'value' in columns 1, 3"),
        (b"a,b\n1,2\n3,4,5\n6\n", "t.csv:3: the row has 3 cells, the header 2 (rule shape; 2 row(s))"),
        (b"PK\x03\x04rest", "t.csv: this is a spreadsheet or zip archive"),
        (b"\x1f\x8bcut", "t.csv: the file cannot be unpacked"),
    ],
)
def test_what_is_no_table_is_refused_with_its_place(tmp_path, content, start):
    message = refuse(tmp_path, content)
    assert message.startswith(start)
    assert "Fix: " in message
    assert "rule " in message


def test_a_merge_mark_is_left_for_the_check(tmp_path):
    table = read_text_table(write(tmp_path, "a,b\n1,2\n<<<<<<< HEAD\n3,4\n"))
    assert table.line.tolist() == [2, 3, 4]
    assert table.frame["a"].tolist() == ["1", "<<<<<<< HEAD", "3"]


def test_a_missing_file_is_an_error_of_ours_to_name(tmp_path):
    with pytest.raises(DataError, match=r"gone\.csv: the file cannot be read"):
        read_text_table(tmp_path / "gone.csv")


def test_columns_without_a_name_do_no_harm(tmp_path, contracts):
    from evaluation.contracts import check_table

    table = read_text_table(write(tmp_path, ",,a\n1,2,3\n"))
    assert table.frame.shape == (1, 3)
    assert {item.rule for item in check_table(table, contracts.sources["demonstration"], contracts)} == {"header"}


def test_a_text_that_stands_in_many_rows_is_kept_once(tmp_path):
    """A publication has the same few codes and names in each of its hundred thousand rows."""
    path = tmp_path / "t.csv"
    path.write_text("code,value\nE06000001,10.25\nE06000001,10.25\n", "utf-8")
    frame = read_text_table(path).frame
    assert frame.iloc[0, 0] is frame.iloc[1, 0]
    assert frame.iloc[0, 1] is frame.iloc[1, 1]
