# SPDX-License-Identifier: Apache-2.0
"""Own kernels: weights packed for the inner loop, requantisation chosen by proof, shapes as constants."""
