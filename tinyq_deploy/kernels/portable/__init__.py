# SPDX-License-Identifier: Apache-2.0
"""Portable C: the plain reference, one kernel per operator, for every core."""
