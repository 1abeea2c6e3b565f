# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from tinyq_deploy import doctor
from tinyq_deploy.toolchains import Gcc, Zig


def by_name():
    return {check.name: check for check in doctor.examine()}


def test_every_missing_thing_has_a_next_step():
    checks = doctor.examine()
    assert {check.group for check in checks} >= {"python", "packages", "models", "build", "virtual boards", "boards"}
    for check in checks:
        assert check.found
        assert bool(check.next) != check.ok, check


def test_a_package_that_is_missing_is_required_or_names_its_extra(monkeypatch):
    monkeypatch.setattr(doctor, "_version", lambda name: None)
    checks = by_name()
    assert checks["numpy"] == doctor.Check("packages", "numpy", False, "missing", "pip install numpy", True)
    assert checks["ziglang"].next == "pip install 'tinyq-deploy[virtual]'"
    assert not checks["ziglang"].required


def test_a_compiler_is_missing_or_too_old(monkeypatch, tmp_path):
    old = tmp_path / "arm-none-eabi-gcc"
    old.write_text("#!/bin/sh\necho 9.3.1\n")
    old.chmod(0o755)
    monkeypatch.setattr(Gcc, "find", classmethod(lambda cls: cls((str(old),))))
    monkeypatch.setattr(Zig, "find", classmethod(lambda cls: None))
    checks = by_name()
    assert not checks["gcc"].ok
    assert "9.3.1" in checks["gcc"].found
    assert checks["zig"] == doctor.Check("build", "zig", False, "missing", Zig.install)


def test_a_users_cmsis_nn_that_is_none_is_told_and_not_passed_over(monkeypatch, tmp_path):
    monkeypatch.setenv("TINYQ_CMSIS_NN", str(tmp_path / "gone"))
    check = by_name()["CMSIS-NN"]
    assert not check.ok
    assert "gone" in check.found
