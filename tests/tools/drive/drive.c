/* drive.c - a driver's cores, the messages between them, what it prints. */

#include "drive.h"

#include <string.h>

#include "bag.h"
#include "base/error.h"
#include "base/mem.h"
#include "jeffects.h"
#include "jevent.h"
#include "jstatus.h"
#include "layer.h"

void
drive_init(struct drive *d, FILE *out)
{
	*d = (struct drive){.out = out, .bag = json_array()};
}

void
drive_close(struct drive *d)
{
	size_t i;

	for (i = 0; i < d->count; i++)
		driven_close(&d->all[i]);
	mem_free(d->all);
	json_decref(d->bag);
	json_decref(d->last);
	*d = (struct drive){0};
}

struct driven *
drive_find(const struct drive *d, rk_id id)
{
	size_t i;

	for (i = 0; i < d->count; i++)
		if (d->all[i].id == id)
			return &d->all[i];
	return NULL;
}

void
drive_print_steal(const struct drive *d, json_t *line)
{
	struct bytes text = {0};

	json_write_steal(&text, line);
	bytes_append_char(&text, '\n');
	fwrite(text.data, 1, text.len, d->out);
	fflush(d->out);
	bytes_close(&text);
}

void
drive_refuse(const struct drive *d, rk_id core, const char *code,
	     const char *text)
{
	json_t *line = json_object();

	jfield_set(line, "core", jfield_from_u64(core));
	jfield_set(line, "rc", json_integer(-1));
	jfield_set(line, "code", json_string(code));
	/* What a parser quotes may be no text; it must not be lost. */
	jfield_set(line, "error",
		   json_string(bytes_is_utf8(text, strlen(text))
				       ? text
				       : "not UTF-8"));
	drive_print_steal(d, line);
}

static const char *
code_name(int rc)
{
	switch ((enum core_rc)rc) {
	case CORE_OK:
		return "ok";
	case CORE_NOT_LEADER:
		return "not-leader";
	case CORE_BUSY:
		return "busy";
	case CORE_FULL:
		return "full";
	case CORE_SHUTDOWN:
		return "shutdown";
	case CORE_INVALID:
		return "invalid";
	case CORE_NOT_READY:
		return "not-ready";
	}
	return "unknown";
}

/* A snapshot is one chunk here. */
static void
send_snapshot(struct drive *d, const struct driven *n,
	      const struct effect_snapshot_send *s)
{
	struct message m = {.type = MESSAGE_SNAPSHOT,
			    .from = n->id,
			    .to = s->peer,
			    .term = core_term(n->core),
			    .stream = s->stream,
			    .request = s->request,
			    .as.snapshot = {.meta = s->meta,
					    .transfer = 1,
					    .chunk_bytes = 1,
					    .total_bytes = 1,
					    .done = true}};

	bag_put_steal(d, 0, jmessage_write(&m));
}

static void
collect_sends(struct drive *d, const struct driven *n,
	      const struct effects *effects)
{
	size_t i;

	for (i = 0; i < effects->send_count; i++)
		bag_put_steal(d, effects->send[i].gate,
			      jmessage_write(&effects->send[i].message));
	for (i = 0; i < effects->snapshot_send_count; i++)
		send_snapshot(d, n, &effects->snapshot_send[i]);
}

