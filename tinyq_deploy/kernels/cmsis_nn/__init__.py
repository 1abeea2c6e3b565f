# SPDX-License-Identifier: Apache-2.0
"""CMSIS-NN as the user has it installed."""
