// Products of float32 matrices of any number of rows with a weight that lies as it is, or in panels.
#pragma once

#include "panels.h"

namespace ctorch {

/// A weight `[outputs, inputs]` wherever it lies: output `o` of input `k` is `data[o * output + k * input]`.
struct Weight {
    const float *data;
    int64_t outputs, inputs, output, input;

    /// A contiguous `matrix [outputs, inputs]`.
    static Weight rows(const at::Tensor &matrix) {
        return {floats(matrix), matrix.size(0), matrix.size(1), matrix.size(1), 1};
    }
    /// A contiguous `matrix [inputs, outputs]`.
    static Weight columns(const at::Tensor &matrix) {
        return {floats(matrix), matrix.size(1), matrix.size(0), 1, matrix.size(1)};
    }
};

/// What a product is added to.
struct Start {
    /// One number an output, if there are any.
    const float *bias = nullptr;
    /// What `out` holds already.
    bool adds = false;
};

/// `out [rows, outputs] = input [rows, inputs] x weightᵀ`. A row's bits depend neither on the other rows nor on threads.
void product(const float *input, int64_t rows, const Weight &weight, float *out, const Start &start = {});

/// The same by a weight that ``pack`` has put into panels.
void packed_product(
    const float *input, int64_t rows, const float *panels, int64_t outputs, int64_t inputs, float *out,
    const Start &start = {});

/// Copies inputs `first ..< first + depth` of the panel that starts at output `output`.
void pack_panel(const Weight &weight, int64_t output, int64_t first, int64_t depth, float *panel);

}  // namespace ctorch
