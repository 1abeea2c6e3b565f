/* SPDX-License-Identifier: Apache-2.0 */
#include "link/commands.h"

#include <string.h>

#include "port/tinyq_port.h"

enum { NOTHING, SWITCH_BAUD, RESET }; /* what is left to do once the reply is sent */

static const tinyq_model *model;
static bool weights_ok;
static tinyq_link_counts counts;

static uint8_t reply[TINYQ_FRAME_MAX]; /* the last reply, kept to be repeated */
static uint32_t used;                  /* its bytes so far */
static bool overflowed;
static uint32_t answered_crc; /* CRC of the request that it answers: covers type, seq, link id and data */
static bool answered;

static uint16_t link_id; /* 0: no host has said HELLO yet */
static uint32_t loaded;  /* input bytes loaded since the last run, counted over all inputs in order */
static bool has_result;  /* no LOAD since the last run: the outputs are whole */
static bool in_sequence; /* the model's state is what this host's runs since its last RESET_STATE have made of it */
static uint32_t last_run_ms = UINT32_MAX;

static uint8_t after_reply;
static uint32_t baud = TINYQ_UART_BAUD, new_baud, baud_deadline_ms;

/* ---- the reply under construction ---- */

static void put_bytes(const void *data, uint32_t size)
{
    if (size > sizeof reply - TINYQ_CRC_BYTES - used) {
        overflowed = true;
        return;
    }
    memcpy(reply + used, data, size);
    used += size;
}

static void put_u8(uint32_t value)
{
    const uint8_t byte = (uint8_t)value;
    put_bytes(&byte, 1);
}

static void put_u16(uint32_t value)
{
    put_u8(value);
    put_u8(value >> 8);
}

static void put_u32(uint32_t value)
{
    put_u16(value);
    put_u16(value >> 16);
}

static void put_u64(uint64_t value)
{
    put_u32((uint32_t)value);
    put_u32((uint32_t)(value >> 32));
}

static void put_string(const char *text)
{
    uint32_t size = (uint32_t)strlen(text);
    size = size > TINYQ_STRING_MAX ? TINYQ_STRING_MAX : size;
    put_u8(size);
    put_bytes(text, size);
}

static void begin_reply(uint8_t type, uint8_t seq, uint16_t link)
{
    used = 0;
    overflowed = false;
    put_u8(type);
    put_u8(seq);
    put_u16(link);
}

/* Overwrites the reply from its payload on: a heartbeat goes out before the reply is built. */
static void send_heartbeat(void)
{
    const uint8_t type = reply[0];
    reply[0] = TINYQ_MSG_HEARTBEAT;
    used = 4;
    put_u32(last_run_ms == UINT32_MAX ? 0 : last_run_ms);
    tinyq_frame_send(reply, used);
    reply[0] = type;
    used = 4;
}

/* ---- running ---- */

static uint32_t io_bytes(const tinyq_io *io, uint32_t count)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        sum += io[i].bytes;
    }
    return sum;
}

/* beat: a host waits for the reply, so tell it between layers that work goes on. */
static uint64_t run_layers(bool beat)
{
    uint64_t sum = 0;
    uint32_t beat_ms = tinyq_port_millis();
    for (uint16_t layer = 0; layer < model->layer_count; layer++) {
        if (beat && tinyq_port_millis() - beat_ms >= TINYQ_HEARTBEAT_MS) {
            send_heartbeat();
            tinyq_port_flush();
            beat_ms = tinyq_port_millis();
        }
        tinyq_port_layer = layer;
        const uint64_t start = tinyq_port_cycles();
        model->run_layer(layer);
        model->layer_cycles[layer] = tinyq_port_cycles() - start;
        sum += model->layer_cycles[layer];
    }
    tinyq_port_layer = TINYQ_NO_LAYER;
    return sum;
}

static uint64_t run_once(void)
{
    const uint64_t start = tinyq_port_cycles();
    model->run();
    return tinyq_port_cycles() - start;
}

