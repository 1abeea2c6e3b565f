# SPDX-License-Identifier: Apache-2.0
"""What to write instead of an operator that is not supported: the nearest form that compiles, or where it belongs."""

from __future__ import annotations

from tinyq_deploy.ops.refused import INSTEAD

_FEATURES = "compute it outside the model, and give the model the features"
_AFTER = "end the model before it, and do this step in the application"
_CONSTANT = "make it a constant: fix the input shape and the batch size, so that the converter folds it"
_UNROLL = (
    "fix the sequence length and unroll the loop (Keras: RNN(..., unroll=True)), or use UNIDIRECTIONAL_SEQUENCE_LSTM"
)
_FIT = "compute it outside the model, or fit it with FULLY_CONNECTED layers"

NEAREST: dict[str, str] = {
    "SIN": _FIT,
    "COS": _FIT,
    "ATAN2": _FIT,
    "LOCAL_RESPONSE_NORMALIZATION": "batch normalisation, which folds into the convolution before it",
    "L2_POOL_2D": "AVERAGE_POOL_2D of the squares",
    "CONV_3D": "a CONV_2D for each slice of depth, and ADD",
    "CONV_3D_TRANSPOSE": "a TRANSPOSE_CONV for each slice of depth, and ADD",
    "CUMSUM": "FULLY_CONNECTED with a constant matrix of ones on and below the diagonal",
    "FLOOR_DIV": "MUL by the reciprocal of a constant divisor",
    "FLOOR_MOD": _FEATURES,
    "STABLEHLO_COMPOSITE": "convert without composite operators",
    "ADD_N": "ADD, two tensors at a time",
    "RFFT2D": _FEATURES,
    "REAL": _FEATURES,
    "IMAG": _FEATURES,
    "COMPLEX_ABS": _FEATURES,
    "CUSTOM:Mfcc": _FEATURES,
    "CUSTOM:AudioSpectrogram": _FEATURES,
    "SKIP_GRAM": _FEATURES,
    "HASHTABLE": _FEATURES,
    "HASHTABLE_FIND": _FEATURES,
    "HASHTABLE_IMPORT": _FEATURES,
    "HASHTABLE_LOOKUP": _FEATURES,
    "LSH_PROJECTION": _FEATURES,
    "BUCKETIZE": _FEATURES,
    "ONE_HOT": "give the model the one-hot vector, or use GATHER of a constant table",
    "EMBEDDING_LOOKUP": "GATHER of a constant table",
    "EMBEDDING_LOOKUP_SPARSE": "GATHER of a constant table",
    "REVERSE_V2": "STRIDED_SLICE with a stride of -1",
    "REVERSE_SEQUENCE": "STRIDED_SLICE with a stride of -1, and sequences of a fixed length",
    "LSTM": _UNROLL,
    "RNN": _UNROLL,
    "UNIDIRECTIONAL_SEQUENCE_RNN": _UNROLL,
    "BIDIRECTIONAL_SEQUENCE_RNN": _UNROLL,
    "BIDIRECTIONAL_SEQUENCE_LSTM": "two UNIDIRECTIONAL_SEQUENCE_LSTM, one on the reversed sequence, and CONCATENATION",
    "WHILE": _UNROLL,
    "IF": "compute both branches and choose (SELECT_V2)",
    "CALL": "convert with functions inlined",
    "TOPK_V2": _AFTER,
    "UNIQUE": _AFTER,
    "WHERE": _AFTER,
    "NON_MAX_SUPPRESSION_V4": _AFTER,
    "NON_MAX_SUPPRESSION_V5": _AFTER,
    "CUSTOM:TFLite_Detection_PostProcess": _AFTER,
    "RANGE": _CONSTANT,
    "RANK": _CONSTANT,
    "FILL": _CONSTANT,
    "ZEROS_LIKE": _CONSTANT,
    "BROADCAST_ARGS": _CONSTANT,
    "SEGMENT_SUM": "SPLIT_V and SUM, with segments of a fixed length",
    "UNSORTED_SEGMENT_SUM": "SPLIT_V and SUM, with segments of a fixed length",
    "SCATTER_ND": "CONCATENATION or PAD of the parts, at fixed places",
    "DYNAMIC_UPDATE_SLICE": "CONCATENATION of the parts, at fixed places",
    "MATRIX_DIAG": "MUL by a constant identity matrix",
    "MATRIX_SET_DIAG": "MUL by constant masks, and ADD",
    "FAKE_QUANT": "finish the conversion of quantisation-aware training: convert to full int8",
    "DENSIFY": "convert without sparsity",
    "MULTINOMIAL": _AFTER,
    "RANDOM_UNIFORM": "give the noise to the model as an input",
    "RANDOM_STANDARD_NORMAL": "give the noise to the model as an input",
    "DELEGATE": "convert for the CPU, without a delegate or an accelerator's compiler",
    "CUSTOM:ethos-u": "pass the .tflite as it was before Vela",
    "CONCAT_EMBEDDINGS": _FEATURES,
}


def instead(op: str) -> str | None:
    """What to write instead of `op`, a TFLite name, for a custom operator CUSTOM:<its own name>; None where unknown."""
    if op.startswith("CUSTOM:Flex"):
        return "convert without SELECT_TF_OPS, so that only TFLite's own operators remain"
    return INSTEAD.get(op) or NEAREST.get(op)