/* What made a core step, for people. */
static json_t *
brief_cause(const struct event *ev)
{
	json_t *cause = json_object();
	struct bytes text = {0};

	switch (ev->type) {
	case EVENT_TIME:
		jfield_set(cause, "time", jfield_from_u64(ev->now_ms));
		break;
	case EVENT_RECEIVE:
		jmessage_brief(&text, ev->as.receive);
		jfield_set(cause, "receive",
			   json_stringn((const char *)text.data, text.len));
		bytes_close(&text);
		break;
	case EVENT_PERSISTED:
		jfield_set(cause, "persisted",
			   jfield_from_u64(ev->as.persisted_seq));
		break;
	case EVENT_APPLIED:
		jfield_set(cause, "applied", jfield_from_u64(ev->as.applied));
		break;
	case EVENT_PROPOSE:
	case EVENT_CONFIGURE:
	case EVENT_READ:
	case EVENT_TRANSFER:
	case EVENT_CAMPAIGN:
	case EVENT_PERSIST_FAILED:
	case EVENT_SNAPSHOT_TAKEN:
	case EVENT_SNAPSHOT_SENT:
	case EVENT_SNAPSHOT_RECEIVED:
	case EVENT_PEER_UNREACHABLE:
	case EVENT_COMPACTED:
		jfield_set(cause, "event", json_string(jevent_name(ev->type)));
		break;
	}
	return cause;
}

/* Print what was done, whole or brief, and keep the whole. */
static void
print_step(struct drive *d, const struct driven *n, json_t *cause,
	   const struct effects *effects, json_t *done)
{
	json_t *line = json_object();

	json_decref(d->last);
	d->last = json_incref(done);
	if (!d->quiet || effects->role_changed) {
		jfield_set(line, "core", jfield_from_u64(n->id));
		json_object_update(line, cause);
		if (d->brief) {
			jeffects_brief(line, n->core, effects);
		} else {
			jfield_set(line, "rc", json_integer(0));
			json_object_update(line, done);
		}
		drive_print_steal(d, json_incref(line));
	}
	json_decref(line);
}

static int
step(struct drive *d, struct driven *n, const struct event *ev, json_t *cause,
     struct effects *effects)
{
	json_t *done;
	int rc;

	rc = core_step(n->core, ev, effects);
	core_check(n->core);
	if (rc) {
		json_decref(d->last);
		d->last = json_pack("{s:i, s:s}", "rc", -1, "code",
				    code_name(rc));
		drive_refuse(d, n->id, code_name(rc), core_rc_text(rc));
		return rc;
	}
	if (ev->now_ms > d->now_ms)
		d->now_ms = ev->now_ms;
	done = json_object();
	jeffects_write(done, n->core, ev, effects);
	driven_note(n, ev, effects, done);
	collect_sends(d, n, effects);
	print_step(d, n, cause, effects, done);
	json_decref(done);
	return 0;
}

int
drive_step_steal(struct drive *d, struct driven *n, json_t *line,
		 bool show_cause, struct effects *effects)
{
	struct effects own;
	struct rk_error err;
	struct jevent e;
	json_t *cause = NULL;
	int rc;

	if (!n->core) {
		drive_refuse(d, n->id, "input", "it is crashed");
		json_decref(line);
		return CORE_INVALID;
	}
	if (jevent_read(n, line, &e, &err)) {
		drive_refuse(d, n->id, "input", err.text);
		json_decref(line);
		return CORE_INVALID;
	}
	if (show_cause)
		cause = d->brief ? brief_cause(&e.event) : json_incref(line);
	rc = step(d, n, &e.event, cause, effects ? effects : &own);
	json_decref(cause);
	jevent_close(&e);
	json_decref(line);
	return rc;
}

void
drive_crash(struct drive *d, struct driven *n)
{
	bag_forget(d, n->id, n->persisted);
	driven_crash(n);
}

enum rk_code
drive_start(struct drive *d, struct driven *n, uint64_t now_ms,
	    const json_t *object, struct rk_error *err)
{
	uint64_t persisted = n->persisted;
	enum rk_code rc;
	json_t *line;

	rc = driven_start(n, now_ms, object, err);
	if (rc)
		return rc;
	bag_forget(d, n->id, persisted);
	line = json_object();
	jfield_set(line, "core", jfield_from_u64(n->id));
	jfield_set(line, "rc", json_integer(0));
	if (!d->brief && n->deadline_ms <= LIMIT_NUMBER)
		jfield_set(line, "deadline", jfield_from_u64(n->deadline_ms));
	drive_print_steal(d, line);
	return RK_OK;
}

