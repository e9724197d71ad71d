/* cmd_time.c - moments on a command line: RFC 3339, or so long ago. */

#include "cmd.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

#define MINUTE_MS 60000

/* `Z`, `+01:00` or `-01:00`, and nothing behind; as milliseconds that the
 * place is ahead. */
static bool
parse_zone(const char *p, int64_t *ahead_ms)
{
	int hours, minutes;

	*ahead_ms = 0;
	if (*p == 'Z' || *p == 'z')
		return p[1] == '\0';
	if (strlen(p) != 6 || (p[0] != '+' && p[0] != '-') || p[3] != ':' ||
	    strspn(p + 1, "0123456789") != 2 ||
	    strspn(p + 4, "0123456789") != 2)
		return false;
	hours = (p[1] - '0') * 10 + p[2] - '0';
	minutes = (p[4] - '0') * 10 + p[5] - '0';
	*ahead_ms = (int64_t)(hours * 60 + minutes) * MINUTE_MS;
	if (p[0] == '-')
		*ahead_ms = -*ahead_ms;
	return hours < 24 && minutes < 60;
}

/* `.5` and the like, if it is there; what is below milliseconds is cut. */
static const char *
parse_fraction(const char *p, int64_t *ms)
{
	int64_t unit = 100;

	*ms = 0;
	if (*p != '.' || !isdigit((unsigned char)p[1]))
		return p;
	for (p++; isdigit((unsigned char)*p); p++, unit /= 10)
		*ms += (*p - '0') * unit;
	return p;
}

static bool
parse_date(const char *text, uint64_t *time_ms)
{
	struct tm tm = {.tm_isdst = 0}, given;
	int64_t fraction_ms, ahead_ms, ms;
	const char *p;

	p = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (p == NULL)
		return false;
	given = tm;
	ms = (int64_t)timegm(&tm) * 1000;
	/* timegm() makes March of the 30th of February. */
	if (tm.tm_mday != given.tm_mday || tm.tm_sec != given.tm_sec ||
	    !parse_zone(parse_fraction(p, &fraction_ms), &ahead_ms))
		return false;
	ms += fraction_ms - ahead_ms;
	*time_ms = (uint64_t)ms;
	return ms > 0;
}

uint64_t
cmd_time_ms(const struct cmd *c, const char *what, const char *text)
{
	struct timespec now;
	uint64_t time_ms, ago_ms, now_ms;

	if (strchr(text, '-') != NULL) {
		if (!parse_date(text, &time_ms))
			cmd_usage(c,
				  "%s: '%s' is no time such as "
				  "2026-11-23T07:12:13Z",
				  what, text);
		return time_ms;
	}
	ago_ms = cmd_duration_ms(c, what, text);
	clock_gettime(CLOCK_REALTIME, &now);
	now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	return ago_ms < now_ms ? now_ms - ago_ms : 1;
}
