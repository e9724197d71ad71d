/* event_text.h - what happens to a core, as lines of JSON.
 *
 * The one encoding of events outside of the core: what is written here,
 * tests/tools/core-drive reads. No payloads: a core has none. */

#ifndef NODE_EVENT_TEXT_H
#define NODE_EVENT_TEXT_H

#include "base/bytes.h"
#include "core/core.h"

/* Append the line that makes the core of core_new(settings, start). */
void event_text_start(struct bytes *out, const struct core_settings *settings,
		      const struct core_start *start);

/* Append the line that steps core `id` by `ev`. */
void event_text_step(struct bytes *out, rk_id id, const struct event *ev);

/* `receive`, `append_reply`, ...: what `event` and `type` say. Static. */
const char *event_text_name(enum event_type type);
const char *event_text_message_name(enum message_type type);

#endif /* NODE_EVENT_TEXT_H */
