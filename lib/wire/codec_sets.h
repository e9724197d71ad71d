/* codec_sets.h - the sets of a configuration as members of a JSON object.
 *
 *   "voters":[1,2,3],"voters_old":[1,2],"learners":[4]
 *
 * Private to the codecs. `voters_old` stands there only while the
 * configuration is joint. */

#ifndef WIRE_CODEC_SETS_H
#define WIRE_CODEC_SETS_H

#include "base/json.h"
#include "core/types.h"

/* Append the members, without the braces around them. */
void sets_encode(struct bytes *out, const struct configuration *c);

/* RK_USAGE unless each set is in ascending order without a repetition, there
 * is a voter, and no voter is a learner. */
RK_CHECKED enum rk_code sets_decode(const json_t *object,
				    struct configuration *c,
				    struct rk_error *err);

/* One set, under `name`. */
RK_CHECKED enum rk_code set_decode(const json_t *object, const char *name,
				   struct id_set *set, struct rk_error *err);

#endif /* WIRE_CODEC_SETS_H */
