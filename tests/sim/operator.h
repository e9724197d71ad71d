/* operator.h - whoever changes the members while all else goes on. */

#ifndef SIM_OPERATOR_H
#define SIM_OPERATOR_H

#include "network.h"

/* Ask somebody for some change, and do not wait for the answer. */
void operator_act(void);

/* From now on ask, again and again, for all hosts to be voters. */
void operator_restore(void);

/* An answer; the world notes whether it was the one hoped for. */
void operator_arrive(const struct parcel *p);

#endif /* SIM_OPERATOR_H */
