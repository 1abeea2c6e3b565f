# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import shutil
import subprocess

import pytest
import small_project
from small_project import RECIPE, board, emit

from tinyq_deploy import cmake
from tinyq_deploy.build import build
from tinyq_deploy.errors import UsageError
from tinyq_deploy.toolchains import Gcc, Host, Recipe, Source

needs_cmake = pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake is not installed")


def run_cmake(folder, *arguments):
    for argv in (["cmake", "-S", folder, "-B", folder / "b", *arguments], ["cmake", "--build", folder / "b"]):
        result = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=300)
        assert result.returncode == 0, result.stdout + result.stderr
    return folder / "b"


@needs_cmake
@pytest.mark.parametrize("optimize", ["speed", "size"])
def test_cmake_alone_builds_the_same_image(tmp_path, optimize):
    gcc = Gcc.find() or pytest.skip("gcc is not installed")
    built = build(emit(tmp_path / "ours"), RECIPE, gcc, board(), optimize)
    folder = emit(tmp_path / "folder with ü (y)")
    (folder / "CMakeLists.txt").write_text(cmake.program(RECIPE, board(), optimize), encoding="utf-8")
    out = run_cmake(folder)
    assert (out / "firmware.bin").read_bytes() == built.bin.read_bytes()
    assert (out / "firmware.elf").is_file()
    assert (out / "firmware.hex").is_file()


@needs_cmake
def test_cmake_builds_the_program_for_the_host(tmp_path):
    Host.find() or pytest.skip("no compiler")
    code = "#include <math.h>\nint main(int n, char **a) { return a ? (int)sqrt(n * X) : 0; }\n"
    (tmp_path / "main.c").write_text(code)
    recipe = Recipe((Source("main.c"),), include_dirs=(), defines=("X=49",), linker_script="")
    (tmp_path / "CMakeLists.txt").write_text(cmake.program(recipe, small_project.HOST, "balanced"))
    out = run_cmake(tmp_path)
    assert subprocess.run([out / "firmware"], check=False, timeout=10).returncode == 7


@needs_cmake
def test_the_library_links_into_a_users_program(tmp_path):
    Host.find() or pytest.skip("no compiler")
    emit(tmp_path / "model")
    sources = (Source("model/model.c"), Source("model/weights.c", flags=("-Os",)))
    text = cmake.library("my_model", Recipe(sources, include_dirs=("model",)), small_project.HOST, "speed")
    (tmp_path / "model" / "CMakeLists.txt").write_text(text)
    (tmp_path / "main.c").write_text('#include "model.h"\nint main(void) { return model_run(1); }\n')
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.16)\nproject(user C)\nadd_subdirectory(model)\n"
        "add_executable(user main.c)\ntarget_link_libraries(user PRIVATE my_model)\n"
    )
    out = run_cmake(tmp_path)
    assert subprocess.run([out / "user"], check=False, timeout=10).returncode == 2


def test_the_text_has_every_source_flag_and_no_path_of_this_machine(tmp_path):
    text = cmake.program(RECIPE, board(), "speed")
    for source in RECIPE.sources:
        assert f'\n  "{source.path}"\n' in text
    assert 'set_source_files_properties("model/weights.c" PROPERTIES COMPILE_OPTIONS "-Os")' in text
    assert '"-mfpu=fpv4-sp-d16"' in text
    assert '"TINYQ_TEST=1"' in text
    assert "/usr" not in text
    assert text == cmake.program(RECIPE, board(), "speed")


def test_what_cmake_takes_for_itself_is_quoted():
    recipe = Recipe((Source("a.c"),), defines=('TEXT="a;$b\\n"',))
    assert r'"TEXT=\"a\;\$b\\n\""' in cmake.program(recipe, board(), "size")


def test_the_file_that_gcc_cannot_compile_for_size_gets_o2_in_cmake_too():
    recipe = Recipe((Source("cmsis_nn/arm_nn_mat_mult_nt_t_s8.c"),))
    text = cmake.program(recipe, board("cortex-m55", ""), "size")
    line = next(line for line in text.splitlines() if line.startswith("set_source_files_properties"))
    assert "-O2" in line
    assert "-Os" not in line


@pytest.mark.parametrize("name", ["", "a b", "x)\nmessage(FATAL_ERROR", "${x}", "-a"])
def test_a_library_name_that_is_no_target_name_is_refused(name):
    with pytest.raises(UsageError):
        cmake.library(name, RECIPE, board(), "size")
