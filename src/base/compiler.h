/* Owns every compiler extension that the library uses. */
#ifndef REELS_SRC_BASE_COMPILER_H
#define REELS_SRC_BASE_COMPILER_H

#if defined(__GNUC__) || defined(__clang__)
#define REELS__PRINTF(format_index, first_arg)                                                     \
    __attribute__((format(printf, format_index, first_arg)))
#define REELS__TRAP_NOW() __builtin_trap()
/* For functions with a large frame: kept out of their callers' frames. */
#define REELS__NOINLINE __attribute__((noinline))
#else
#define REELS__PRINTF(format_index, first_arg)
#define REELS__TRAP_NOW() ((void)0)
#define REELS__NOINLINE
#endif

#ifdef REELS_DEBUG
#define REELS__TRAP() REELS__TRAP_NOW()
#else
#define REELS__TRAP() ((void)0)
#endif

#define REELS__COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
