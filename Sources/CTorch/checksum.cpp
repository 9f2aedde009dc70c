#include "kernels.h"

namespace ctorch {

namespace {

/// Numbers that are summed up together, by themselves; and how many sums run side by side.
constexpr int64_t block = 1 << 18, lanes = 32;

/// A bijection in which every bit of the result depends on all of `x` (the finalizer of SplitMix64).
CT_INLINE uint64_t mixed(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/// Fletcher's sums of the numbers' bits: the sum of the sums so far tells orders apart.
CT_KERNEL uint64_t block_checksum(const float *x, int64_t count) {
    uint64_t sums[lanes] = {}, sums_of_sums[lanes] = {};
    int64_t i = 0;
    for (; i + lanes <= count; i += lanes) {
        for (int64_t lane = 0; lane < lanes; lane++) {
            sums[lane] += std::bit_cast<uint32_t>(x[i + lane]);
            sums_of_sums[lane] += sums[lane];
        }
    }
    for (int64_t lane = 0; i < count; i++, lane++) {
        sums[lane] += std::bit_cast<uint32_t>(x[i]);
        sums_of_sums[lane] += sums[lane];
    }
    uint64_t result = 0;
    for (int64_t lane = 0; lane < lanes; lane++) result = mixed(mixed(result + sums[lane]) + sums_of_sums[lane]);
    return result;
}

}  // namespace

}  // namespace ctorch

ct_status ct_checksum(const ct_tensor *input, uint64_t *out) {
    using namespace ctorch;
    return guarded([&] {
        const auto x = input->value.detach().contiguous();
        TORCH_CHECK(x.scalar_type() == at::kFloat, "a checksum of ", x.scalar_type());
        std::vector<uint64_t> sums((x.numel() + block - 1) / block);
        parallel_rows(x.numel(), block, [&](int64_t first, int64_t last) {
            sums[first / block] = block_checksum(floats(x) + first, last - first);
        });
        uint64_t result = static_cast<uint64_t>(x.numel());
        for (const auto sum : sums) result = mixed(result + sum);
        *out = result;
    });
}
