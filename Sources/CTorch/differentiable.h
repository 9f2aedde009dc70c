// How a fused operator joins LibTorch's gradients, without its headers in every kernel's file.
#pragma once

#include "internal.h"

#include <functional>

namespace ctorch {

/// What an operator computed.
struct Computed {
    /// The results; only the first has a gradient.
    Tensors outputs;
    /// What `backward` needs besides the incoming gradient.
    Tensors saved;
    /// From what was saved and the gradient of the first output (contiguous) to the gradient of each input.
    std::function<Tensors(const Tensors &saved, const at::Tensor &gradient)> backward;
};

/// Runs `forward` over `inputs` without recording, and records its own backward pass instead.
Tensors differentiable(const Tensors &inputs, const std::function<Computed()> &forward);

}  // namespace ctorch
