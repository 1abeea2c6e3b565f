# SPDX-License-Identifier: Apache-2.0
"""Child processes for libraries that may crash, print, or run code from a model: the oracle and TensorFlow."""
