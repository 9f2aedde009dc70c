#include "panels.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <cstring>

// A matrix product for few rows, by a weight that lies in panels.
namespace ctorch {

namespace {

/// Rows whose inputs stay in the second-level cache while panels pass by.
constexpr int64_t row_block = 192;
/// Panels that a thread takes at once, unless that leaves threads without work.
constexpr int64_t panel_group = 4;

CT_KERNEL void panel(
    const float *input, int64_t inputs, int64_t rows, const float *weights, int64_t depth, float *out, int64_t outputs,
    int64_t height) {
    tiles(input, inputs, rows, weights, depth, out, outputs, height);
}

void pack(const at::Tensor &weight, float *packed) {
    const int64_t outputs = weight.size(0), inputs = weight.size(1);
    const float *source = floats(weight);
    const int64_t row = weight.stride(0), column = weight.stride(1);
    parallel(panels(outputs), [&](int64_t index) {
        float *target = packed + index * inputs * panel_width;
        const int64_t first = index * panel_width, width = std::min(panel_width, outputs - first);
        for (int64_t k = 0; k < inputs; k++, target += panel_width) {
            for (int64_t lane = 0; lane < width; lane++) target[lane] = source[(first + lane) * row + k * column];
            for (int64_t lane = width; lane < panel_width; lane++) target[lane] = 0;
        }
    });
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

ct_status ct_pack(const ct_tensor *weight, ct_tensor *packed) {
    return guarded([&] {
        const auto &w = weight->value;
        TORCH_CHECK(w.dim() == 2 && w.scalar_type() == at::kFloat, "packing a weight ", w.sizes(), w.scalar_type());
        TORCH_CHECK(
            packed->value.is_contiguous() &&
                packed->value.sizes() == at::IntArrayRef({panels(w.size(0)), w.size(1), panel_width}),
            "packing a weight ", w.sizes(), " into ", packed->value.sizes());
        pack(w, mutable_floats(packed->value));
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
        const int64_t share = std::clamp<int64_t>(count / (8 * at::get_num_threads()), 1, panel_group);
        const int64_t groups = (count + share - 1) / share, blocks = (rows + row_block - 1) / row_block;
        parallel(groups * blocks, [&](int64_t unit) {
            const int64_t first = unit / groups * row_block, group = unit % groups * share;
            const int64_t size = std::min(row_block, rows - first);
            for (int64_t index = group; index < std::min(count, group + share); index++) {
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
