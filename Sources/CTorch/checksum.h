// What a checksum is made of, whoever computes the sums.
#pragma once

#include <cstdint>
#include <vector>

namespace ctorch {

/// Numbers that are summed up together, by themselves; and how many sums run side by side.
constexpr int64_t checksum_block = 1 << 18, checksum_lanes = 32;

/// A bijection in which every bit of the result depends on all of `x` (the finalizer of SplitMix64).
inline uint64_t mixed(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/// Of a block: Fletcher's sums of the numbers' bits in each lane. The sum of the sums so far tells orders apart.
inline uint64_t checksum_of_lanes(const uint64_t *sums, const uint64_t *sums_of_sums) {
    uint64_t result = 0;
    for (int64_t lane = 0; lane < checksum_lanes; lane++) {
        result = mixed(mixed(result + sums[lane]) + sums_of_sums[lane]);
    }
    return result;
}

/// Of `count` numbers, from the checksums of their blocks.
inline uint64_t checksum_of_blocks(int64_t count, const std::vector<uint64_t> &blocks) {
    auto result = static_cast<uint64_t>(count);
    for (const auto block : blocks) result = mixed(result + block);
    return result;
}

}  // namespace ctorch
