/* line_time.c - the time in a line, as people write it.
 *
 * Days are counted in years that begin in March, so that the leap day is the
 * year's last and months' lengths follow one formula. */

#include <string.h>

#include "base/line.h"

#define DAY_MS UINT64_C(86400000)

/* 9999-12-31T23:59:59.999Z */
#define LAST_MS UINT64_C(253402300799999)

/* From 0000-03-01 to 1970-01-01. */
#define EPOCH_DAYS 719468U

/* In 400, 100 and 4 years. */
#define ERA_DAYS      146097U
#define CENTURY_DAYS  36524U
#define OLYMPIAD_DAYS 1461U

static void
put_digits(char *to, unsigned int n, int count)
{
	while (count-- > 0) {
		to[count] = (char)('0' + n % 10);
		n /= 10;
	}
}

static void
put_date(char *text, uint32_t days)
{
	uint32_t era = days / ERA_DAYS;
	uint32_t in_era = days % ERA_DAYS;
	uint32_t year = (in_era - in_era / (OLYMPIAD_DAYS - 1) +
			 in_era / CENTURY_DAYS - in_era / (ERA_DAYS - 1)) /
			365;
	uint32_t in_year = in_era - (365 * year + year / 4 - year / 100);
	uint32_t month = (5 * in_year + 2) / 153; /* 0 is March. */

	put_digits(text + 8, in_year - (153 * month + 2) / 5 + 1, 2);
	year += 400 * era + (month >= 10);
	month = month < 10 ? month + 3 : month - 9;
	put_digits(text, year, 4);
	put_digits(text + 5, month, 2);
}

void
line_format_time(uint64_t time_ms, char text[25])
{
	uint32_t in_day_ms;

	if (time_ms > LAST_MS)
		time_ms = LAST_MS;
	in_day_ms = (uint32_t)(time_ms % DAY_MS);
	memcpy(text, "0000-00-00T00:00:00.000Z", 25);
	put_date(text, (uint32_t)(time_ms / DAY_MS) + EPOCH_DAYS);
	put_digits(text + 11, in_day_ms / 3600000, 2);
	put_digits(text + 14, in_day_ms / 60000 % 60, 2);
	put_digits(text + 17, in_day_ms / 1000 % 60, 2);
	put_digits(text + 20, in_day_ms % 1000, 3);
}

/* Sets `*bad` unless all are digits. */
static uint32_t
get_digits(const char *text, int count, bool *bad)
{
	uint32_t n = 0;
	unsigned int c;
	int i;

	for (i = 0; i < count; i++) {
		c = (unsigned char)text[i] - (unsigned int)'0';
		*bad |= c > 9;
		n = n * 10 + c;
	}
	return n;
}

static uint32_t
days_in_month(uint32_t year, uint32_t month)
{
	static const uint8_t days[13] = {0,  31, 28, 31, 30, 31, 30,
					 31, 31, 30, 31, 30, 31};
	bool leaps = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month] + (month == 2 && leaps ? 1U : 0U);
}

/* Since 1970-01-01. */
static uint32_t
days_of(uint32_t year, uint32_t month, uint32_t day)
{
	uint32_t in_year;

	if (month <= 2)
		year--;
	month = month > 2 ? month - 3 : month + 9;
	in_year = (153 * month + 2) / 5 + day - 1;
	return year * 365 + year / 4 - year / 100 + year / 400 + in_year -
	       EPOCH_DAYS;
}

bool
line_parse_time(const char *text, size_t len, uint64_t *time_ms)
{
	bool bad = false;
	uint32_t year;
	uint32_t month;
	uint32_t day;
	uint32_t hour;
	uint32_t minute;
	uint32_t ms; /* In the minute. */

	if (len != 24 || text[4] != '-' || text[7] != '-' || text[10] != 'T' ||
	    text[13] != ':' || text[16] != ':' || text[19] != '.' ||
	    text[23] != 'Z')
		return false;
	year = get_digits(text, 4, &bad);
	month = get_digits(text + 5, 2, &bad);
	day = get_digits(text + 8, 2, &bad);
	hour = get_digits(text + 11, 2, &bad);
	minute = get_digits(text + 14, 2, &bad);
	ms = get_digits(text + 17, 2, &bad) * 1000 +
	     get_digits(text + 20, 3, &bad);
	if (bad || year < 1970 || month < 1 || month > 12 || day < 1 ||
	    day > days_in_month(year, month) || hour > 23 || minute > 59 ||
	    ms > 59999)
		return false;
	*time_ms = days_of(year, month, day) * DAY_MS +
		   (hour * 60 + minute) * UINT64_C(60000) + ms;
	return true;
}
