// Products of float32 matrices of any number of rows with a weight that lies as it is, or in panels.
#pragma once

#include "panels.h"

namespace ctorch::cpu {

/// What a product is added to.
struct Start {
    /// One number an output, if there are any.
    const float *bias = nullptr;
    /// What `out` holds already.
    bool adds = false;
};

/// `out [rows, outputs] = input [rows, inputs] x weightᵀ`. A row's bits depend neither on the other rows nor on threads.
void product(const float *input, int64_t rows, const Factor &weight, float *out, const Start &start = {});

/// The same by a weight that ``pack`` has put into panels.
void packed_product(
    const float *input, int64_t rows, const float *panels, int64_t outputs, int64_t inputs, float *out,
    const Start &start = {});

}  // namespace ctorch::cpu
