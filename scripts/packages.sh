#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs Debian packages where apt and the rights to use it are there; else says what will be missing, and goes on.
set -u
if ! command -v apt-get >/dev/null; then
    echo "no apt-get here: install yourself, or their tests are skipped: $*" >&2
    exit 0
fi
if [ "$(id -u)" -eq 0 ]; then
    sudo=""
elif sudo -n true 2>/dev/null; then
    sudo="sudo -n"
else
    echo "no rights to install packages: run 'sudo apt-get install $*', or their tests are skipped" >&2
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq && $sudo apt-get install -y -qq --no-install-recommends "$@" >/dev/null ||
    echo "apt-get failed: the tests that need $* are skipped" >&2
