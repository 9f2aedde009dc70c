#include "differentiable.h"
#include "internal.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/embedding_dense_backward.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/log_sigmoid.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/where.h>
#include <ATen/core/grad_mode.h>

using namespace ctorch;

namespace {

/// Fills a tensor with what the host draws, wherever it lies.
template <typename Fill>
ct_status filling(ct_tensor *tensor, uint64_t seed, Fill &&fill) {
    return guarded([&] {
        at::NoGradGuard no_gradient;
        auto &x = tensor->value;
        const auto generator = at::detail::createCPUGenerator(seed);
        if (x.is_cpu()) return fill(x, generator);
        auto drawn = at::empty(x.sizes(), x.options().device(at::kCPU));
        fill(drawn, generator);
        x.copy_(drawn);
    });
}

/// The rows of a table; the gradient of one in half precision is summed in float32.
at::Tensor rows(const at::Tensor &table, const at::Tensor &indices) {
    if (!table.requires_grad() || table.scalar_type() == at::kFloat || table.scalar_type() == at::kDouble) {
        return at::embedding(table, indices);
    }
    return differentiable({table}, [&]() -> Computed {
        return {
            {at::embedding(table, indices)}, {indices},
            [count = table.size(0)](const Tensors &saved, const at::Tensor &gradient) -> Tensors {
                return {at::embedding_dense_backward(
                    gradient.to(at::kFloat), saved[0], count, /*padding_idx=*/-1, /*scale_grad_by_freq=*/false)};
            }};
    })[0];
}

}  // namespace


static at::Tensor unary(ct_unary operation, const at::Tensor &x) {
    switch (operation) {
        case CT_NEGATE: return x.neg();
        case CT_EXP: return x.exp();
        case CT_LOG: return x.log();
        case CT_SIGMOID: return x.sigmoid();
        case CT_LOG_SIGMOID: return at::log_sigmoid(x);
        case CT_RELU: return x.relu();
        case CT_SQUARE: return x.square();
        case CT_ABS: return x.abs();
        case CT_SQRT: return x.sqrt();
        case CT_TANH: return x.tanh();
        case CT_SILU: return at::silu(x);
        case CT_GELU: return at::gelu(x);
        case CT_GELU_TANH: return at::gelu(x, "tanh");
        case CT_IS_FINITE: return at::isfinite(x);
        case CT_SIGN: return x.sign();
    }
    TORCH_CHECK(false, "unary operation ", static_cast<int>(operation), " does not exist");
}

template <typename Right>
static at::Tensor binary(ct_binary operation, const at::Tensor &x, const Right &y) {
    switch (operation) {
        case CT_ADD: return x.add(y);
        case CT_SUBTRACT: return x.sub(y);
        case CT_MULTIPLY: return x.mul(y);
        case CT_DIVIDE: return x.div(y);
        case CT_GREATER: return x.gt(y);
        case CT_LESS: return x.lt(y);
        case CT_EQUAL: return x.eq(y);
        case CT_MINIMUM:
            if constexpr (std::is_same_v<Right, at::Tensor>) return at::minimum(x, y); else return x.clamp_max(y);
        case CT_MAXIMUM:
            if constexpr (std::is_same_v<Right, at::Tensor>) return at::maximum(x, y); else return x.clamp_min(y);
    }
    TORCH_CHECK(false, "binary operation ", static_cast<int>(operation), " does not exist");
}

ct_status ct_apply_unary(ct_unary operation, const ct_tensor *input, ct_tensor **out) {
    return returning(out, [&] { return unary(operation, input->value); });
}

ct_status ct_apply_binary(ct_binary operation, const ct_tensor *left, const ct_tensor *right, ct_tensor **out) {
    return returning(out, [&] { return binary(operation, left->value, right->value); });
}

ct_status ct_apply_binary_scalar(ct_binary operation, const ct_tensor *left, double right, ct_tensor **out) {
    return returning(out, [&] { return binary(operation, left->value, at::Scalar(right)); });
}

