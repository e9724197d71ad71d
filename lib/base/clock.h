/* clock.h - what time it is. Only the edges of the program ask. */

#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Monotonic; every decision is made by these two. */
uint64_t clock_now_ms(void);
uint64_t clock_now_us(void);

/* Unix time, for people to read; nothing is decided by it. */
uint64_t clock_wall_ms(void);

#endif /* BASE_CLOCK_H */
