/* clients.h - those who append and read, keep count, and are not patient.
 *
 * Half of them have a session, and ask again when they get no answer; the
 * others give up. A client has one request under way at a time. */

#ifndef SIM_CLIENTS_H
#define SIM_CLIENTS_H

#include "world.h"

struct clients *clients_new(size_t count);
void clients_free(struct clients *c);
void clients_begin(void);

/* How often any of them was answered as it wished. */
uint64_t clients_served(void);

#endif /* SIM_CLIENTS_H */
