/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_LSTM_PARAMS_H
#define TINYQ_LSTM_PARAMS_H

#include <stdint.h>

#define TINYQ_LSTM_GATES 4

/* One LSTM over `steps` steps of `inputs` values. Gates in TFLite's order: input, forget, cell, output. */
typedef struct {
    int32_t batches, steps, inputs, units;
    int32_t input_batch_step, input_time_step, output_batch_step, output_time_step; /* in elements */
    int32_t input_offset, hidden_offset;
    int32_t input_multiplier[TINYQ_LSTM_GATES], input_shift[TINYQ_LSTM_GATES];         /* to Q3.12 */
    int32_t recurrent_multiplier[TINYQ_LSTM_GATES], recurrent_shift[TINYQ_LSTM_GATES]; /* to Q3.12 */
    int32_t forget_multiplier, forget_shift; /* of forget gate times cell state */
    int32_t cell_multiplier, cell_shift;     /* of input gate times cell gate */
    int32_t hidden_multiplier, hidden_shift; /* of output gate times tanh of the cell state */
    int32_t cell_clip;                       /* 0: none */
    int32_t tanh_multiplier, tanh_shift;     /* from the cell state to steps of 1 / (3 * 4096) */
} tinyq_lstm_params;

#endif