static uint64_t run(bool layers, bool beat)
{
    loaded = 0;
    tinyq_port_flush(); /* no transmit interrupt inside the timed window */
    const uint32_t start_ms = tinyq_port_millis();
    const uint64_t cycles = layers ? run_layers(beat) : run_once();
    last_run_ms = tinyq_port_millis() - start_ms;
    has_result = true;
    return tinyq_port_counter_kind() == TINYQ_COUNTER_NONE ? TINYQ_CYCLES_UNKNOWN : cycles;
}

static void reset_model(void)
{
    if (model->reset != NULL) {
        model->reset();
    }
}

uint64_t tinyq_timed_run(bool layers)
{
    reset_model();
    const uint64_t cycles = run(layers, false);
    has_result = false; /* not the one that a host asked for */
    in_sequence = false;
    return cycles;
}

/* ---- requests: args are behind the link id; each returns 0 or a TINYQ_ERROR_* ---- */

static void put_fault(void)
{
    tinyq_fault fault;
    const uint32_t words = sizeof fault / 4u;
    if (tinyq_port_fault_record(&fault)) {
        put_u8(words);
        put_bytes(&fault, words * 4u); /* uint32_t only; every core here is little-endian */
    } else {
        put_u8(0);
    }
}

static void put_io(const tinyq_io *io, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        put_u32(io[i].bytes);
        put_u8(io[i].dtype);
    }
}

static uint8_t hello(const uint8_t *args, uint32_t size)
{
    (void)args;
    (void)size;
    put_u8(TINYQ_PROTOCOL_VERSION);
    put_u8(weights_ok);
    put_u8(tinyq_port_counter_kind());
    put_u8(tinyq_port_reset_cause());
    put_u32(tinyq_port_boot_count());
    put_bytes(model->sha256, 32);
    put_u32(tinyq_port_clock_hz());
    put_u32(tinyq_port_counter_hz());
    put_u16(TINYQ_LINK_MAX_PAYLOAD);
    put_u16(model->input_count);
    put_u16(model->output_count);
    put_u16(model->layer_count);
    put_fault();
    put_string(model->name);
    put_string(tinyq_build_id);
    put_string(TINYQ_BOARD_NAME);
    put_string(TINYQ_CORE_NAME);
    put_string(tinyq_kernel_set);
    put_io(model->inputs, model->input_count);
    put_io(model->outputs, model->output_count);
    return 0;
}

static uint8_t ping(const uint8_t *args, uint32_t size)
{
    (void)args;
    (void)size;
    return 0;
}

/* index u8, offset u32, bytes. Inputs are loaded in order without gaps; loading a place again undoes what follows. */
static uint8_t load(const uint8_t *args, uint32_t size)
{
    const uint8_t index = args[0];
    const uint32_t offset = tinyq_get_u32(args + 1);
    const uint32_t bytes = size - 5;
    if (index >= model->input_count || offset > model->inputs[index].bytes ||
        bytes > model->inputs[index].bytes - offset) {
        return TINYQ_ERROR_OUT_OF_RANGE;
    }
    const uint32_t place = io_bytes(model->inputs, index) + offset;
    if (place > loaded) {
        return TINYQ_ERROR_GAP;
    }
    memcpy((uint8_t *)model->inputs[index].data + offset, args + 5, bytes);
    loaded = place + bytes;
    has_result = false; /* inputs and outputs share the arena */
    return 0;
}

