# SPDX-License-Identifier: Apache-2.0
"""The name under which pyserial looks for the handler of spawn://."""

from tinyq_deploy.simulators.spawn import Serial

__all__ = ["Serial"]
