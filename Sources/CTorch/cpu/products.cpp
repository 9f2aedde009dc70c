#include "products.h"

#include <ATen/Parallel.h>
#include <cstring>
#include <vector>

namespace ctorch::cpu {

namespace {

/// Rows whose inputs stay in the second-level cache while panels pass by.
constexpr int64_t row_block = 192;
/// Inputs that a group of panels is packed for at once: both lie in the second-level cache then.
constexpr int64_t pack_depth = 768;
/// Panels that a thread takes at once, unless that leaves threads without work.
constexpr int64_t panel_group = 4;
/// Pieces of work for each thread, so that they end together.
constexpr int64_t pieces = 8;

struct Operands {
    const float *input;
    int64_t inputs;
    float *out;
    int64_t outputs;
    Start start;
};

/// The outputs of some rows from `column` on, which a panel gives.
struct Target {
    const Operands &operands;
    int64_t row, rows, column;

    int64_t width() const { return std::min(panel_width, operands.outputs - column); }
    float *out() const { return operands.out + row * operands.outputs + column; }

    /// Adds inputs `first ..< first + depth` times `panel`.
    void add(const float *panel, int64_t first, int64_t depth) const {
        const float *input = operands.input + row * operands.inputs + first;
        const bool begins = first == 0 && !operands.start.adds;
        if (width() < panel_width) return add_some(input, panel, depth, begins);
        if (begins && !operands.start.bias) {
            return multiply(input, operands.inputs, rows, panel, depth, out(), operands.outputs);
        }
        if (begins) begin(out(), operands.outputs);
        multiply_add(input, operands.inputs, rows, panel, depth, out(), operands.outputs);
    }

private:
    void begin(float *target, int64_t stride) const {
        for (int64_t i = 0; i < rows; i++) {
            for (int64_t lane = 0; lane < width(); lane++) {
                target[i * stride + lane] = operands.start.bias ? operands.start.bias[column + lane] : 0;
            }
        }
    }

    /// Where a panel has lanes past the last output: they are computed all the same, beside the result.
    void add_some(const float *input, const float *panel, int64_t depth, bool begins) const {
        float beside[row_block * panel_width] = {};
        const size_t bytes = width() * sizeof(float);
        if (begins) begin(beside, panel_width);
        for (int64_t i = 0; i < rows && !begins; i++) {
            std::memcpy(beside + i * panel_width, out() + i * operands.outputs, bytes);
        }
        multiply_add(input, operands.inputs, rows, panel, depth, beside, panel_width);
        for (int64_t i = 0; i < rows; i++) {
            std::memcpy(out() + i * operands.outputs, beside + i * panel_width, bytes);
        }
    }
};

/// Runs `body(first panel, last panel, first row, last row)` for all of a product in parallel, at least `fewest_rows` at a time.
template <typename Body>
void each_piece(int64_t outputs, int64_t rows, int64_t fewest_rows, Body &&body) {
    const int64_t count = panels(outputs), wanted = pieces * at::get_num_threads();
    // Many rows are divided themselves; few leave no other choice than small groups of panels.
    const bool divides_rows = rows >= 2 * fewest_rows;
    const int64_t share = divides_rows ? panel_group : std::clamp<int64_t>(count / wanted, 1, panel_group);
    const int64_t groups = (count + share - 1) / share;
    const int64_t parts = std::max<int64_t>(1, std::min((wanted + groups - 1) / groups, rows / fewest_rows));
    parallel(groups * parts, [&](int64_t unit) {
        const int64_t group = unit % groups * share, part = unit / groups;
        body(group, std::min(count, group + share), rows * part / parts, rows * (part + 1) / parts);
    });
}

}  // namespace

void product(const float *input, int64_t rows, const Factor &weight, float *out, const Start &start) {
    const Operands operands = {input, weight.inputs, out, weight.outputs, start};
    each_piece(weight.outputs, rows, 2 * row_block, [&](int64_t panel, int64_t end, int64_t row, int64_t last) {
        static thread_local std::vector<float> packed(panel_group * pack_depth * panel_width);
        for (int64_t first = 0; first < weight.inputs; first += pack_depth) {
            const int64_t depth = std::min(pack_depth, weight.inputs - first);
            const auto place = [&](int64_t p) { return packed.data() + (p - panel) * depth * panel_width; };
            for (int64_t p = panel; p < end; p++) pack_panel(weight, p * panel_width, first, depth, place(p));
            for (int64_t i = row; i < last; i += row_block) {
                for (int64_t k = 0; k < depth; k += depth_block) {
                    for (int64_t p = panel; p < end; p++) {
                        const Target target = {operands, i, std::min(row_block, last - i), p * panel_width};
                        target.add(place(p) + k * panel_width, first + k, std::min(depth_block, depth - k));
                    }
                }
            }
        }
    });
}

void packed_product(
    const float *input, int64_t rows, const float *weights, int64_t outputs, int64_t inputs, float *out,
    const Start &start) {
    const Operands operands = {input, inputs, out, outputs, start};
    each_piece(outputs, rows, row_block, [&](int64_t panel, int64_t end, int64_t row, int64_t last) {
        for (int64_t i = row; i < last; i += row_block) {
            for (int64_t p = panel; p < end; p++) {
                const Target target = {operands, i, std::min(row_block, last - i), p * panel_width};
                for (int64_t k = 0; k < inputs; k += depth_block) {
                    target.add(weights + (p * inputs + k) * panel_width, k, std::min(depth_block, inputs - k));
                }
            }
        }
    });
}

}  // namespace ctorch::cpu