/* flags u8. Answers cycles u64 and, if wanted and where they fit, all outputs. */
static uint8_t run_request(const uint8_t *args, uint32_t size)
{
    const bool layers = (args[0] & TINYQ_RUN_LAYERS) != 0;
    (void)size;
    if (!weights_ok) {
        return TINYQ_ERROR_BAD_WEIGHTS;
    }
    if (layers && (model->run_layer == NULL || model->layer_cycles == NULL)) {
        return TINYQ_ERROR_UNSUPPORTED;
    }
    if (model->reset != NULL && !in_sequence) {
        return TINYQ_ERROR_NOT_RESET;
    }
    if (loaded != io_bytes(model->inputs, model->input_count)) {
        return TINYQ_ERROR_NOT_LOADED;
    }
    if (last_run_ms >= TINYQ_HEARTBEAT_MS) {
        send_heartbeat();
    }
    put_u64(run(layers, true));
    if ((args[0] & TINYQ_RUN_OUTPUTS) != 0 &&
        io_bytes(model->outputs, model->output_count) <= TINYQ_LINK_MAX_PAYLOAD - TINYQ_REPLY_RUN_BYTES) {
        for (uint32_t i = 0; i < model->output_count; i++) {
            put_bytes(model->outputs[i].data, model->outputs[i].bytes);
        }
    }
    return 0;
}

/* index u8, offset u32, length u16 */
static uint8_t read_output(const uint8_t *args, uint32_t size)
{
    const uint8_t index = args[0];
    const uint32_t offset = tinyq_get_u32(args + 1), bytes = tinyq_get_u16(args + 5);
    (void)size;
    if (!has_result) {
        return TINYQ_ERROR_NO_RESULT;
    }
    if (index >= model->output_count || offset > model->outputs[index].bytes ||
        bytes > model->outputs[index].bytes - offset) {
        return TINYQ_ERROR_OUT_OF_RANGE;
    }
    put_bytes((const uint8_t *)model->outputs[index].data + offset, bytes);
    return 0;
}

/* first layer u16, count u16. Answers the first and the cycles u64 of each. */
static uint8_t layers(const uint8_t *args, uint32_t size)
{
    const uint32_t first = tinyq_get_u16(args), count = tinyq_get_u16(args + 2);
    (void)size;
    if (model->layer_cycles == NULL) {
        return TINYQ_ERROR_UNSUPPORTED;
    }
    if (first + count > model->layer_count) {
        return TINYQ_ERROR_OUT_OF_RANGE;
    }
    put_u16(first);
    for (uint32_t i = 0; i < count; i++) {
        put_u64(model->layer_cycles[first + i]);
    }
    return 0;
}

static uint8_t stats(const uint8_t *args, uint32_t size)
{
    (void)args;
    (void)size;
    put_u32(tinyq_port_rx_overruns());
    put_u32(counts.damaged);
    put_u32(counts.frames);
    put_u32(counts.repeats);
    put_u32(tinyq_port_stack_high_water());
    put_u32(tinyq_port_stack_bytes());
    put_u32(model->arena_bytes);
    return 0;
}

/* baud u32. Tries the rate while the line is idle, answers at the old one. */
static uint8_t set_baud(const uint8_t *args, uint32_t size)
{
    (void)size;
    new_baud = tinyq_get_u32(args);
    if (!tinyq_port_set_baud(new_baud)) {
        return TINYQ_ERROR_BAUD;
    }
    (void)tinyq_port_set_baud(baud);
    after_reply = SWITCH_BAUD;
    return 0;
}

static uint8_t reset(const uint8_t *args, uint32_t size)
{
    (void)args;
    (void)size;
    after_reply = RESET;
    return 0;
}

/* Begins a sequence of inputs; nothing to do for a model that keeps no state. */
static uint8_t reset_state(const uint8_t *args, uint32_t size)
{
    (void)args;
    (void)size;
    reset_model();
    in_sequence = true;
    return 0;
}

static const struct {
    uint8_t (*handle)(const uint8_t *args, uint32_t size);
    uint8_t bytes; /* of the payload; at least for LOAD, exactly for the others */
} requests[] = {
    [TINYQ_MSG_HELLO] = {hello, TINYQ_REQ_HELLO_BYTES},
    [TINYQ_MSG_PING] = {ping, TINYQ_REQ_PING_BYTES},
    [TINYQ_MSG_LOAD] = {load, TINYQ_REQ_LOAD_BYTES},
    [TINYQ_MSG_RUN] = {run_request, TINYQ_REQ_RUN_BYTES},
    [TINYQ_MSG_READ] = {read_output, TINYQ_REQ_READ_BYTES},
    [TINYQ_MSG_LAYERS] = {layers, TINYQ_REQ_LAYERS_BYTES},
    [TINYQ_MSG_STATS] = {stats, TINYQ_REQ_STATS_BYTES},
    [TINYQ_MSG_SET_BAUD] = {set_baud, TINYQ_REQ_SET_BAUD_BYTES},
    [TINYQ_MSG_RESET] = {reset, TINYQ_REQ_RESET_BYTES},
    [TINYQ_MSG_RESET_STATE] = {reset_state, TINYQ_REQ_RESET_STATE_BYTES},
};

