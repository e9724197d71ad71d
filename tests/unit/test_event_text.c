/* test_event_text.c - each event as the line that core-drive reads. */

#include "unit.h"

#include <string.h>

#include "node/event_text.h"

static const struct configuration_at joint = {
	.index = 4,
	.configuration = {.voters = {2, {1, 2}},
			  .old = {1, {3}},
			  .learners = {1, {4}}},
};

static void
writes(struct event ev, const char *wanted)
{
	struct bytes text = {.data = NULL};

	ev.now_ms = 7;
	event_text_step(&text, 1, &ev);
	bytes_append_char(&text, '\0');
	assert_string_equal((const char *)text.data, wanted);
	bytes_close(&text);
}

/* `wanted` is what stands behind the fields of every message. */
static void
receives(struct message m, const char *type, const char *wanted)
{
	struct event ev = {.type = EVENT_RECEIVE, .as.receive = &m};
	struct bytes line = {.data = NULL};

	m.from = 2;
	m.to = 1;
	m.term = 3;
	m.stream = 8;
	m.request = 9;
	bytes_printf(&line,
		     "{\"core\":1,\"now\":7,\"event\":\"receive\",\"message\":"
		     "{\"type\":\"%s\",\"from\":2,\"to\":1,\"term\":3,"
		     "\"stream\":8,\"request\":9%s}}\n",
		     type, wanted);
	bytes_append_char(&line, '\0');
	writes(ev, (const char *)line.data);
	bytes_close(&line);
}

#define STEP(rest) "{\"core\":1,\"now\":7,\"event\":" rest "}\n"

static void
events_without_fields_are_their_names(void **state)
{
	(void)state;
	writes((struct event){.type = EVENT_TIME}, STEP("\"time\""));
	writes((struct event){.type = EVENT_CAMPAIGN}, STEP("\"campaign\""));
	writes((struct event){.type = EVENT_PERSIST_FAILED},
	       STEP("\"persist_failed\""));
}

static void
events_of_clients_have_their_tokens(void **state)
{
	static const uint32_t sizes[] = {3, 9};

	(void)state;
	writes((struct event){.type = EVENT_PROPOSE,
			      .as.propose = {5, 2, sizes}},
	       STEP("\"propose\",\"token\":5,\"sizes\":[3,9]"));
	writes((struct event){.type = EVENT_CONFIGURE,
			      .as.configure = {.token = 6,
					       .voters = {2, {1, 2}}}},
	       STEP("\"configure\",\"token\":6,\"voters\":[1,2],"
		    "\"learners\":[]"));
	writes((struct event){.type = EVENT_READ, .as.read_token = 4},
	       STEP("\"read\",\"token\":4"));
	writes((struct event){.type = EVENT_TRANSFER, .as.transfer_to = 2},
	       STEP("\"transfer\",\"to\":2"));
}

static void
events_of_disk_and_machine_say_how_far(void **state)
{
	struct event taken = {.type = EVENT_SNAPSHOT_TAKEN,
			      .as.snapshot_taken = {{5, 2}, joint}};

	(void)state;
	writes((struct event){.type = EVENT_PERSISTED, .as.persisted_seq = 3},
	       STEP("\"persisted\",\"seq\":3"));
	writes((struct event){.type = EVENT_APPLIED, .as.applied = 3},
	       STEP("\"applied\",\"index\":3"));
	writes((struct event){.type = EVENT_COMPACTED, .as.compacted = {4, 2}},
	       STEP("\"compacted\",\"index\":4,\"term\":2"));
	writes(taken,
	       STEP("\"snapshot_taken\",\"snapshot\":{\"index\":5,\"term\":2,"
		    "\"configuration\":{\"index\":4,\"voters\":[1,2],"
		    "\"old\":[3],\"learners\":[4]}}"));
}

static void
events_of_peers_name_stream_and_request(void **state)
{
	(void)state;
	writes((struct event){.type = EVENT_PEER_UNREACHABLE,
			      .as.unreachable = {2, 8, 9}},
	       STEP("\"peer_unreachable\",\"peer\":2,\"stream\":8,"
		    "\"request\":9"));
	writes((struct event){.type = EVENT_SNAPSHOT_SENT,
			      .as.snapshot_sent =
				      {2, 8, 9, SNAPSHOT_INSTALLED, {5, 2}}},
	       STEP("\"snapshot_sent\",\"peer\":2,\"stream\":8,"
		    "\"request\":9,\"outcome\":\"installed\","
		    "\"match\":{\"index\":5,\"term\":2}"));
	writes((struct event){.type = EVENT_SNAPSHOT_SENT,
			      .as.snapshot_sent = {.outcome = SNAPSHOT_FAILED}},
	       STEP("\"snapshot_sent\",\"peer\":0,\"stream\":0,"
		    "\"request\":0,\"outcome\":\"failed\","
		    "\"match\":{\"index\":0,\"term\":0}"));
}

