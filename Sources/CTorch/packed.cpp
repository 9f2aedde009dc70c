#include "kernels.h"

#include <ATen/ops/empty.h>
#include <cstring>

// A matrix product for few rows: the weight lies in panels of 16 outputs, input by input, so that it is read once and in
// order, while rows are read where they lie. Every output is one chain of additions along the inputs, so its bits do not
// depend on the number of rows, unlike those of a general matrix product.
namespace ctorch {

namespace {

constexpr int64_t panel_width = 16;
/// Inputs of a panel that stay in the first-level cache while rows pass by.
constexpr int64_t depth_block = 256;
/// Rows whose inputs stay in the second-level cache while panels pass by.
constexpr int64_t row_block = 192;
/// Panels that a thread takes at once.
constexpr int64_t panel_group = 4;

typedef float Lanes __attribute__((vector_size(panel_width * sizeof(float)), aligned(sizeof(float))));

/// `out += input x weights` for `Rows` rows and a panel.
template <int Rows>
CT_INLINE __attribute__((min_vector_width(512))) void tile(
    const float *input, int64_t inputs, const float *weights, int64_t depth, float *out, int64_t outputs) {
#pragma clang fp contract(fast)
    // Without the pragmas, or with taller tiles beside, compilers keep sums in memory, at half the speed.
    Lanes sums[Rows];
#pragma unroll
    for (int row = 0; row < Rows; row++) sums[row] = *reinterpret_cast<const Lanes *>(out + row * outputs);
    for (int64_t k = 0; k < depth; k++) {
        // Memory delivers the next block while this one is computed.
        __builtin_prefetch(weights + (k + depth_block) * panel_width);
        const Lanes weight = *reinterpret_cast<const Lanes *>(weights + k * panel_width);
#pragma unroll
        for (int row = 0; row < Rows; row++) sums[row] += input[row * inputs + k] * weight;
    }
#pragma unroll
    for (int row = 0; row < Rows; row++) *reinterpret_cast<Lanes *>(out + row * outputs) = sums[row];
}

/// The same for any number of rows, in tiles of nearly equal height that fit the registers.
CT_KERNEL void panel(
    const float *input, int64_t inputs, int64_t rows, const float *weights, int64_t depth, float *out, int64_t outputs,
    int64_t height) {
    const int64_t tiles = (rows + height - 1) / height;
    for (int64_t index = 0, row = 0; index < tiles; index++) {
        const int64_t count = (rows - row) / (tiles - index);
        const float *x = input + row * inputs;
        float *y = out + row * outputs;
        switch (count) {
            case 1: tile<1>(x, inputs, weights, depth, y, outputs); break;
            case 2: tile<2>(x, inputs, weights, depth, y, outputs); break;
            case 3: tile<3>(x, inputs, weights, depth, y, outputs); break;
            case 4: tile<4>(x, inputs, weights, depth, y, outputs); break;
            case 5: tile<5>(x, inputs, weights, depth, y, outputs); break;
            case 6: tile<6>(x, inputs, weights, depth, y, outputs); break;
            case 7: tile<7>(x, inputs, weights, depth, y, outputs); break;
            default: tile<8>(x, inputs, weights, depth, y, outputs); break;
        }
        row += count;
    }
}

/// Rows that the registers hold the sums of.
int64_t tile_height() {
#if defined(__x86_64__)
    static const bool wide = __builtin_cpu_supports("avx512f");
    return wide ? 8 : 6;
#else
    return 6;
#endif
}

int64_t panels(int64_t outputs) { return (outputs + panel_width - 1) / panel_width; }

at::Tensor pack(const at::Tensor &weight) {
    const int64_t outputs = weight.size(0), inputs = weight.size(1), count = panels(outputs);
    auto packed = at::empty({count, inputs, panel_width}, weight.options());
    const float *source = floats(weight);
    const int64_t row = weight.stride(0), column = weight.stride(1);
    parallel(count, [&](int64_t index) {
        float *target = mutable_floats(packed) + index * inputs * panel_width;
        const int64_t first = index * panel_width, width = std::min(panel_width, outputs - first);
        for (int64_t k = 0; k < inputs; k++, target += panel_width) {
            for (int64_t lane = 0; lane < width; lane++) target[lane] = source[(first + lane) * row + k * column];
            for (int64_t lane = width; lane < panel_width; lane++) target[lane] = 0;
        }
    });
    return packed;
}

/// `rows` rows times a panel, of which `width` outputs are real, plus `bias` if there is one.
void multiply(
    const float *input, int64_t inputs, int64_t rows, const float *weights, const float *bias, float *out,
    int64_t outputs, int64_t width) {
    // The lanes past the last output are computed all the same, beside the result.
    alignas(64) float partial[row_block * panel_width];
    float *target = width == panel_width ? out : partial;
    const int64_t stride = width == panel_width ? outputs : panel_width;
    for (int64_t row = 0; row < rows; row++) {
        for (int64_t lane = 0; lane < width; lane++) target[row * stride + lane] = bias ? bias[lane] : 0;
        for (int64_t lane = width; lane < panel_width; lane++) target[row * stride + lane] = 0;
    }
    for (int64_t k = 0; k < inputs; k += depth_block) {
        panel(
            input + k, inputs, rows, weights + k * panel_width, std::min(depth_block, inputs - k), target, stride,
            tile_height());
    }
    if (target == out) return;
    for (int64_t row = 0; row < rows; row++) {
        std::memcpy(out + row * outputs, partial + row * panel_width, width * sizeof(float));
    }
}

}  // namespace

}  // namespace ctorch

using namespace ctorch;

ct_status ct_pack(const ct_tensor *weight, ct_tensor **out) {
    return returning(out, [&] {
        const auto &w = weight->value;
        TORCH_CHECK(w.dim() == 2 && w.scalar_type() == at::kFloat, "packing a weight ", w.sizes(), w.scalar_type());
        return pack(w);
    });
}

ct_status ct_linear_packed(
    const ct_tensor *input, const ct_tensor *packed, int64_t outputs, const ct_tensor *bias, ct_tensor **out) {
    return returning(out, [&] {
        const auto x = checked(input->value, 2, "input"), weights = checked(packed->value, 3, "packed weight");
        const int64_t rows = x.size(0), inputs = x.size(1), count = panels(outputs);
        TORCH_CHECK(
            weights.size(0) == count && weights.size(1) == inputs, "input ", x.sizes(), " by a packed weight of ",
            outputs, " x ", weights.size(1));
        at::Tensor start;
        if (bias) start = checked(bias->value, 1, "bias");
        TORCH_CHECK(!bias || start.size(0) == outputs, "a bias of ", start.size(0), " for ", outputs, " outputs");
        auto result = at::empty({rows, outputs}, x.options());
        const int64_t groups = (count + panel_group - 1) / panel_group, blocks = (rows + row_block - 1) / row_block;
        parallel(groups * blocks, [&](int64_t unit) {
            const int64_t first = unit / groups * row_block, group = unit % groups * panel_group;
            const int64_t size = std::min(row_block, rows - first);
            for (int64_t index = group; index < std::min(count, group + panel_group); index++) {
                const int64_t column = index * panel_width;
                multiply(
                    floats(x) + first * inputs, inputs, size, floats(weights) + index * inputs * panel_width,
                    bias ? floats(start) + column : nullptr, mutable_floats(result) + first * outputs + column,
                    outputs, std::min(panel_width, outputs - column));
            }
        });
        return result;
    });
}
