"""YAML is read strictly: what is refused names its place, and nothing is guessed."""

import tracemalloc

import pytest

from evaluation.contracts.yamlfile import read_yaml
from evaluation.errors import ConfigurationError


def refuse(tmp_path, text, name="bad.yml"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigurationError) as caught:
        read_yaml(path)
    return str(caught.value)


def test_values_are_what_they_look_like(tmp_path):
    path = tmp_path / "good.yml"
    path.write_text("a: 2025-04\nb: off\nc: 010\nd: 8\ne: 0.5\nf: true\ng: null\nh: '8'\ni: 3.10\nj: no\nk: [1, x]\nl: 1e3\nm:\n")
    document = read_yaml(path)
    assert document.data == {
        "a": "2025-04",
        "b": "off",
        "c": "010",
        "d": 8,
        "e": 0.5,
        "f": True,
        "g": None,
        "h": "8",
        "i": 3.1,
        "j": "no",
        "k": [1, "x"],
        "l": 1000.0,
        "m": None,
    }
    assert document.place("k", 1) == "good.yml:11:8"
    assert document.place("nowhere") == "good.yml:1:1"


def test_a_repeated_key_names_both_lines(tmp_path):
    assert (
        refuse(tmp_path, "limit: 5\nother: 1\nlimit: 50\n")
        == "bad.yml:3:1: the key 'limit' stands here and on line 1. Fix: keep one of the two."
    )


def test_all_repeated_keys_come_together(tmp_path):
    message = refuse(tmp_path, "a: 1\na: 2\nb:\n  c: 1\n  c: 2\n")
    assert [line.split(": ")[0] for line in message.splitlines()] == ["bad.yml:2:1", "bad.yml:5:3"]


def test_a_tab_names_its_place(tmp_path):
    message = refuse(tmp_path, "a:\n\tb: 1\n")
    assert message.startswith("bad.yml:2:1: a tab indents this line")
    assert len(message.splitlines()) == 1


def test_broken_yaml_is_one_sentence(tmp_path):
    message = refuse(tmp_path, "a: 1\nb: [1, 2\nc: 3\n")
    assert message.startswith("bad.yml:3:")
    assert "not valid YAML" in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system ['touch {0}']", "!!int 5", "!own 5"])
def test_tags_are_refused_and_nothing_is_run(tmp_path, tag):
    ran = tmp_path / "ran"
    message = refuse(tmp_path, f"a: 1\nb: {tag.format(ran)}\n")
    assert message.startswith("bad.yml:2:4: tags are not allowed")
    assert not ran.exists()


def test_an_alias_bomb_is_refused_at_once(tmp_path):
    levels = ["l0: &l0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 10)]
    tracemalloc.start()
    message = refuse(tmp_path, "\n".join(levels))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert message.startswith("bad.yml:1:5: anchors are not allowed (&l0)")
    assert peak < 50_000_000


def test_an_alias_and_a_merge_key_are_refused(tmp_path):
    assert "bad.yml:1:4: aliases are not allowed (*x)" in refuse(tmp_path, "a: *x\n")
    assert "merge keys are not allowed" in refuse(tmp_path, "a:\n  <<: {b: 1}\n")


def test_a_second_document_is_refused(tmp_path):
    assert refuse(tmp_path, "a: 1\n---\nb: 2\n").startswith("bad.yml:2:1: a second document starts here")


def test_a_missing_file_names_the_nearest(tmp_path):
    (tmp_path / "inactivity_rate.yml").write_text("a: 1\n")
    with pytest.raises(ConfigurationError, match=r"no such file; did you mean inactivity_rate\.yml"):
        read_yaml(tmp_path / "inactivty_rate.yml")


def test_what_is_not_utf8_names_its_line(tmp_path):
    assert refuse(tmp_path, b"a: 1\nb: M\xf4n\n").startswith("bad.yml:2: the file is not UTF-8 text")
