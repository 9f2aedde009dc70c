// Products of few rows with panels of 16 outputs, input by input: a panel is read once and in order, rows are read where they
// lie, and sums stay in registers. Every output is one chain of additions along the inputs, so its bits do not depend on
// the number of rows, unlike those of a general matrix product.
#pragma once

#include "kernels.h"

namespace ctorch {

constexpr int64_t panel_width = 16;
/// Inputs of a panel that stay in the first-level cache while rows pass by.
constexpr int64_t depth_block = 256;

typedef float Lanes __attribute__((vector_size(panel_width * sizeof(float)), aligned(sizeof(float))));

inline int64_t panels(int64_t outputs) { return (outputs + panel_width - 1) / panel_width; }

/// `out += input x panel` for `Rows` rows.
template <int Rows>
CT_INLINE __attribute__((min_vector_width(512))) void tile(
    const float *input, int64_t inputs, const float *panel, int64_t depth, float *out, int64_t outputs) {
#pragma clang fp contract(fast)
    // Without the pragmas, or with taller tiles beside, compilers keep sums in memory, at half the speed.
    Lanes sums[Rows];
#pragma unroll
    for (int row = 0; row < Rows; row++) sums[row] = *reinterpret_cast<const Lanes *>(out + row * outputs);
    for (int64_t k = 0; k < depth; k++) {
        // Memory delivers the next block while this one is computed.
        __builtin_prefetch(panel + (k + depth_block) * panel_width);
        const Lanes lanes = *reinterpret_cast<const Lanes *>(panel + k * panel_width);
#pragma unroll
        for (int row = 0; row < Rows; row++) sums[row] += input[row * inputs + k] * lanes;
    }
#pragma unroll
    for (int row = 0; row < Rows; row++) *reinterpret_cast<Lanes *>(out + row * outputs) = sums[row];
}

/// The same for any number of rows, in tiles of nearly equal height that is at most `height`.
CT_INLINE void tiles(
    const float *input, int64_t inputs, int64_t rows, const float *panel, int64_t depth, float *out, int64_t outputs,
    int64_t height) {
    const int64_t count = (rows + height - 1) / height;
    for (int64_t index = 0, row = 0; index < count; index++) {
        const int64_t size = (rows - row) / (count - index);
        const float *x = input + row * inputs;
        float *y = out + row * outputs;
        switch (size) {
            case 1: tile<1>(x, inputs, panel, depth, y, outputs); break;
            case 2: tile<2>(x, inputs, panel, depth, y, outputs); break;
            case 3: tile<3>(x, inputs, panel, depth, y, outputs); break;
            case 4: tile<4>(x, inputs, panel, depth, y, outputs); break;
            case 5: tile<5>(x, inputs, panel, depth, y, outputs); break;
            case 6: tile<6>(x, inputs, panel, depth, y, outputs); break;
            case 7: tile<7>(x, inputs, panel, depth, y, outputs); break;
            default: tile<8>(x, inputs, panel, depth, y, outputs); break;
        }
        row += size;
    }
}

/// Rows that the registers hold the sums of.
inline int64_t tile_height() {
#if defined(__x86_64__)
    static const bool wide = __builtin_cpu_supports("avx512f");
    return wide ? 8 : 6;
#else
    return 6;
#endif
}

}  // namespace ctorch
