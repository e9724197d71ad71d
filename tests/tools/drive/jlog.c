/* jlog.c - a stretch of log: the terms, sizes and configurations in it. */

#include "jlog.h"

#include "base/error.h"
#include "base/mem.h"

void
jlog_close(struct jlog *log)
{
	mem_free(log->runs);
	mem_free(log->sizes);
	mem_free(log->configurations);
	*log = (struct jlog){0};
}

static enum rk_code
read_terms(const json_t *object, const char *name, struct jlog *log,
	   struct rk_error *err)
{
	uint64_t *terms;
	size_t count, i;
	enum rk_code rc;

	rc = jfield_numbers(object, name, LIMIT_NUMBER, &terms, &count, err);
	if (rc)
		return rc;
	log->count = count;
	log->runs = mem_alloc(count, sizeof log->runs[0]);
	for (i = 0; i < count; i++) {
		if (i == 0 || terms[i] != terms[i - 1])
			log->runs[log->run_count++].term = terms[i];
		log->runs[log->run_count - 1].count++;
	}
	mem_free(terms);
	return RK_OK;
}

static enum rk_code
read_sizes(const json_t *object, struct jlog *log, struct rk_error *err)
{
	uint64_t *sizes;
	size_t count, i;
	enum rk_code rc;

	log->sizes = mem_alloc(log->count, sizeof log->sizes[0]);
	if (jfield_is_missing(object, "sizes"))
		return RK_OK;
	rc = jfield_numbers(object, "sizes", UINT32_MAX, &sizes, &count, err);
	if (rc)
		return rc;
	if (count != log->count)
		rc = error_set(err, RK_USAGE, "%zu sizes of %llu entries",
			       count, (unsigned long long)log->count);
	for (i = 0; !rc && i < count; i++)
		log->sizes[i] = (uint32_t)sizes[i];
	mem_free(sizes);
	return rc;
}

static enum rk_code
read_configurations(const json_t *object, rk_index base, struct jlog *log,
		    struct rk_error *err)
{
	json_t *array = NULL;
	enum rk_code rc;
	size_t i;

	rc = jfield_array(object, "configurations", &array, err);
	if (rc || !array)
		return rc;
	log->configurations = mem_alloc(json_array_size(array),
					sizeof log->configurations[0]);
	for (i = 0; i < json_array_size(array); i++) {
		const json_t *item = json_array_get(array, i);
		struct configuration_at *at = &log->configurations[i];

		rc = json_get_u64(item, "index", LIMIT_NUMBER, &at->index, err);
		if (!rc)
			rc = jfield_configuration(item, &at->configuration,
						  err);
		if (rc)
			return error_wrap(err, "configurations[%zu]", i);
		if (at->index <= (i ? at[-1].index : base) ||
		    at->index > base + log->count)
			return error_set(err, RK_USAGE,
					 "configurations[%zu] is not at an "
					 "entry, or not in order",
					 i);
		log->configuration_count++;
	}
	return RK_OK;
}

enum rk_code
jlog_read(const json_t *object, const char *terms, rk_index base,
	  struct jlog *log, struct rk_error *err)
{
	enum rk_code rc = read_terms(object, terms, log, err);

	if (!rc)
		rc = read_sizes(object, log, err);
	if (!rc && base > LIMIT_NUMBER - log->count)
		rc = error_set(err, RK_USAGE, "indexes end at 2^53 - 1");
	if (!rc)
		rc = read_configurations(object, base, log, err);
	if (rc)
		jlog_close(log);
	return rc;
}
