/* error.h - make an error once, where errno is fresh, and wrap it outward. */

#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "raftkit.h"

/* Fill `err`, clear its hint; returns `code`, which is not RK_OK. */
enum rk_code error_set(struct rk_error *err, enum rk_code code,
		       const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Put "what: " before the text; returns err->code. */
enum rk_code error_wrap(struct rk_error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Say what to do about it; returns err->code. */
enum rk_code error_hint(struct rk_error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif /* BASE_ERROR_H */