ct_status ct_clamp(const ct_tensor *input, double low, double high, ct_tensor **out) {
    return returning(out, [&] { return input->value.clamp(low, high); });
}

ct_status ct_where(const ct_tensor *condition, const ct_tensor *left, const ct_tensor *right, ct_tensor **out) {
    return returning(out, [&] { return at::where(condition->value, left->value, right->value); });
}

ct_status ct_reduce(ct_reduction operation, const ct_tensor *input, ct_tensor **out) {
    return returning(out, [&] {
        const auto &x = input->value;
        switch (operation) {
            case CT_SUM: return x.sum();
            case CT_MEAN: return x.mean();
            case CT_MAX: return x.max();
            case CT_MIN: return x.min();
        }
        TORCH_CHECK(false, "reduction ", static_cast<int>(operation), " does not exist");
    });
}

ct_status ct_reduce_dimension(
    ct_reduction operation, const ct_tensor *input, int64_t dimension, bool keep, ct_tensor **out) {
    return returning(out, [&] {
        const auto &x = input->value;
        switch (operation) {
            case CT_SUM: return x.sum(dimension, keep);
            case CT_MEAN: return x.mean(dimension, keep);
            case CT_MAX: return x.amax(dimension, keep);
            case CT_MIN: return x.amin(dimension, keep);
        }
        TORCH_CHECK(false, "reduction ", static_cast<int>(operation), " does not exist");
    });
}


ct_status ct_softmax(const ct_tensor *input, int64_t dimension, ct_tensor **out) {
    return returning(out, [&] { return input->value.softmax(dimension); });
}

ct_status ct_log_softmax(const ct_tensor *input, int64_t dimension, ct_tensor **out) {
    return returning(out, [&] { return input->value.log_softmax(dimension); });
}

ct_status ct_matmul(const ct_tensor *left, const ct_tensor *right, ct_tensor **out) {
    return returning(out, [&] { return at::matmul(left->value, right->value); });
}

ct_status ct_embedding(const ct_tensor *weight, const ct_tensor *indices, ct_tensor **out) {
    return returning(out, [&] { return rows(weight->value, indices->value); });
}

ct_status ct_layer_norm(
    const ct_tensor *input, const ct_tensor *weight, const ct_tensor *bias, double epsilon, ct_tensor **out) {
    return returning(out, [&] {
        const auto type = input->value.scalar_type();
        return at::layer_norm(
            input->value, weight->value.sizes(), weight->value.to(type), bias ? bias->value.to(type) : at::Tensor(),
            epsilon);
    });
}

ct_status ct_copy_(ct_tensor *tensor, const ct_tensor *source) {
    return guarded([&] {
        at::NoGradGuard no_gradient;
        tensor->value.copy_(source->value);
    });
}

ct_status ct_fill_(ct_tensor *tensor, double value) {
    return guarded([&] {
        at::NoGradGuard no_gradient;
        tensor->value.fill_(value);
    });
}

ct_status ct_add_(ct_tensor *tensor, const ct_tensor *other, double factor) {
    return guarded([&] {
        at::NoGradGuard no_gradient;
        tensor->value.add_(other->value, factor);
    });
}

ct_status ct_multiply_(ct_tensor *tensor, double factor) {
    return guarded([&] {
        at::NoGradGuard no_gradient;
        tensor->value.mul_(factor);
    });
}

ct_status ct_normal_(ct_tensor *tensor, double mean, double deviation, uint64_t seed) {
    return filling(tensor, seed, [=](at::Tensor &x, const auto &generator) { x.normal_(mean, deviation, generator); });
}

ct_status ct_uniform_(ct_tensor *tensor, double low, double high, uint64_t seed) {
    return filling(tensor, seed, [=](at::Tensor &x, const auto &generator) { x.uniform_(low, high, generator); });
}
