"""Whatever stands in a file, the answer is a value or an error the user can act on, never a traceback."""

import copy
import dataclasses
import string

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evaluation import project
from evaluation.contracts import load_contracts
from evaluation.contracts.odcs import read_source
from evaluation.contracts.table import parse_text_table, read_text_table
from evaluation.contracts.yamlfile import read_yaml
from evaluation.design.protocol import load_design
from evaluation.errors import ConfigurationError, DataError, EvaluationError

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False)
    | st.text(string.ascii_letters + " -_:", max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(string.ascii_letters, min_size=1, max_size=6), inner, max_size=3)
    ),
    max_leaves=4,
)
RELAXED = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True, database=None
)


def places(value, path=()):
    """Every path of a document."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from places(item, (*path, key))


def replaced(document, path, value):
    changed = copy.deepcopy(document)
    target = changed
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return changed


def refusal(work, *kinds):
    """The message of an error the user can act on, or nothing where there is none."""
    try:
        work()
    except kinds as error:
        return str(error)
    return ""


def write(path, data):
    path.write_text(yaml.safe_dump(data, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path


SOURCE = yaml.safe_load((project.CONTRACTS / "sources" / "nomis_aps.odcs.yaml").read_text(encoding="utf-8"))
DESIGN = read_yaml(project.CONTRACTS / "designs" / "economic-inactivity-trailblazers.yml").data


@RELAXED
@given(data=st.data(), value=ANYTHING)
def test_any_change_of_a_source_contract_is_read_or_refused(tmp_path, data, value):
    path = data.draw(st.sampled_from([p for p in places(SOURCE) if p]))
    file = write(tmp_path / "nomis_aps.odcs.yaml", replaced(SOURCE, path, value))
    for standard in (False, True):
        problems = []
        try:
            found = read_source(file, problems, standard=standard)
        except EvaluationError:
            continue
        assert (found is None) == bool(problems)


@RELAXED
@given(data=st.data(), value=ANYTHING)
def test_any_change_of_a_protocol_is_read_or_refused(tmp_path, contracts, data, value):
    path = data.draw(st.sampled_from([p for p in places(DESIGN) if p]))
    file = write(tmp_path / "economic-inactivity-trailblazers.yml", replaced(DESIGN, path, value))
    changed = dataclasses.replace(contracts, designs={"economic-inactivity-trailblazers": file})
    message = refusal(lambda: load_design(changed, "economic-inactivity-trailblazers"), ConfigurationError)
    assert message == "" or "economic-inactivity-trailblazers.yml" in message


@RELAXED
@given(raw=st.binary(max_size=200))
def test_any_bytes_are_yaml_or_refused(tmp_path, raw):
    path = tmp_path / "any.yml"
    path.write_bytes(raw)
    message = refusal(lambda: read_yaml(path), ConfigurationError)
    assert message == "" or message.startswith("any.yml")


@RELAXED
@given(raw=st.binary(max_size=200))
def test_any_bytes_are_a_table_or_refused(tmp_path, raw):
    path = tmp_path / "any.csv"
    path.write_bytes(raw)
    message = refusal(lambda: read_text_table(path), DataError)
    assert message == "" or message.startswith("any.csv")


@RELAXED
@given(rows=st.lists(st.lists(st.text(alphabet='a1,;"\n ', max_size=5), min_size=2, max_size=2), min_size=1, max_size=6))
def test_cells_and_lines_come_back_as_written(rows):
    text, lines, line = "a,b\n", [], 2
    for row in rows:
        written = ",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\n"
        lines.append(line)
        line += written.count("\n")
        text += written
    table = parse_text_table(text, "t.csv")
    assert table.frame.to_numpy().tolist() == rows
    assert table.line.tolist() == lines


def test_deep_nesting_and_long_numbers_do_no_harm(tmp_path):
    path = tmp_path / "deep.yml"
    path.write_text("a: " + "[" * 60 + "]" * 60 + "\n", encoding="utf-8")
    assert "nested more than 40 levels deep" in refusal(lambda: read_yaml(path), ConfigurationError)
    path.write_text("a: " + "9" * 5000 + "\nb: 1e999\n", encoding="utf-8")
    assert read_yaml(path).data == {"a": "9" * 5000, "b": "1e999"}


def test_the_folder_as_it_stands_is_sound():
    assert load_contracts().designs
