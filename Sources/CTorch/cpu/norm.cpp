#include "arithmetic.h"
#include "cpu_kernels.h"

#include <numeric>

namespace ctorch::cpu {

namespace {

CT_KERNEL double sum_of_squares(const float *x, int64_t count) {
#pragma clang fp reassociate(on) contract(fast)
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    return sum;
}

}  // namespace

// In double precision over fixed blocks: LibTorch sums hundreds of millions of squares in float32, and in an order that
// depends on the number of threads.
std::vector<double> CPUKernels::square_sums(const at::Tensor &input) const {
    const auto x = input.detach().contiguous();
    std::vector<double> sums((x.numel() + square_block - 1) / square_block);
    parallel_rows(x.numel(), square_block, [&](int64_t first, int64_t last) {
        sums[first / square_block] = sum_of_squares(floats(x) + first, last - first);
    });
    return sums;
}

double CPUKernels::norm(const at::Tensor &input) const {
    const auto sums = square_sums(input);
    return std::sqrt(std::accumulate(sums.begin(), sums.end(), 0.0));
}

}  // namespace ctorch::cpu
