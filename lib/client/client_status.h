/* client_status.h - a member's reply to GET /v1/status.
 *
 * Private to lib/client. */

#ifndef CLIENT_CLIENT_STATUS_H
#define CLIENT_CLIENT_STATUS_H

#include "base/json.h"
#include "raftkit.h"

/* Read a reply. The caller owns `*root`, for json_decref(). */
RK_CHECKED enum rk_code status_read(struct slice text, json_t **root,
				    struct rk_error *err);

/* Fill what the member says of itself; `m->json` is left alone. */
RK_CHECKED enum rk_code status_decode(const json_t *root,
				      struct rk_member_status *m,
				      struct rk_error *err);

/* Fill the leader's stream to `m`, if `leader` says that it has one. */
void status_decode_stream(const json_t *leader, struct rk_member_status *m);

/* Whether the array `name` (voters or learners) of `root` holds `id`. */
bool status_lists(const json_t *root, const char *name, rk_id id);

/* Its `cluster`; "" if it has none. */
const char *status_cluster(const json_t *root);

/* Judge a whole cluster: sets leader, term, verdict and reason. */
void status_judge(struct rk_cluster_status *s);

#endif /* CLIENT_CLIENT_STATUS_H */
