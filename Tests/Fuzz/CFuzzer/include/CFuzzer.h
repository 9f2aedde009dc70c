#ifndef CFUZZER_H
#define CFUZZER_H

#include <stddef.h>
#include <stdint.h>

/// libFuzzer's loop, for a program with a `main` of its own: mutates inputs and calls `test` with each.
/// <https://llvm.org/docs/LibFuzzer.html#using-libfuzzer-as-a-library>
int LLVMFuzzerRunDriver(int *count, char ***arguments, int (*test)(const uint8_t *bytes, size_t length));

#endif
