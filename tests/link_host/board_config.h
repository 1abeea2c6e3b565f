/* SPDX-License-Identifier: Apache-2.0 */
/* The board of the link tests: the PC, with a small frame so that large messages take several. */
#ifndef TINYQ_BOARD_CONFIG_H
#define TINYQ_BOARD_CONFIG_H

#define TINYQ_BOARD_NAME "link-test"
#define TINYQ_CORE_NAME "host"
#define TINYQ_RX_BYTES 2048u
#define TINYQ_LINK_MAX_PAYLOAD 600

#endif
