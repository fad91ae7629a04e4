/* Owns the defaults that stand behind the hooks of a context: libc's memory, the system's clocks
 * and random source, and POSIX files. Constant tables; none keeps state. */
#ifndef REELS_SRC_BASE_SYSTEM_H
#define REELS_SRC_BASE_SYSTEM_H

#include <reels/base.h>

extern const reels_allocator reels__allocator_system; /* mem.c */
extern const reels_clock reels__clock_system;         /* system.c */
extern const reels_random reels__random_system;       /* system.c */
extern const reels_fs reels__fs_posix;                /* fs_posix.c */

#endif
