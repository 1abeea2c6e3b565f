# SPDX-License-Identifier: Apache-2.0
"""Changes to a float model that leave what it computes as it is, and make it lose less when it is quantised."""
