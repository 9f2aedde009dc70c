// What every source file of the shim shares: the handle, and the one exception boundary.
#pragma once

#include "ctorch.h"

#include <ATen/core/Tensor.h>
#include <exception>
#include <string>
#include <utility>
#include <vector>

struct ct_tensor {
    at::Tensor value;
};

namespace ctorch {

/// An operand that may be NULL; then the tensor is undefined.
inline at::Tensor optional(const ct_tensor *tensor) { return tensor ? tensor->value : at::Tensor(); }

using Tensors = std::vector<at::Tensor>;

void set_last_error(const char *message) noexcept;

/// Runs `body` and turns whatever it throws into a status and a message.
template <typename Body>
ct_status guarded(Body &&body) noexcept {
    try {
        body();
        return 0;
    } catch (const std::exception &error) {
        set_last_error(error.what());
    } catch (...) {
        set_last_error("an exception of unknown type");
    }
    return 1;
}

/// Runs `body`, which gives a tensor, and hands it out.
template <typename Body>
ct_status returning(ct_tensor **out, Body &&body) noexcept {
    return guarded([&] { *out = new ct_tensor{body()}; });
}

inline at::IntArrayRef sizes(const int64_t *shape, size_t rank) { return {shape, rank}; }

/// Where and of what type a tensor is made.
at::TensorOptions options(ct_placement placement);

/// Whether this process computes on a card.
bool uses_cuda() noexcept;

/// The folder of the LibTorch that was loaded.
std::string library_folder();

/// `count` floats of the CPU in memory of their own: in large pages, where the system has them, and given back when freed.
at::Tensor empty_large(int64_t count);

/// Runs `body(index)` for every index below `count` on LibTorch's own OpenMP threads, handing indices out one by one.
/// What `body` computes must not depend on who runs it. Returns how many threads took part.
int parallel(int64_t count, void (*body)(void *, int64_t), void *context);

template <typename Body>
int parallel(int64_t count, Body &&body) {
    using Function = std::remove_reference_t<Body>;
    return parallel(
        count, [](void *context, int64_t index) { (*static_cast<Function *>(context))(index); },
        const_cast<void *>(static_cast<const void *>(&body)));
}

/// Splits `rows` into blocks of at least `grain` and runs `body(first, last)` for each in parallel.
template <typename Body>
void parallel_rows(int64_t rows, int64_t grain, Body &&body) {
    const int64_t blocks = (rows + grain - 1) / grain;
    parallel(blocks, [&](int64_t block) {
        body(block * grain, std::min(rows, (block + 1) * grain));
    });
}

}  // namespace ctorch

// Compiles a kernel for each instruction set worth having; the loader picks one. Swift's builds target baseline x86-64.
#if defined(__x86_64__)
#define CT_KERNEL __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CT_KERNEL
#endif
