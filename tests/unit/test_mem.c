/* test_mem.c - memory that is there or the process ends. */

#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void
alloc_gives_zeroed_memory(void **state)
{
	static const char zero[64];
	char *p = mem_alloc(8, 8);

	(void)state;
	assert_memory_equal(p, zero, sizeof zero);
	mem_free(p);
}

static void
alloc_of_nothing_gives_a_pointer_that_may_be_freed(void **state)
{
	void *p = mem_alloc(0, 8);

	(void)state;
	assert_non_null(p);
	mem_free(p);
	mem_free(NULL);
}

static void
grow_keeps_what_is_there_and_doubles(void **state)
{
	size_t cap = 0;
	size_t moves = 0;
	size_t before;
	uint32_t *array = NULL;
	uint32_t i;

	(void)state;
	for (i = 0; i < 10000; i++) {
		before = cap;
		array = mem_grow(array, &cap, i + 1, sizeof *array);
		moves += cap != before;
		assert_true(cap > i);
		array[i] = i;
	}
	for (i = 0; i < 10000; i++)
		assert_int_equal(array[i], i);
	assert_in_range(moves, 1, 12);
	mem_free(array);
}

static void
dup_copies(void **state)
{
	char text[] = "text";
	char *copy = mem_strdup(text);
	void *empty = mem_dup(NULL, 0);

	(void)state;
	text[0] = 'n';
	assert_string_equal(copy, "text");
	assert_non_null(empty);
	mem_free(copy);
	mem_free(empty);
}

static void
running_out_of_memory_aborts(void **state)
{
	const struct rlimit no_core = {0, 0};
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &no_core);
		close(STDERR_FILENO);
		signal(SIGABRT, SIG_DFL);
		mem_resize(NULL, SIZE_MAX, 2);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alloc_gives_zeroed_memory),
		cmocka_unit_test(
			alloc_of_nothing_gives_a_pointer_that_may_be_freed),
		cmocka_unit_test(grow_keeps_what_is_there_and_doubles),
		cmocka_unit_test(dup_copies),
		cmocka_unit_test(running_out_of_memory_aborts),
	};

	return unit_run("mem", tests, LEN(tests));
}
