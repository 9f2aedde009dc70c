#include "aten/composed_kernels.h"
#include "cpu/cpu_kernels.h"
#include "cuda/cuda_kernels.h"
#include "kernels.h"

#include <cstdlib>
#include <optional>

namespace ctorch {

namespace {

/// What `MPO_KERNELS` asks for; none where no kernels have that name.
std::optional<ct_kernels> read_choice() {
    const char *text = std::getenv("MPO_KERNELS");
    const std::string name = text == nullptr ? "" : text;
    if (name.empty() || name == "cpu") return CT_KERNELS_CPU;
    if (name == "aten") return CT_KERNELS_ATEN;
    return std::nullopt;
}

const std::optional<ct_kernels> &process_choice() {
    static const std::optional<ct_kernels> choice = read_choice();
    return choice;
}

ct_kernels &thread_choice() {
    static thread_local ct_kernels choice = process_choice().value_or(CT_KERNELS_CPU);
    return choice;
}

}  // namespace

const Kernels &kernels_for(const c10::Device &device, at::ScalarType type) {
    static const cpu::CPUKernels by_hand;
    static const cuda::CUDAKernels of_cuda;
    static const aten::ComposedKernels composed;
    if (thread_choice() != CT_KERNELS_CPU) return composed;
    if (device.is_cuda()) return of_cuda;
    if (device.is_cpu() && type == at::kFloat) return by_hand;
    return composed;
}

}  // namespace ctorch

bool ct_kernels_are_known(void) { return ctorch::process_choice().has_value(); }

ct_kernels ct_get_kernels(void) { return ctorch::thread_choice(); }

ct_kernels ct_set_kernels(ct_kernels kernels) { return std::exchange(ctorch::thread_choice(), kernels); }
