#include "../checksum.h"
#include "composed_kernels.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <cmath>

namespace ctorch::aten {

namespace {

/// How many numbers are converted at once: a whole number of a checksum's blocks, more where each operator has a price, and fewer
/// where they become four times as large.
int64_t chunk_of(const at::Tensor &x) { return (x.is_cuda() ? 128 : x.element_size() < 4 ? 1 : 16) * checksum_block; }

/// The bits of numbers as words of at most 32 bits, in int64.
at::Tensor words_of(const at::Tensor &x) {
    switch (x.element_size()) {
        case 1: return x.view(at::kByte).to(at::kLong);
        case 2: return x.view(at::kShort).to(at::kLong).bitwise_and(0xffff);
        default: return x.view(at::kInt).to(at::kLong).bitwise_and(0xffffffff);
    }
}

/// Sums and sums of sums in each lane of words `[blocks, rows, lanes]`, of which `count` a block are there: `[blocks, 2, lanes]`.
/// They stay below 2⁵⁸.
at::Tensor lane_sums(const at::Tensor &words, int64_t count) {
    const auto options = words.options();
    const auto lane = at::arange(checksum_lanes, options), row = at::arange(words.size(1), options).unsqueeze(1);
    // A word is in as many sums as its lane has words from it on.
    const auto length = lane.lt(count % checksum_lanes).to(at::kLong) + count / checksum_lanes;
    return at::stack({words.sum(1), words.mul((length - row).clamp_min(0)).sum(1)}, 1);
}

void add_checksums(const at::Tensor &sums, std::vector<uint64_t> &checksums) {
    const auto host = sums.cpu().contiguous();
    const auto *numbers = reinterpret_cast<const uint64_t *>(host.const_data_ptr<int64_t>());
    for (int64_t block = 0; block < host.size(0); block++, numbers += 2 * checksum_lanes) {
        checksums.push_back(checksum_of_lanes(numbers, numbers + checksum_lanes));
    }
}

}  // namespace

uint64_t ComposedKernels::checksum(const at::Tensor &input) const {
    const auto x = input.detach().contiguous().view(-1);
    std::vector<uint64_t> checksums;
    const int64_t chunk = chunk_of(x);
    for (int64_t start = 0; start < x.numel(); start += chunk) {
        const auto words = words_of(x.narrow(0, start, std::min(chunk, x.numel() - start)));
        const int64_t whole = words.numel() / checksum_block, rest = words.numel() % checksum_block;
        if (whole > 0) {
            const auto blocks = words.narrow(0, 0, whole * checksum_block);
            add_checksums(lane_sums(blocks.view({whole, -1, checksum_lanes}), checksum_block), checksums);
        }
        if (rest > 0) {
            const int64_t missing = (checksum_lanes - rest % checksum_lanes) % checksum_lanes;
            const auto block = at::constant_pad_nd(words.narrow(0, whole * checksum_block, rest), {0, missing});
            add_checksums(lane_sums(block.view({1, -1, checksum_lanes}), rest), checksums);
        }
    }
    return checksum_of_blocks(x.numel(), checksums);
}

double ComposedKernels::norm(const at::Tensor &input) const {
    const auto x = input.detach().contiguous().view(-1);
    auto sum = at::zeros({}, x.options().dtype(at::kDouble));
    const int64_t chunk = chunk_of(x);
    for (int64_t start = 0; start < x.numel(); start += chunk) {
        sum += x.narrow(0, start, std::min(chunk, x.numel() - start)).to(at::kDouble).square().sum();
    }
    return std::sqrt(sum.item<double>());
}

std::vector<double> ComposedKernels::square_sums(const at::Tensor &input) const {
    const auto x = input.detach().contiguous().view(-1);
    std::vector<at::Tensor> sums;
    for (int64_t start = 0; start < x.numel(); start += square_block) {
        const auto block = x.narrow(0, start, std::min(square_block, x.numel() - start));
        sums.push_back(block.to(at::kDouble).square().sum());
    }
    if (sums.empty()) return {};
    // They leave a card together.
    const auto host = at::stack(sums).cpu();
    return {host.const_data_ptr<double>(), host.const_data_ptr<double>() + host.numel()};
}

}  // namespace ctorch::aten
