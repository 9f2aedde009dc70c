// Kernels that are compiled where they run, by NVRTC, which comes with LibTorch for CUDA: no compiler of NVIDIA's is needed to
// build this library, and no header of CUDA's.
#pragma once

#include "../internal.h"

#include <initializer_list>

namespace ctorch::cuda {

/// A kernel for numbers of one type; it does not exist where NVRTC is not there.
class CompiledKernel {
public:
    /// The kernel of this name for numbers of `type`, float32 or bfloat16, on the process's card.
    static CompiledKernel named(const char *name, at::ScalarType type);

    explicit operator bool() const { return function != nullptr; }

    /// Runs it on the current stream, with pointers to its arguments.
    void operator()(int64_t blocks, int64_t threads, std::initializer_list<const void *> arguments) const;

    /// The same with a thread for each of `count` numbers.
    void for_each(int64_t count, std::initializer_list<const void *> arguments) const {
        if (count > 0) (*this)((count + 255) / 256, 256, arguments);
    }

private:
    void *function = nullptr;
};

/// What the kernels are written in: C++ as NVRTC takes it.
extern const char *const kernel_source;

}  // namespace ctorch::cuda
