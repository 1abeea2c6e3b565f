# SPDX-License-Identifier: Apache-2.0
"""The demo: the first thing a newcomer runs."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from tinyq_deploy.cli import run


@pytest.mark.skipif(find_spec("unicorn") is None, reason="unicorn is not installed (extra virtual)")
def test_the_demo_measures_digits_on_a_virtual_nucleo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["demo", "--json", "demo.json"]) == 0
    result = json.loads((tmp_path / "demo.json").read_text())
    assert result["exact"] == result["total"] == 360
    assert result["accuracy"] >= 0.95
    assert result["virtual"] is True
    assert result["clock_hz"] == 180_000_000
    assert result["instructions"] > 100_000
    assert result["time_source"].startswith("instructions")
    assert "VIRTUAL" in capsys.readouterr().err
