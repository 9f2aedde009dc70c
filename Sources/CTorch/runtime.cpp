#include "internal.h"

#include <ATen/DeviceAccelerator.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <dlfcn.h>
#include <malloc.h>
#include <torch/version.h>

namespace ctorch {

static thread_local std::string last_error;

void set_last_error(const char *message) noexcept {
    try {
        // LibTorch appends a backtrace; the first line says what happened.
        last_error = message;
        if (const auto end = last_error.find("\nException raised from"); end != std::string::npos) last_error.resize(end);
    } catch (...) {
        last_error.clear();
    }
}

}  // namespace ctorch

const char *ct_last_error(void) { return ctorch::last_error.c_str(); }

const char *ct_version(void) { return TORCH_VERSION; }

const char *ct_loaded_version(void) {
    static const std::string version = [] {
        // Its settings tell it too, but to list them LibTorch looks for CUDA, which may not be loaded yet.
        const auto packed = reinterpret_cast<uint64_t (*)()>(dlsym(RTLD_DEFAULT, "aoti_torch_abi_version"));
        if (packed == nullptr) return std::string();
        const auto part = [number = packed()](int shift) { return std::to_string(number >> shift & 0xff); };
        return part(56) + "." + part(48) + "." + part(40);
    }();
    return version.c_str();
}

void ct_retain_freed_memory(void) {
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, -1);
    mallopt(M_TOP_PAD, 64 << 20);
}

void ct_release_freed_memory(void) {
    malloc_trim(0);
    if (ctorch::uses_cuda()) (void)ctorch::guarded([] { at::accelerator::emptyCache(); });
}

void ct_set_thread_count(int32_t count) {
    (void)ctorch::guarded([&] { at::set_num_threads(count); });
}

int32_t ct_thread_count(void) { return at::get_num_threads(); }

bool ct_set_gradient_enabled(bool enabled) {
    const bool before = at::GradMode::is_enabled();
    at::GradMode::set_enabled(enabled);
    return before;
}
