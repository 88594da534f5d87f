"""Publishing changes how often Python looks for unreachable cycles, and changes it back."""

import gc

import pytest

from evaluation.batch.publish import publish
from evaluation.errors import ConfigurationError


def test_collection_is_as_it_was_after_publishing_has_failed(tmp_path, monkeypatch):
    before, seen = gc.get_threshold(), []

    def refuse(run):
        seen.append(gc.get_threshold())
        raise ConfigurationError("no run here")

    monkeypatch.setattr("evaluation.batch.publish.read_manifest", refuse)
    with pytest.raises(ConfigurationError, match="no run here"):
        publish(tmp_path)
    assert gc.get_threshold() == before
    assert seen
    assert seen[0][0] > 10 * before[0]
