#ifndef COPENMPI_H
#define COPENMPI_H

#include <mpi.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

// Open MPI's predefined handles are macros with casts, which Swift does not import.

static inline MPI_Comm mpo_comm_world(void) { return MPI_COMM_WORLD; }
static inline MPI_Comm mpo_comm_null(void) { return MPI_COMM_NULL; }
static inline MPI_Info mpo_info_null(void) { return MPI_INFO_NULL; }
static inline MPI_Errhandler mpo_errors_return(void) { return MPI_ERRORS_RETURN; }
static inline MPI_Request mpo_request_null(void) { return MPI_REQUEST_NULL; }
static inline void *mpo_in_place(void) { return MPI_IN_PLACE; }

static inline MPI_Datatype mpo_byte(void) { return MPI_BYTE; }
static inline MPI_Datatype mpo_uint8(void) { return MPI_UINT8_T; }
static inline MPI_Datatype mpo_int32(void) { return MPI_INT32_T; }
static inline MPI_Datatype mpo_int64(void) { return MPI_INT64_T; }
static inline MPI_Datatype mpo_float(void) { return MPI_FLOAT; }
static inline MPI_Datatype mpo_double(void) { return MPI_DOUBLE; }

static inline MPI_Op mpo_sum(void) { return MPI_SUM; }
static inline MPI_Op mpo_min(void) { return MPI_MIN; }
static inline MPI_Op mpo_max(void) { return MPI_MAX; }

static inline int mpo_any_source(void) { return MPI_ANY_SOURCE; }
static inline int mpo_any_tag(void) { return MPI_ANY_TAG; }
static inline int mpo_undefined(void) { return MPI_UNDEFINED; }
static inline int mpo_success(void) { return MPI_SUCCESS; }
static inline int mpo_thread_serialized(void) { return MPI_THREAD_SERIALIZED; }
static inline int mpo_type_shared(void) { return MPI_COMM_TYPE_SHARED; }

// The calling process's affinity mask; returns the bytes the kernel wrote, or -1. Swift's glibc module leaves it out.
static inline long mpo_affinity_mask(void *mask, size_t size) { return syscall(SYS_sched_getaffinity, 0, size, mask); }

#endif
