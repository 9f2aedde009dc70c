// Products of rows with panels of 16 outputs, input by input: a panel is read once and in order, rows are read where they
// lie, and sums stay in registers. An output's additions go along the inputs in one order, so its bits do not depend on the
// number of rows, unlike those of a general matrix product.
#pragma once

#include "arithmetic.h"

namespace ctorch::cpu {

/// How many numbers lie beside each other in packed weights and caches.
constexpr int64_t panel_width = 16;
/// Inputs of a panel that stay in the first-level cache while rows pass by. Each block has a sum of its own, added to the
/// others' when it is complete: long chains of additions would round more.
constexpr int64_t depth_block = 256;

typedef float Lanes __attribute__((vector_size(panel_width * sizeof(float)), aligned(sizeof(float))));

inline int64_t panels(int64_t outputs) { return (outputs + panel_width - 1) / panel_width; }

/// The next multiple of a panel's width.
inline int64_t padded(int64_t count) { return panels(count) * panel_width; }

/// The factor `[outputs, inputs]` of a product, wherever it lies: output `o` of input `k` is `data[o * output + k * input]`.
struct Factor {
    const float *data;
    int64_t outputs, inputs, output, input;

    /// A contiguous `matrix [outputs, inputs]`.
    static Factor rows(const at::Tensor &matrix) {
        return {floats(matrix), matrix.size(0), matrix.size(1), matrix.size(1), 1};
    }
    /// A contiguous `matrix [inputs, outputs]`.
    static Factor columns(const at::Tensor &matrix) {
        return {floats(matrix), matrix.size(1), matrix.size(0), 1, matrix.size(1)};
    }
};

/// Packs inputs `first ..< first + depth` of the panel that starts at output `output`.
void pack_panel(const Factor &factor, int64_t output, int64_t first, int64_t depth, float *panel);

/// Packs a factor into panels `[⌈outputs / 16⌉, inputs, 16]`.
void pack(const Factor &factor, float *panels);

/// `out [count, outputs] = rows x panel`, where a row's inputs lie behind each other and rows `stride` apart.
void multiply(
    const float *rows, int64_t stride, int64_t count, const float *panel, int64_t depth, float *out, int64_t outputs);

/// `out += rows x panel`.
void multiply_add(
    const float *rows, int64_t stride, int64_t count, const float *panel, int64_t depth, float *out, int64_t outputs);

/// `out += columnsᵀ x panel`, where the inputs of a column lie `stride` apart and columns behind each other.
void multiply_add_transposed(
    const float *columns, int64_t stride, int64_t count, const float *panel, int64_t depth, float *out, int64_t outputs);

}  // namespace ctorch::cpu
