// Which work attention consists of, and where its parts lie.
#pragma once

#include "../kernels.h"
#include "attention_block.h"

#include <vector>

namespace ctorch::cpu {

/// A run of rows that queries see.
struct Span {
    int64_t start, count;
    /// Tokens before it in packed memory, where each span fills whole panels.
    int64_t place;
};

struct PlannedBlock {
    QueryBlock queries;
    /// Indices of spans; the prefix may be none, -1.
    ptrdiff_t own, prefix;
    /// Where their gradients lie among the rows of the block's task.
    int64_t own_place, prefix_place;
};

/// The first `rows` rows of a span, which a task has gradients for.
struct Piece {
    ptrdiff_t span;
    int64_t rows;
    /// Rows of the task's earlier pieces.
    int64_t place;
};

/// Blocks of a group that add to the same gradients of keys and values.
struct GradientTask {
    std::vector<PlannedBlock> blocks;
    std::vector<Piece> pieces;
    int64_t rows = 0;
    /// Rows of earlier tasks.
    int64_t place = 0;

    /// Makes room for `count` rows of a span, and says where. Only the last piece grows: segments come in order.
    int64_t room(ptrdiff_t span, int64_t count);
};

/// What there is to compute: the order in which results are summed depends on the segments alone.
struct AttentionPlan {
    std::vector<Span> spans;
    int64_t span_tokens = 0;
    std::vector<GradientTask> tasks;
    int64_t task_rows = 0;
    /// Where each group's tasks end.
    std::vector<size_t> group_ends;

    AttentionPlan(const Segments &segments, int64_t window);

private:
    /// The index of a span, which is added if it is not there.
    ptrdiff_t span(int64_t start, int64_t count);
};

}  // namespace ctorch::cpu