static void
votes_and_heartbeats_have_all_their_fields(void **state)
{
	(void)state;
	receives((struct message){.type = MESSAGE_VOTE,
				  .as.vote = {true, false, {5, 2}}},
		 "vote",
		 ",\"pre\":true,\"transfer\":false,\"last_index\":5,"
		 "\"last_term\":2");
	receives((struct message){.type = MESSAGE_VOTE_REPLY,
				  .as.vote_reply = {false, true}},
		 "vote_reply", ",\"pre\":false,\"granted\":true");
	receives((struct message){.type = MESSAGE_HEARTBEAT,
				  .as.heartbeat = {5, 6}},
		 "heartbeat", ",\"commit\":5,\"round\":6");
	receives((struct message){.type = MESSAGE_HEARTBEAT_REPLY,
				  .as.heartbeat_reply = {6, 5}},
		 "heartbeat_reply", ",\"round\":6,\"last_index\":5");
	receives((struct message){.type = MESSAGE_TIMEOUT_NOW}, "timeout_now",
		 "");
	receives((struct message){.type = MESSAGE_TIMEOUT_NOW_REPLY},
		 "timeout_now_reply", "");
}

static void
appends_have_a_term_and_a_size_for_each_entry(void **state)
{
	static const struct term_run runs[] = {{1, 1}, {2, 2}};
	static const uint32_t sizes[] = {3, 4, 5};
	struct message m = {.type = MESSAGE_APPEND,
			    .as.append = {.prev = {2, 1},
					  .commit = 2,
					  .count = 3,
					  .runs = runs,
					  .run_count = 2,
					  .sizes = sizes}};

	(void)state;
	receives(m, "append",
		 ",\"prev_index\":2,\"prev_term\":1,\"commit\":2,"
		 "\"terms\":[1,2,2],\"sizes\":[3,4,5]");
	m.as.append.configurations = &joint;
	m.as.append.configuration_count = 1;
	receives(m, "append",
		 ",\"prev_index\":2,\"prev_term\":1,\"commit\":2,"
		 "\"terms\":[1,2,2],\"sizes\":[3,4,5],\"configurations\":"
		 "[{\"index\":4,\"voters\":[1,2],\"old\":[3],"
		 "\"learners\":[4]}]");
	receives((struct message){.type = MESSAGE_APPEND_REPLY,
				  .as.append_reply = {false, 0, {3, 1}, 4}},
		 "append_reply",
		 ",\"success\":false,\"match\":0,\"conflict_index\":3,"
		 "\"conflict_term\":1,\"last_index\":4");
}

static void
snapshots_have_what_they_cover(void **state)
{
	struct message m = {
		.type = MESSAGE_SNAPSHOT,
		.as.snapshot = {{{5, 2}, {0}}, 1, 10, 20, 30, 40, true}};

	(void)state;
	receives(m, "snapshot",
		 ",\"snapshot\":{\"index\":5,\"term\":2,\"configuration\":"
		 "{\"index\":0,\"voters\":[],\"old\":[],\"learners\":[]}},"
		 "\"transfer\":1,\"offset\":10,\"chunk_bytes\":20,"
		 "\"total_bytes\":30,\"total_crc32c\":40,\"done\":true");
	receives((struct message){.type = MESSAGE_SNAPSHOT_REPLY,
				  .as.snapshot_reply = {true, {5, 2}, 1, 30}},
		 "snapshot_reply",
		 ",\"installed\":true,\"match_index\":5,\"match_term\":2,"
		 "\"transfer\":1,\"offset\":30");
}

static void
start_has_the_log_and_every_setting(void **state)
{
	static const struct term_run runs[] = {{1, 1}, {2, 1}};
	static const uint32_t sizes[] = {3, 4};
	static const char wanted[] =
		"{\"core\":1,\"now\":7,\"new\":{\"voters\":[1,2],\"old\":[],"
		"\"learners\":[],\"term\":2,\"vote\":1,\"compacted\":"
		"{\"index\":0,\"term\":0},\"log\":[1,2],\"sizes\":[3,4],"
		"\"configurations\":[],\"commit\":1,\"applied\":0,\"seed\":77,"
		"\"settings\":{\"election_timeout_min_ms\":";
	struct core_start start = {.hard_state = {2, 1},
				   .runs = runs,
				   .run_count = 2,
				   .sizes = sizes,
				   .initial = {.voters = {2, {1, 2}}},
				   .commit = 1,
				   .now_ms = 7};
	struct core_settings settings;
	struct bytes text = {.data = NULL};

	(void)state;
	core_settings_init(&settings);
	settings.id = 1;
	settings.seed = 77;
	event_text_start(&text, &settings, &start);
	assert_memory_equal(text.data, wanted, strlen(wanted));
	bytes_append_char(&text, '\0');
	assert_non_null(strstr((const char *)text.data,
			       ",\"pre_vote\":true,\"check_quorum\":true}},"
			       "\"version\":\""));
	bytes_close(&text);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_without_fields_are_their_names),
		cmocka_unit_test(events_of_clients_have_their_tokens),
		cmocka_unit_test(events_of_disk_and_machine_say_how_far),
		cmocka_unit_test(events_of_peers_name_stream_and_request),
		cmocka_unit_test(votes_and_heartbeats_have_all_their_fields),
		cmocka_unit_test(appends_have_a_term_and_a_size_for_each_entry),
		cmocka_unit_test(snapshots_have_what_they_cover),
		cmocka_unit_test(start_has_the_log_and_every_setting),
	};

	return unit_run("event_text", tests, LEN(tests));
}
