#include "internal.h"

#include <ATen/Parallel.h>
#include <algorithm>
#include <atomic>
#include <dlfcn.h>

// LibTorch's `at::parallel_for` is inline and runs on one thread when its caller is compiled without OpenMP, as here.
// The OpenMP runtime that LibTorch brought is in the process already, so its threads are reached by its entry point;
// linking a second runtime would double the threads.
namespace ctorch {

namespace {

using OpenMPParallel = void (*)(void (*)(void *), void *, unsigned, unsigned);

struct Work {
    std::atomic<int64_t> next{0};
    std::atomic<int> threads{0};
    int64_t count;
    void (*body)(void *, int64_t);
    void *context;
    std::exception_ptr error;
    std::atomic_flag failed = ATOMIC_FLAG_INIT;
};

void run(void *opaque) {
    auto &work = *static_cast<Work *>(opaque);
    bool took_part = false;
    for (int64_t index; (index = work.next.fetch_add(1, std::memory_order_relaxed)) < work.count;) {
        if (!took_part) {
            took_part = true;
            work.threads.fetch_add(1, std::memory_order_relaxed);
        }
        try {
            work.body(work.context, index);
        } catch (...) {
            if (!work.failed.test_and_set()) work.error = std::current_exception();
        }
    }
}

}  // namespace

static OpenMPParallel openmp_parallel() {
    static const auto entry = reinterpret_cast<OpenMPParallel>(dlsym(RTLD_DEFAULT, "GOMP_parallel"));
    return entry;
}

int parallel(int64_t count, void (*body)(void *, int64_t), void *context) {
    const auto openmp = openmp_parallel();
    Work work;
    work.count = count;
    work.body = body;
    work.context = context;
    const int64_t threads = std::min<int64_t>(at::get_num_threads(), count);
    if (openmp != nullptr && threads > 1) {
        openmp(run, &work, static_cast<unsigned>(threads), 0);
    } else {
        run(&work);
    }
    if (work.error) std::rethrow_exception(work.error);
    return work.threads.load();
}

}  // namespace ctorch

bool ct_finds_threads(void) { return ctorch::openmp_parallel() != nullptr; }

int32_t ct_parallel(int64_t count, void (*body)(void *, int64_t), void *context) {
    int32_t threads = 0;
    (void)ctorch::guarded([&] { threads = ctorch::parallel(count, body, context); });
    return threads;
}
