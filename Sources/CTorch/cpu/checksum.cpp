#include "../checksum.h"
#include "arithmetic.h"
#include "cpu_kernels.h"

namespace ctorch::cpu {

namespace {

constexpr int64_t lanes = checksum_lanes;

/// The sums of the numbers' bits in each lane, and the sums of those so far.
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
    return checksum_of_lanes(sums, sums_of_sums);
}

}  // namespace

uint64_t CPUKernels::checksum(const at::Tensor &input) const {
    const auto x = input.detach().contiguous();
    std::vector<uint64_t> sums((x.numel() + checksum_block - 1) / checksum_block);
    parallel_rows(x.numel(), checksum_block, [&](int64_t first, int64_t last) {
        sums[first / checksum_block] = block_checksum(floats(x) + first, last - first);
    });
    return checksum_of_blocks(x.numel(), sums);
}

}  // namespace ctorch::cpu
