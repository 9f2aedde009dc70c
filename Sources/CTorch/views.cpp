#include "internal.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/zeros.h>

using namespace ctorch;

ct_status ct_reshape(const ct_tensor *tensor, const int64_t *shape, size_t rank, ct_tensor **out) {
    return returning(out, [&] { return tensor->value.reshape(sizes(shape, rank)); });
}

ct_status ct_narrow(const ct_tensor *tensor, int64_t dimension, int64_t start, int64_t count, ct_tensor **out) {
    return returning(out, [&] { return tensor->value.narrow(dimension, start, count); });
}

ct_status ct_transpose(const ct_tensor *tensor, int64_t first, int64_t second, ct_tensor **out) {
    return returning(out, [&] { return tensor->value.transpose(first, second); });
}

ct_status ct_unsqueeze(const ct_tensor *tensor, int64_t dimension, ct_tensor **out) {
    return returning(out, [&] { return tensor->value.unsqueeze(dimension); });
}

ct_status ct_contiguous(const ct_tensor *tensor, ct_tensor **out) {
    return returning(out, [&] { return tensor->value.contiguous(); });
}

ct_status ct_to(const ct_tensor *tensor, ct_placement placement, ct_tensor **out) {
    return returning(out, [&] { return tensor->value.to(options(placement)); });
}

ct_status ct_detach(const ct_tensor *tensor, ct_tensor **out) {
    return returning(out, [&] { return tensor->value.detach(); });
}

ct_status ct_clone(const ct_tensor *tensor, ct_tensor **out) {
    return returning(out, [&] { return tensor->value.clone(); });
}

ct_status ct_concatenate(const ct_tensor *const *tensors, size_t count, int64_t dimension, ct_tensor **out) {
    return returning(out, [&] {
        std::vector<at::Tensor> list;
        list.reserve(count);
        for (size_t i = 0; i < count; i++) list.push_back(tensors[i]->value);
        return at::cat(list, dimension);
    });
}

ct_status ct_index_select(const ct_tensor *tensor, int64_t dimension, const ct_tensor *indices, ct_tensor **out) {
    return returning(out, [&] { return tensor->value.index_select(dimension, indices->value); });
}

ct_status ct_gather(const ct_tensor *tensor, int64_t dimension, const ct_tensor *indices, ct_tensor **out) {
    return returning(out, [&] { return tensor->value.gather(dimension, indices->value); });
}

ct_status ct_sum_groups(const ct_tensor *tensor, const ct_tensor *indices, int64_t groups, ct_tensor **out) {
    return returning(out, [&] {
        auto shape = tensor->value.sizes().vec();
        shape.at(0) = groups;
        return at::zeros(shape, tensor->value.options()).index_add(0, indices->value, tensor->value);
    });
}
