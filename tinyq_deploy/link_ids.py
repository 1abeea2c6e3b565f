# SPDX-License-Identifier: Apache-2.0
"""The numbers that stand for message types, errors, counters, reset causes and element types on the serial link."""

from __future__ import annotations

from enum import IntEnum


class MessageType(IntEnum):
    """Type of a request, or of a message that only a device sends."""

    HELLO = 1
    PING = 2
    LOAD = 3
    RUN = 4
    READ = 5
    LAYERS = 6
    STATS = 7
    SET_BAUD = 8
    RESET = 9
    RESET_STATE = 11
    HEARTBEAT = 0xC0
    ERROR = 0xFF


class ErrorCode(IntEnum):
    """Why a device refuses a request."""

    BAD_LINK = 1
    UNKNOWN_TYPE = 2
    BAD_LENGTH = 3
    OUT_OF_RANGE = 4
    GAP = 5
    NOT_LOADED = 6
    NO_RESULT = 7
    BAD_WEIGHTS = 8
    UNSUPPORTED = 9
    BAUD = 10
    TOO_BIG = 11
    NOT_RESET = 12


class CounterKind(IntEnum):
    """Where a device's cycle figures come from."""

    NONE = 0
    DWT = 1
    SYSTICK = 2
    HOST = 3


class ResetCause(IntEnum):
    """Why a device started."""

    UNKNOWN = 0
    POWER_ON = 1
    PIN = 2
    SOFTWARE = 3
    WATCHDOG = 4
    BROWN_OUT = 5
    LOW_POWER = 6
    FAULT = 7


class DType(IntEnum):
    """Element type, numbered as TensorType in the TFLite schema."""

    FLOAT32 = 0
    INT32 = 2
    UINT8 = 3
    INT64 = 4
    BOOL = 6
    INT16 = 7
    INT8 = 9
