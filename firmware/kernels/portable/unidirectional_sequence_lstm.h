/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TINYQ_PORTABLE_UNIDIRECTIONAL_SEQUENCE_LSTM_H
#define TINYQ_PORTABLE_UNIDIRECTIONAL_SEQUENCE_LSTM_H

#include <string.h>

#include "../tinyq_fixed_point.h"
#include "../tinyq_lstm_params.h"
#include "../tinyq_sigmoid_q15.h"

/* What all gates have in common: weights [4,S,I] and [4,S,S], biases [4,S], and the table of tinyq_sigmoid_q15.h. */
typedef struct {
    const int8_t *input, *recurrent;
    const int32_t *bias;
    const uint16_t *table;
} tinyq_lstm_constants;

static inline int32_t tinyq_lstm_saturated(int32_t value)
{
    return tinyq_clamp(value, INT16_MIN, INT16_MAX);
}

/* sum + weights * (values + offset), requantised to Q3.12. */
static inline int32_t tinyq_lstm_product(const int8_t *values, int32_t count, int32_t offset, const int8_t *weights,
                                         int32_t sum, int32_t multiplier, int32_t shift)
{
    for (int32_t i = 0; i < count; ++i) {
        sum = tinyq_wrapping_add(sum, (values[i] + offset) * weights[i]);
    }
    return tinyq_lstm_saturated(tinyq_requantize(sum, multiplier, shift));
}

/* Argument of one unit's gate, in Q3.12. */
static inline int32_t tinyq_lstm_gate(const tinyq_lstm_params *p, const tinyq_lstm_constants *c, int32_t gate,
                                      int32_t unit, const int8_t *input, const int8_t *hidden)
{
    const int32_t row = gate * p->units + unit;
    const int32_t first =
        tinyq_lstm_product(input, p->inputs, p->input_offset, c->input + row * p->inputs, c->bias[row],
                           p->input_multiplier[gate], p->input_shift[gate]);
    const int32_t second =
        tinyq_lstm_product(hidden, p->units, p->hidden_offset, c->recurrent + row * p->units, 0,
                           p->recurrent_multiplier[gate], p->recurrent_shift[gate]);
    return tinyq_lstm_saturated(first + second);
}

/* One unit, one step: updates the cell state and returns the new hidden state. */
static inline int8_t tinyq_lstm_unit(const tinyq_lstm_params *p, const tinyq_lstm_constants *c, int32_t unit,
                                     const int8_t *input, const int8_t *hidden, int16_t *cell)
{
    const int32_t in = tinyq_logistic_q15(3 * tinyq_lstm_gate(p, c, 0, unit, input, hidden), c->table);
    const int32_t forget = tinyq_logistic_q15(3 * tinyq_lstm_gate(p, c, 1, unit, input, hidden), c->table);
    const int32_t update = tinyq_tanh_q15(3 * tinyq_lstm_gate(p, c, 2, unit, input, hidden), c->table);
    const int32_t out = tinyq_logistic_q15(3 * tinyq_lstm_gate(p, c, 3, unit, input, hidden), c->table);
    const int32_t kept = tinyq_lstm_saturated(tinyq_requantize(forget * *cell, p->forget_multiplier, p->forget_shift));
    const int32_t added = tinyq_lstm_saturated(tinyq_requantize(in * update, p->cell_multiplier, p->cell_shift));
    int32_t now = tinyq_lstm_saturated(kept + added);
    if (p->cell_clip > 0) {
        now = tinyq_clamp(now, -p->cell_clip, p->cell_clip);
    }
    *cell = (int16_t)now;
    const int32_t rounding = p->tanh_shift > 0 ? 1 << (p->tanh_shift - 1) : 0;
    const int32_t through = tinyq_tanh_q15((now * p->tanh_multiplier + rounding) >> p->tanh_shift, c->table);
    const int32_t value = tinyq_requantize(through * out, p->hidden_multiplier, p->hidden_shift) - p->hidden_offset;
    return (int8_t)tinyq_clamp(value, INT8_MIN, INT8_MAX);
}

/*
 * UNIDIRECTIONAL_SEQUENCE_LSTM, int8 with an int16 cell state. input [N,T,I] or [T,N,I], weights as in
 * tinyq_lstm_constants, hidden states [N,S], cell states [N,S] int16, output [N,T,S] or [T,N,S]. The new states may lie
 * where the old ones are. A step's output is the next one's hidden state.
 */
TINYQ_KERNEL void tinyq_portable_unidirectional_sequence_lstm(const tinyq_lstm_params *p, const int8_t *input,
                                                              const int8_t *input_weights,
                                                              const int8_t *recurrent_weights, const int32_t *bias,
                                                              const void *table, const int8_t *hidden,
                                                              const void *cell, int8_t *output, int8_t *new_hidden,
                                                              void *new_cell)
{
    const tinyq_lstm_constants constants = {input_weights, recurrent_weights, bias, table};
    int16_t *cells = new_cell;
    if (new_cell != cell) {
        memcpy(new_cell, cell, (size_t)(p->batches * p->units) * sizeof *cells);
    }
    for (int32_t batch = 0; batch < p->batches; ++batch, cells += p->units) {
        const int8_t *before = hidden + batch * p->units;
        const int8_t *values = input + batch * p->input_batch_step;
        int8_t *now = output + batch * p->output_batch_step;
        for (int32_t step = 0; step < p->steps; ++step) {
            for (int32_t unit = 0; unit < p->units; ++unit) {
                now[unit] = tinyq_lstm_unit(p, &constants, unit, values, before, &cells[unit]);
            }
            before = now;
            values += p->input_time_step;
            now += p->output_time_step;
        }
        memcpy(new_hidden + batch * p->units, before, (size_t)p->units);
    }
}

#endif
