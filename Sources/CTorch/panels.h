// Products of rows with panels of 16 outputs, input by input: a panel is read once and in order, rows are read where they
// lie, and sums stay in registers. An output's additions go along the inputs in one order, so its bits do not depend on the
// number of rows, unlike those of a general matrix product.
#pragma once

#include "kernels.h"

namespace ctorch {

constexpr int64_t panel_width = CT_PANEL_WIDTH;
/// Inputs of a panel that stay in the first-level cache while rows pass by. Each block has a sum of its own, added to the
/// others' when it is complete: long chains of additions would round more.
constexpr int64_t depth_block = 256;

typedef float Lanes __attribute__((vector_size(panel_width * sizeof(float)), aligned(sizeof(float))));

inline int64_t panels(int64_t outputs) { return (outputs + panel_width - 1) / panel_width; }

/// The next multiple of a panel's width.
inline int64_t padded(int64_t count) { return panels(count) * panel_width; }

/// `out [count, outputs] = rows x panel`, where a row's inputs lie behind each other and rows `stride` apart.
void multiply(
    const float *rows, int64_t stride, int64_t count, const float *panel, int64_t depth, float *out, int64_t outputs);

/// `out += rows x panel`.
void multiply_add(
    const float *rows, int64_t stride, int64_t count, const float *panel, int64_t depth, float *out, int64_t outputs);

/// `out += columnsᵀ x panel`, where the inputs of a column lie `stride` apart and columns behind each other.
void multiply_add_transposed(
    const float *columns, int64_t stride, int64_t count, const float *panel, int64_t depth, float *out, int64_t outputs);

}  // namespace ctorch