static enum rk_code
make_core(struct drive *d, rk_id id, const json_t *line, struct rk_error *err)
{
	struct driven fresh = {.id = id}, *n = drive_find(d, id);
	uint64_t now_ms = n ? n->now_ms : 0;
	json_t *object;
	enum rk_code rc;

	rc = json_get_object(line, "new", &object, err);
	if (!rc)
		rc = jfield_u64(line, "now", &now_ms, err);
	if (rc)
		return rc;
	if (n)
		return drive_start(d, n, now_ms, object, err);
	d->all = mem_grow(d->all, &d->cap, d->count + 1, sizeof d->all[0]);
	d->all[d->count++] = fresh;
	rc = drive_start(d, &d->all[d->count - 1], now_ms, object, err);
	if (rc)
		d->count--; /* There is nothing of it to free. */
	return rc;
}

static void
print_status(const struct drive *d, const struct driven *n)
{
	json_t *line = json_object();

	jfield_set(line, "core", jfield_from_u64(n->id));
	jfield_set(line, "rc", json_integer(0));
	jfield_set(line, "now", jfield_from_u64(n->now_ms));
	jstatus_write(line, n->core);
	drive_print_steal(d, line);
}

static void
print_disk(const struct drive *d, const struct driven *n)
{
	json_t *line = json_object();

	jfield_set(line, "core", jfield_from_u64(n->id));
	jfield_set(line, "rc", json_integer(0));
	jfield_set(line, "disk", driven_disk(n));
	drive_print_steal(d, line);
}

static enum rk_code
core_line(struct drive *d, rk_id id, json_t *line, struct rk_error *err)
{
	struct driven *n = drive_find(d, id);
	bool wanted = false;
	enum rk_code rc;

	if (!jfield_is_missing(line, "new"))
		return make_core(d, id, line, err);
	if (!n)
		return error_set(err, RK_USAGE, "there is no such core");
	if (!jfield_is_missing(line, "event")) {
		drive_step_steal(d, n, json_incref(line), false, NULL);
		return RK_OK;
	}
	if (!jfield_is_missing(line, "disk")) {
		print_disk(d, n);
		return RK_OK;
	}
	rc = json_get_bool(line, "status", &wanted, err);
	if (rc || !wanted)
		return error_set(err, RK_USAGE,
				 "neither \"new\", \"event\" nor "
				 "\"status\":true");
	if (!n->core)
		return error_set(err, RK_USAGE, "it is crashed");
	print_status(d, n);
	return RK_OK;
}

static void
one_core_line(struct drive *d, const json_t *id, json_t *line)
{
	struct rk_error err;
	rk_id core = 0;
	enum rk_code rc;

	if (json_is_integer(id) && json_integer_value(id) > 0 &&
	    (uint64_t)json_integer_value(id) <= LIMIT_NUMBER) {
		core = (rk_id)json_integer_value(id);
		rc = core_line(d, core, line, &err);
	} else {
		rc = error_set(&err, RK_USAGE,
			       "\"core\" is not an id from 1 to 2^53 - 1");
	}
	if (rc)
		drive_refuse(d, core, "input", err.text);
}

static void
object_line(struct drive *d, json_t *line)
{
	const json_t *core = json_object_get(line, "core");
	struct rk_error err;
	size_t i;

	if (json_is_array(core)) {
		for (i = 0; i < json_array_size(core); i++)
			one_core_line(d, json_array_get(core, i), line);
	} else if (core) {
		one_core_line(d, core, line);
	} else if (!json_is_object(line)) {
		drive_refuse(d, 0, "input", "not an object");
	} else if (layer_command(d, line, &err)) {
		drive_refuse(d, 0, "input", err.text);
	}
}

void
drive_line(struct drive *d, struct slice line)
{
	struct rk_error err;
	json_t *root;

	if (json_read(line, DRIVE_LINE_MAX, &root, &err)) {
		drive_refuse(d, 0, "input", err.text);
		return;
	}
	object_line(d, root);
	json_decref(root);
}
