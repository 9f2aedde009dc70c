#include "attention_plan.h"

#include <algorithm>
#include <numeric>

namespace ctorch::cpu {

namespace {

/// Segments that see each other's rows, so that one thread gathers the gradients of the keys they share.
using Group = std::vector<ct_segment>;

std::vector<Group> groups(const Segments &segments) {
    std::vector<size_t> parent(segments.size());
    std::iota(parent.begin(), parent.end(), 0);
    const auto root = [&](size_t i) {
        while (parent[i] != i) i = parent[i];
        return i;
    };
    for (size_t i = 0; i < segments.size(); i++) {
        const auto &segment = segments[i];
        if (segment.prefix_count == 0) continue;
        const int64_t prefix_end = segment.prefix_start + segment.prefix_count;
        int64_t covered = 0;
        for (size_t j = i; j-- > 0;) {
            const auto &other = segments[j];
            if (other.start + other.count <= segment.prefix_start) break;
            if (other.start >= prefix_end) continue;
            parent[root(i)] = root(j);
            covered += std::min(other.start + other.count, prefix_end) - std::max(other.start, segment.prefix_start);
        }
        TORCH_CHECK(
            covered == segment.prefix_count, "of prefix ", segment.prefix_start, "+", segment.prefix_count, " only ", covered,
            " rows are in segments");
    }
    std::vector<Group> all;
    std::vector<ptrdiff_t> place(segments.size(), -1);
    for (size_t i = 0; i < segments.size(); i++) {
        auto &index = place[root(i)];
        if (index < 0) {
            index = static_cast<ptrdiff_t>(all.size());
            all.emplace_back();
        }
        all[index].push_back(segments[i]);
    }
    return all;
}

/// Queries that add to gradients of their own, so that threads share long groups: a fixed number, for sums depend on it.
constexpr int64_t task_queries = 512;

}  // namespace

int64_t GradientTask::room(ptrdiff_t span, int64_t count) {
    auto piece = std::find_if(pieces.begin(), pieces.end(), [&](const Piece &p) { return p.span == span; });
    if (piece == pieces.end()) piece = pieces.insert(piece, {span, 0, rows});
    if (piece->rows < count) {
        piece->rows = count;
        rows = piece->place + count;
    }
    return piece->place;
}

AttentionPlan::AttentionPlan(const Segments &segments, int64_t window) {
    for (const auto &group : groups(segments)) {
        int64_t queries = task_queries;
        for (const auto &segment : group) {
            const auto own = span(segment.start, segment.count);
            const auto prefix = segment.prefix_count > 0 ? span(segment.prefix_start, segment.prefix_count) : -1;
            for (int64_t row = 0; row < segment.count; row += block_queries) {
                if (queries >= task_queries) {
                    tasks.emplace_back();
                    queries = 0;
                }
                const int64_t count = std::min(block_queries, segment.count - row);
                auto &task = tasks.back();
                const int64_t prefix_place = prefix < 0 ? 0 : task.room(prefix, segment.prefix_count);
                task.blocks.push_back({
                    {segment.start + row, count, row, segment.prefix_count, window}, own, prefix,
                    task.room(own, row + count), prefix_place});
                queries += count;
            }
        }
        group_ends.push_back(tasks.size());
    }
    for (auto &task : tasks) {
        task.place = task_rows;
        task_rows += task.rows;
    }
}

ptrdiff_t AttentionPlan::span(int64_t start, int64_t count) {
    // A prefix is most often the segment right before, or that one's own prefix.
    for (ptrdiff_t i = static_cast<ptrdiff_t>(spans.size()) - 1; i >= 0 && spans[i].start >= start; i--) {
        if (spans[i].start == start && spans[i].count == count) return i;
    }
    spans.push_back({start, count, span_tokens});
    span_tokens += padded(count);
    return static_cast<ptrdiff_t>(spans.size()) - 1;
}

}  // namespace ctorch::cpu
