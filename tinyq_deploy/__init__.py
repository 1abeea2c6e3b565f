# SPDX-License-Identifier: Apache-2.0
"""tinyq-deploy: from a trained model to a microcontroller, with proof of what it does there."""

__version__ = "0.1.0"
