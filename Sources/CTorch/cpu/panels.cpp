#include "panels.h"

#include <cstring>

namespace ctorch::cpu {

namespace {

/// How rows lie, and whether the product is added.
enum class Form { sets, adds, adds_transposed };

/// `Count` rows of a product. Fetches a line of `ahead` for every `Every` inputs, if not for 0.
template <Form form, int Every, int Count>
CT_INLINE __attribute__((min_vector_width(512))) void tile(
    const float *rows, int64_t stride, const float *panel, int64_t depth, float *out, int64_t outputs,
    const float *ahead) {
#pragma clang fp contract(fast)
    // Without the pragmas, or with other loops in the same kernel, compilers keep sums in memory, at half the speed.
    Lanes sums[Count];
#pragma unroll
    for (int i = 0; i < Count; i++) sums[i] = Lanes{};
    // Counting and addressing would take a fifth of the time.
#pragma clang loop unroll_count(4)
    for (int64_t k = 0; k < depth; k++) {
        if constexpr (Every > 0) {
            if (k % Every == 0) __builtin_prefetch(ahead + k / Every * panel_width);
        }
        const Lanes lanes = *reinterpret_cast<const Lanes *>(panel + k * panel_width);
#pragma unroll
        for (int i = 0; i < Count; i++) {
            sums[i] += rows[form == Form::adds_transposed ? k * stride + i : i * stride + k] * lanes;
        }
    }
#pragma unroll
    for (int i = 0; i < Count; i++) {
        auto &place = *reinterpret_cast<Lanes *>(out + i * outputs);
        place = form == Form::sets ? sums[i] : place + sums[i];
    }
}

template <Form form, int Every>
CT_INLINE void tile_of(
    int64_t count, const float *rows, int64_t stride, const float *panel, int64_t depth, float *out, int64_t outputs,
    const float *ahead) {
    switch (count) {
        case 1: tile<form, Every, 1>(rows, stride, panel, depth, out, outputs, ahead); break;
        case 2: tile<form, Every, 2>(rows, stride, panel, depth, out, outputs, ahead); break;
        case 3: tile<form, Every, 3>(rows, stride, panel, depth, out, outputs, ahead); break;
        case 4: tile<form, Every, 4>(rows, stride, panel, depth, out, outputs, ahead); break;
        case 5: tile<form, Every, 5>(rows, stride, panel, depth, out, outputs, ahead); break;
        case 6: tile<form, Every, 6>(rows, stride, panel, depth, out, outputs, ahead); break;
        case 7: tile<form, Every, 7>(rows, stride, panel, depth, out, outputs, ahead); break;
        default: tile<form, Every, 8>(rows, stride, panel, depth, out, outputs, ahead); break;
    }
}

/// How many tiles of a block fetch the next one from memory, a part each: what one alone would wait for, several hide.
template <Form form>
CT_INLINE int64_t fetching(int64_t tiles) {
    if (form != Form::adds) return 0;
    return tiles < 2 ? tiles : tiles < 4 ? 2 : 4;
}

/// Any number of rows, in tiles of nearly equal height that is at most `height`.
template <Form form>
CT_INLINE void tiles(
    const float *rows, int64_t stride, int64_t count, const float *panel, int64_t depth, float *out, int64_t outputs,
    int64_t height) {
    const int64_t number = (count + height - 1) / height, parts = fetching<form>(number);
    for (int64_t index = 0, row = 0; index < number; index++) {
        const int64_t size = (count - row) / (number - index);
        const float *x = rows + (form == Form::adds_transposed ? row : row * stride);
        float *y = out + row * outputs;
        const float *ahead = panel + (depth_block + (index < parts ? index * depth / parts : 0)) * panel_width;
        switch (index < parts ? parts : 0) {
            case 1: tile_of<form, 1>(size, x, stride, panel, depth, y, outputs, ahead); break;
            case 2: tile_of<form, 2>(size, x, stride, panel, depth, y, outputs, ahead); break;
            case 4: tile_of<form, 4>(size, x, stride, panel, depth, y, outputs, ahead); break;
            default: tile_of<form, 0>(size, x, stride, panel, depth, y, outputs, nullptr);
        }
        row += size;
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

CT_KERNEL void sets(
    const float *rows, int64_t stride, int64_t count, const float *panel, int64_t depth, float *out, int64_t outputs,
    int64_t height) {
    tiles<Form::sets>(rows, stride, count, panel, depth, out, outputs, height);
}

CT_KERNEL void adds(
    const float *rows, int64_t stride, int64_t count, const float *panel, int64_t depth, float *out, int64_t outputs,
    int64_t height) {
    tiles<Form::adds>(rows, stride, count, panel, depth, out, outputs, height);
}

CT_KERNEL void adds_transposed(
    const float *columns, int64_t stride, int64_t count, const float *panel, int64_t depth, float *out,
    int64_t outputs, int64_t height) {
    tiles<Form::adds_transposed>(columns, stride, count, panel, depth, out, outputs, height);
}

}  // namespace

void pack_panel(const Factor &factor, int64_t output, int64_t first, int64_t depth, float *panel) {
    const int64_t width = std::min(panel_width, factor.outputs - output);
    const float *source = factor.data + output * factor.output + first * factor.input;
    for (int64_t k = 0; k < depth; k++, panel += panel_width, source += factor.input) {
        if (factor.output == 1 && width == panel_width) {
            std::memcpy(panel, source, panel_width * sizeof(float));
            continue;
        }
        for (int64_t lane = 0; lane < width; lane++) panel[lane] = source[lane * factor.output];
        for (int64_t lane = width; lane < panel_width; lane++) panel[lane] = 0;
    }
}

void pack(const Factor &factor, float *out) {
    for (int64_t output = 0; output < factor.outputs; output += panel_width, out += factor.inputs * panel_width) {
        pack_panel(factor, output, 0, factor.inputs, out);
    }
}

void multiply(
    const float *rows, int64_t stride, int64_t count, const float *panel, int64_t depth, float *out, int64_t outputs) {
    sets(rows, stride, count, panel, depth, out, outputs, tile_height());
}

void multiply_add(
    const float *rows, int64_t stride, int64_t count, const float *panel, int64_t depth, float *out, int64_t outputs) {
    adds(rows, stride, count, panel, depth, out, outputs, tile_height());
}

void multiply_add_transposed(
    const float *columns, int64_t stride, int64_t count, const float *panel, int64_t depth, float *out,
    int64_t outputs) {
    adds_transposed(columns, stride, count, panel, depth, out, outputs, tile_height());
}

}  // namespace ctorch::cpu
