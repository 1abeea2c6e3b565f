/* SPDX-License-Identifier: Apache-2.0 */
/* The few core registers that the port uses. Addresses and bits: Armv6-M, Armv7-M and Armv8-M
 * Architecture Reference Manuals, chapters "System Control Block", "System timer", "NVIC" and "Data
 * Watchpoint and Trace". */
#ifndef TINYQ_CORTEX_M_H
#define TINYQ_CORTEX_M_H

#include <stdint.h>

#define TINYQ_REG(address) (*(volatile uint32_t *)(uintptr_t)(address))

#define TINYQ_SYST_CSR TINYQ_REG(0xE000E010u)
#define TINYQ_SYST_RVR TINYQ_REG(0xE000E014u)
#define TINYQ_SYST_CVR TINYQ_REG(0xE000E018u)
#define TINYQ_SYST_CSR_ENABLE (1u << 0)
#define TINYQ_SYST_CSR_TICKINT (1u << 1)
#define TINYQ_SYST_CSR_CLKSOURCE (1u << 2) /* the core clock */

#define TINYQ_NVIC_ISER(n) TINYQ_REG(0xE000E100u + 4u * (n))

#define TINYQ_SCB_ICSR TINYQ_REG(0xE000ED04u)
#define TINYQ_SCB_ICSR_PENDSTSET (1u << 26)
#define TINYQ_SCB_VTOR TINYQ_REG(0xE000ED08u)
#define TINYQ_SCB_AIRCR TINYQ_REG(0xE000ED0Cu)
#define TINYQ_SCB_AIRCR_SYSRESETREQ (0x05FA0000u | (1u << 2))
#define TINYQ_SCB_CCR TINYQ_REG(0xE000ED14u)
#define TINYQ_SCB_CCR_LOB (1u << 19) /* Armv8.1-M: low-overhead loops */
#define TINYQ_SCB_SHPR3 TINYQ_REG(0xE000ED20u)
#define TINYQ_SCB_CFSR TINYQ_REG(0xE000ED28u)
#define TINYQ_SCB_HFSR TINYQ_REG(0xE000ED2Cu)
#define TINYQ_SCB_MMFAR TINYQ_REG(0xE000ED34u)
#define TINYQ_SCB_BFAR TINYQ_REG(0xE000ED38u)
#define TINYQ_SCB_CPACR TINYQ_REG(0xE000ED88u)
#define TINYQ_SCB_CPACR_FPU (0xFu << 20) /* CP10 and CP11: full access to FPU and MVE */

#define TINYQ_DEMCR TINYQ_REG(0xE000EDFCu)
#define TINYQ_DEMCR_TRCENA (1u << 24)
#define TINYQ_DWT_CTRL TINYQ_REG(0xE0001000u)
#define TINYQ_DWT_CTRL_CYCCNTENA (1u << 0)
#define TINYQ_DWT_CYCCNT TINYQ_REG(0xE0001004u)
#define TINYQ_DWT_LAR TINYQ_REG(0xE0001FB0u)
#define TINYQ_DWT_LAR_KEY 0xC5ACCE55u

static inline uint32_t tinyq_irq_save(void)
{
    uint32_t primask;
    __asm volatile("mrs %0, primask\n\tcpsid i" : "=r"(primask)::"memory");
    return primask;
}

static inline void tinyq_irq_restore(uint32_t primask)
{
    __asm volatile("msr primask, %0" ::"r"(primask) : "memory");
}

#endif
