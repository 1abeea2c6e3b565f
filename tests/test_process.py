# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import sys
import threading
import time

import pytest

from tinyq_deploy.process import Runner, run


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_status_and_streams():
    result = run(python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"), timeout=30)
    assert (result.status, result.ok) == (3, False)
    assert result.output.split() == ["err", "out"]


def test_a_tool_past_its_time_is_ended():
    started = time.monotonic()
    result = run(python("import time; print('begun', flush=True); time.sleep(60)"), timeout=1)
    assert time.monotonic() - started < 20
    assert result.status is None
    assert not result.ok


def test_stop_ends_what_runs_and_what_would_start():
    runner = Runner()
    results = []
    sleep = python("import time; time.sleep(60)")
    thread = threading.Thread(target=lambda: results.append(runner.run(sleep, timeout=90)))
    thread.start()
    time.sleep(0.2)
    runner.stop()
    thread.join(20)
    assert [result.status for result in results] == [None]
    assert runner.run(python("print(1)"), timeout=30).status is None


def test_output_that_is_not_utf_8_is_shown_all_the_same():
    result = run(python("import sys; sys.stdout.buffer.write(b'a\\xffb')"), timeout=30)
    assert result.stdout == "a\ufffdb"


def test_a_program_that_does_not_exist(tmp_path):
    with pytest.raises(FileNotFoundError):
        run([str(tmp_path / "nothing")], timeout=1)
