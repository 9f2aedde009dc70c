// What mpo needs of Arrow's C++ libraries, in C: the rows of Parquet and Arrow files as JSON text.
//
// The functions live in libmpo-arrow.so, which `launch/setup --arrow` builds from reader/ and which is loaded when the first
// such file is read. A program that includes this header neither links Arrow nor needs it to start.
//
// Every function returns 0, or another number with a message in `error()`; results are left as they were on failure.
#ifndef CARROW_H
#define CARROW_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Changes with anything below, so that a library of another version is told from this one.
#define CARROW_VERSION 1

typedef enum { CARROW_PARQUET, CARROW_FILE, CARROW_STREAM } carrow_format;

// A file that is being read; used by one thread at a time.
typedef struct carrow_reader carrow_reader;

// Rows as JSON objects, one behind the other: row i ends at ends[i] and begins where the one before it ends. Valid until the
// next call on their reader.
typedef struct {
    const char *text;
    const size_t *ends;
    size_t count;
} carrow_rows;

typedef struct {
    // Of the calling thread's last failure.
    const char *(*error)(void);
    int32_t (*open)(const char *path, carrow_format format, carrow_reader **result);
    // Reads on; no rows at the end of the file. A call takes memory for some megabytes of rows, whatever the file's size.
    int32_t (*next)(carrow_reader *reader, carrow_rows *result);
    // NULL is let through.
    void (*close)(carrow_reader *reader);
} carrow_functions;

// The type of the library's one symbol, `carrow_functions_of`: NULL where its version is another than the one asked for.
typedef const carrow_functions *(*carrow_entry)(int32_t version);

#ifdef __cplusplus
}
#endif

#endif
