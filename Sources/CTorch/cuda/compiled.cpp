#include "compiled.h"

#include <ATen/DeviceAccelerator.h>
#include <c10/core/Stream.h>
#include <dlfcn.h>
#include <filesystem>
#include <map>
#include <mutex>

namespace ctorch::cuda {

namespace {

/// NVRTC and the driver, by the little of their C interfaces that is needed.
struct Libraries {
    int (*create)(void **, const char *, const char *, int, const char *const *, const char *const *) = nullptr;
    int (*compile)(void *, int, const char *const *) = nullptr;
    int (*size_of_code)(void *, size_t *) = nullptr;
    int (*code)(void *, char *) = nullptr;
    int (*size_of_log)(void *, size_t *) = nullptr;
    int (*log)(void *, char *) = nullptr;
    int (*destroy)(void **) = nullptr;
    int (*attribute)(int *, int, int) = nullptr;
    int (*context)(void **) = nullptr;
    int (*retain)(void **, int) = nullptr;
    int (*make_current)(void *) = nullptr;
    int (*load)(void **, const void *) = nullptr;
    int (*function)(void **, void *, const char *) = nullptr;
    int (*launch)(void *, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void *, void **, void **) =
        nullptr;
    bool complete = true;

    /// NVRTC asks for a library beside itself by its bare name, which the loader need not find.
    static void load_neighbours(void *compiler) {
        Dl_info info;
        void *const inside = compiler ? dlsym(compiler, "nvrtcCreateProgram") : nullptr;
        if (inside == nullptr || dladdr(inside, &info) == 0) return;
        std::error_code ignored;
        for (const auto &file :
             std::filesystem::directory_iterator(std::filesystem::path(info.dli_fname).parent_path(), ignored)) {
            const auto name = file.path().filename().string();
            if (name.starts_with("libnvrtc-builtins.so.")) dlopen(file.path().c_str(), RTLD_NOW);
        }
    }

    Libraries() {
        // LibTorch's own door to both; it lies beside the library that was loaded, and finds NVRTC from there.
        void *compiler = dlopen((library_folder() + "/libcaffe2_nvrtc.so").c_str(), RTLD_NOW);
        void *driver = dlopen("libcuda.so.1", RTLD_NOW);
        load_neighbours(compiler);
        const auto find = [&](auto &target, void *library, const char *name) {
            target = reinterpret_cast<std::remove_reference_t<decltype(target)>>(library ? dlsym(library, name) : nullptr);
            complete = complete && target != nullptr;
        };
        find(create, compiler, "nvrtcCreateProgram");
        find(compile, compiler, "nvrtcCompileProgram");
        find(size_of_code, compiler, "nvrtcGetCUBINSize");
        find(code, compiler, "nvrtcGetCUBIN");
        find(size_of_log, compiler, "nvrtcGetProgramLogSize");
        find(log, compiler, "nvrtcGetProgramLog");
        find(destroy, compiler, "nvrtcDestroyProgram");
        find(attribute, driver, "cuDeviceGetAttribute");
        find(context, driver, "cuCtxGetCurrent");
        find(retain, driver, "cuDevicePrimaryCtxRetain");
        find(make_current, driver, "cuCtxSetCurrent");
        find(load, driver, "cuModuleLoadData");
        find(function, driver, "cuModuleGetFunction");
        find(launch, driver, "cuLaunchKernel");
    }
};

const Libraries &libraries() {
    static const Libraries all;
    return all;
}

/// Threads that LibTorch starts for backward passes may not have met the card yet.
void enter_context() {
    const auto &lib = libraries();
    void *context = nullptr;
    if (lib.context(&context) == 0 && context != nullptr) return;
    const int status = lib.retain(&context, at::accelerator::getDeviceIndex());
    TORCH_CHECK(status == 0 && lib.make_current(context) == 0, "no context on the card: error ", status);
}

void *compiled_module(at::ScalarType type) {
    const auto &lib = libraries();
    enter_context();
    int major = 0, minor = 0;
    const int index = at::accelerator::getDeviceIndex();
    lib.attribute(&major, 75, index);
    lib.attribute(&minor, 76, index);
    const auto target = "--gpu-architecture=sm_" + std::to_string(10 * major + minor);
    const std::string number = type == at::kFloat ? "-DNUMBER=float" : "-DNUMBER=Bfloat16";
    // Sums and products stay as they are written, so that a card's numbers are near those of the CPU.
    const char *const options[] = {target.c_str(), number.c_str(), "--std=c++17", "--fmad=false"};
    void *program = nullptr;
    int status = lib.create(&program, kernel_source, "ctorch.cu", 0, nullptr, nullptr);
    if (status == 0) status = lib.compile(program, 4, options);
    if (status != 0) {
        size_t size = 0;
        lib.size_of_log(program, &size);
        std::string log(size, ' ');
        lib.log(program, log.data());
        lib.destroy(&program);
        TORCH_CHECK(false, "NVRTC refuses the kernels (", status, "): ", log);
    }
    size_t size = 0;
    lib.size_of_code(program, &size);
    std::vector<char> code(size);
    lib.code(program, code.data());
    lib.destroy(&program);
    void *module = nullptr;
    status = lib.load(&module, code.data());
    TORCH_CHECK(status == 0, "the driver does not load the compiled kernels: error ", status);
    return module;
}

}  // namespace

CompiledKernel CompiledKernel::named(const char *name, at::ScalarType type) {
    static std::mutex mutex;
    static std::map<at::ScalarType, void *> modules;
    static std::map<std::pair<std::string, at::ScalarType>, void *> functions;
    CompiledKernel kernel;
    if ((type != at::kFloat && type != at::kBFloat16) || !libraries().complete) return kernel;
    const std::lock_guard lock(mutex);
    auto &function = functions[{name, type}];
    if (function == nullptr) {
        auto &module = modules[type];
        if (module == nullptr) module = compiled_module(type);
        const int status = libraries().function(&function, module, name);
        TORCH_CHECK(status == 0, "there is no kernel ", name, ": error ", status);
    }
    kernel.function = function;
    return kernel;
}

void CompiledKernel::operator()(
    int64_t blocks, int64_t threads, std::initializer_list<const void *> arguments) const {
    std::vector<void *> pointers;
    for (const void *argument : arguments) pointers.push_back(const_cast<void *>(argument));
    enter_context();
    const auto stream = at::accelerator::getCurrentStream(at::accelerator::getDeviceIndex());
    const int status = libraries().launch(
        function, static_cast<unsigned>(blocks), 1, 1, static_cast<unsigned>(threads), 1, 1, 0, stream.native_handle(),
        pointers.data(), nullptr);
    TORCH_CHECK(status == 0, "the card does not take a kernel: error ", status);
}

}  // namespace ctorch::cuda