static uint8_t handle(uint8_t type, const uint8_t *payload, uint32_t size)
{
    if (type >= sizeof requests / sizeof requests[0] || requests[type].handle == NULL) {
        return TINYQ_ERROR_UNKNOWN_TYPE;
    }
    if (type == TINYQ_MSG_LOAD ? size < requests[type].bytes : size != requests[type].bytes) {
        return TINYQ_ERROR_BAD_LENGTH;
    }
    const uint16_t link = tinyq_get_u16(payload);
    if (type == TINYQ_MSG_HELLO && link != link_id) {
        link_id = link;
        loaded = 0;
        has_result = false;
        in_sequence = false;
    }
    if (link == 0 || link != link_id) {
        return TINYQ_ERROR_BAD_LINK;
    }
    if (type != TINYQ_MSG_HELLO) {
        tinyq_port_fault_clear(); /* the host goes on, so it has read the record */
    }
    return requests[type].handle(payload + TINYQ_REQ_PING_BYTES, size - TINYQ_REQ_PING_BYTES);
}

static void finish(void)
{
    const uint8_t action = after_reply;
    after_reply = NOTHING;
    if (action != NOTHING) {
        tinyq_port_flush();
    }
    if (action == RESET) {
        tinyq_port_reset();
    }
    if (action == SWITCH_BAUD && tinyq_port_set_baud(new_baud)) {
        baud = new_baud;
        baud_deadline_ms = tinyq_port_millis() + TINYQ_BAUD_CONFIRM_MS;
    }
}

static void answer(const uint8_t *frame, uint32_t size)
{
    const uint16_t link = size >= 4 ? tinyq_get_u16(frame + 2) : 0;
    begin_reply(frame[0] | TINYQ_REPLY, frame[1], link);
    uint8_t error = handle(frame[0], frame + 2, size - 2);
    if (error == 0 && overflowed) {
        error = TINYQ_ERROR_TOO_BIG;
    }
    if (error != 0) {
        begin_reply(TINYQ_MSG_ERROR, frame[1], link);
        put_u8(error);
        put_u32(loaded);
    }
}

void tinyq_command(const uint8_t *frame, uint32_t size)
{
    const uint32_t crc = tinyq_get_u32(frame + size);
    counts.frames++;
    if (answered && crc == answered_crc) {
        counts.repeats++;
    } else {
        answer(frame, size);
        answered_crc = crc;
        answered = true;
    }
    tinyq_frame_send(reply, used);
    baud_deadline_ms = tinyq_port_millis() + TINYQ_BAUD_IDLE_MS;
    finish();
}

/* ---- the rest ---- */

bool tinyq_link_tick(void)
{
    if (baud == TINYQ_UART_BAUD) {
        return false;
    }
    if ((int32_t)(tinyq_port_millis() - baud_deadline_ms) >= 0) {
        baud = TINYQ_UART_BAUD;
        (void)tinyq_port_set_baud(baud);
    }
    return true;
}

void tinyq_link_init(const tinyq_model *bound)
{
    model = bound;
    weights_ok = tinyq_crc32(0, model->weights, model->weights_bytes) == model->weights_crc32;
    reset_model();
}

void tinyq_count_damaged(void)
{
    counts.damaged++;
}

tinyq_link_counts tinyq_link_statistics(void)
{
    return counts;
}

bool tinyq_weights_ok(void)
{
    return weights_ok;
}
