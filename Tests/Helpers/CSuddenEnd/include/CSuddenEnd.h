#ifndef CSUDDENEND_H
#define CSUDDENEND_H

#include <stdbool.h>

/// Goes on as a child process, where it returns true; in the parent it waits for the child's end and returns false.
bool sudden_end_child(void);

/// Has the process killed (SIGKILL) at a place of its writing: so many bytes and changes of directories (renames, removals,
/// flushes, each counted like a byte) from now.
void sudden_end_after(long count);

/// Bytes and changes since the last call of `sudden_end_after`.
long sudden_end_count(void);

#endif
