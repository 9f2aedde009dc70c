#include "panels.h"

namespace ctorch {

namespace {

typedef float Lanes __attribute__((vector_size(panel_width * sizeof(float)), aligned(sizeof(float))));

/// How rows lie, and whether the product is added.
enum class Form { sets, adds, adds_transposed };

/// `Count` rows of a product.
template <Form form, bool prefetches, int Count>
CT_INLINE __attribute__((min_vector_width(512))) void tile(
    const float *rows, int64_t stride, const float *panel, int64_t depth, float *out, int64_t outputs) {
#pragma clang fp contract(fast)
    // Without the pragmas, or with other loops in the same kernel, compilers keep sums in memory, at half the speed.
    Lanes sums[Count];
#pragma unroll
    for (int i = 0; i < Count; i++) sums[i] = Lanes{};
    // Counting and addressing would take a fifth of the time.
#pragma clang loop unroll_count(4)
    for (int64_t k = 0; k < depth; k++) {
        if constexpr (prefetches) __builtin_prefetch(panel + (k + depth_block) * panel_width);
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

template <Form form, bool prefetches>
CT_INLINE void tile_of(
    int64_t count, const float *rows, int64_t stride, const float *panel, int64_t depth, float *out, int64_t outputs) {
    switch (count) {
        case 1: tile<form, prefetches, 1>(rows, stride, panel, depth, out, outputs); break;
        case 2: tile<form, prefetches, 2>(rows, stride, panel, depth, out, outputs); break;
        case 3: tile<form, prefetches, 3>(rows, stride, panel, depth, out, outputs); break;
        case 4: tile<form, prefetches, 4>(rows, stride, panel, depth, out, outputs); break;
        case 5: tile<form, prefetches, 5>(rows, stride, panel, depth, out, outputs); break;
        case 6: tile<form, prefetches, 6>(rows, stride, panel, depth, out, outputs); break;
        case 7: tile<form, prefetches, 7>(rows, stride, panel, depth, out, outputs); break;
        default: tile<form, prefetches, 8>(rows, stride, panel, depth, out, outputs); break;
    }
}

/// Any number of rows, in tiles of nearly equal height that is at most `height`.
template <Form form>
CT_INLINE void tiles(
    const float *rows, int64_t stride, int64_t count, const float *panel, int64_t depth, float *out, int64_t outputs,
    int64_t height) {
    const int64_t number = (count + height - 1) / height;
    for (int64_t index = 0, row = 0; index < number; index++) {
        const int64_t size = (count - row) / (number - index);
        const float *x = rows + (form == Form::adds_transposed ? row : row * stride);
        float *y = out + row * outputs;
        // Weights come from memory: it delivers the next block while the first rows go through this one.
        if (form == Form::adds && index == 0) {
            tile_of<form, true>(size, x, stride, panel, depth, y, outputs);
        } else {
            tile_of<form, false>(size, x, stride, panel, depth, y, outputs);
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

}  // namespace ctorch
