/* Owns the macros that decorate declarations. They all vanish under -DREELS_CDEF, so that the
 * declarations that are left are plain C that cffi can parse. */
#ifndef REELS_BASE_API_H
#define REELS_BASE_API_H

#ifdef REELS_CDEF
#define REELS_API
#define REELS_DEPRECATED(msg)
#define REELS_BEGIN_DECLS
#define REELS_END_DECLS
#else
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__) || defined(__clang__)
#define REELS_API __attribute__((visibility("default")))
#else
#define REELS_API
#endif

#if defined(REELS_NO_DEPRECATION_WARNINGS) || !(defined(__GNUC__) || defined(__clang__))
#define REELS_DEPRECATED(msg)
#else
#define REELS_DEPRECATED(msg) __attribute__((deprecated(msg)))
#endif

#ifdef __cplusplus
#define REELS_BEGIN_DECLS extern "C" {
#define REELS_END_DECLS }
#else
#define REELS_BEGIN_DECLS
#define REELS_END_DECLS
#endif
#endif

#endif
