// swift-tools-version: 6.2
import Foundation
import PackageDescription

// LibTorch: `LIBTORCH` names a directory with `include/` and `lib/`; `launch/setup` leaves one in `.deps/libtorch`.
let libTorch = Context.environment["LIBTORCH"] ?? "\(Context.packageDirectory)/.deps/libtorch"

/// The minor version of LibTorch 2, by its headers.
let torchMinor = ["headeronly", "csrc/api/include/torch"].lazy
    .compactMap { try? String(contentsOfFile: "\(libTorch)/include/torch/\($0)/version.h", encoding: .utf8) }
    .compactMap { $0.firstMatch(of: /TORCH_VERSION_MINOR (\d+)/).flatMap { Int($0.1) } }
    .first

let torchCompile: [CXXSetting] = [
    .unsafeFlags(
        [
            "-I\(libTorch)/include", "-I\(libTorch)/include/torch/csrc/api/include",
            // Kernels are optimised in every configuration; a debug build is for the Swift code above them.
            "-O2", "-fno-math-errno", "-D_GLIBCXX_USE_CXX11_ABI=1", "-Wno-everything",
        ]
            // Names of templates as the compiler of older ones, g++ 13, made them.
            + (torchMinor ?? 13 < 12 ? ["-fclang-abi-compat=17"] : []))
]

// Run paths: beside an installed binary first, then where LibTorch was found at build time.
let torchLink: [LinkerSetting] = [
    .unsafeFlags([
        "-L\(libTorch)/lib", "-Xlinker", "-rpath", "-Xlinker", "$ORIGIN/../lib/mpo",
        "-Xlinker", "-rpath", "-Xlinker", "\(libTorch)/lib",
    ]),
    .linkedLibrary("torch_cpu"), .linkedLibrary("c10"), .linkedLibrary("dl"),
]

// Where a program looks for libmpo-arrow.so once it needs it: beside an installed one, which has a run path for that already, or
// here.
let arrowSearch: [LinkerSetting] = [
    .unsafeFlags(["-Xlinker", "-rpath", "-Xlinker", "\(Context.packageDirectory)/.deps/arrow/lib"])
]

// `launch/fuzz` builds, in a folder of its own, with what tells libFuzzer which code an input reaches.
let fuzzes = Context.environment["MPO_FUZZ"] != nil

let swift: [SwiftSetting] =
    [.enableUpcomingFeature("ExistentialAny"), .treatAllWarnings(as: .error)]
    + (fuzzes ? [.unsafeFlags(["-sanitize=fuzzer"])] : [])

let layers: [Target] = [
    .target(name: "CTorch", cxxSettings: torchCompile, linkerSettings: torchLink),
    .systemLibrary(name: "COpenMPI", pkgConfig: "ompi-c", providers: [.apt(["libopenmpi-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    // A header alone: what it describes is loaded when it is needed, and `launch/setup --arrow` builds it.
    .systemLibrary(name: "CArrow"),
    // Loads libcurl when it is needed, so that nothing of it has to be there to build or to start.
    .target(name: "CCurl", linkerSettings: [.linkedLibrary("dl")]),
    .target(name: "Torch", dependencies: ["CTorch", "JSON"], swiftSettings: swift),
    .target(name: "MPI", dependencies: ["COpenMPI"], swiftSettings: swift),
    .target(name: "JSON", swiftSettings: swift),
    .target(name: "Configuration", dependencies: ["JSON", "Yams"], swiftSettings: swift),
    .target(name: "Tokenizers", dependencies: ["JSON"], swiftSettings: swift),
    .target(name: "Transformers", dependencies: ["JSON", "Torch"], swiftSettings: swift),
    .target(
        name: "PreferenceData",
        dependencies: ["CArrow", "CZlib", "CZstd", "Configuration", "JSON", "Tokenizers", "Transformers"],
        swiftSettings: swift, linkerSettings: arrowSearch),
    .target(
        name: "Objectives", dependencies: ["Configuration", "Torch"], exclude: ["Preference/README.md"],
        swiftSettings: swift),
    .target(
        name: "Runs",
        dependencies: [
            "CZlib", "Configuration", "JSON", "MPI", "Objectives", "PreferenceData", "Tokenizers", "Torch",
            "Transformers",
        ],
        swiftSettings: swift),
    .target(
        name: "Training",
        dependencies: [
            "CCurl", "Configuration", "JSON", "MPI", "Objectives", "PreferenceData", "Runs", "Torch", "Transformers",
        ],
        swiftSettings: swift),
    .target(
        name: "Stages",
        dependencies: [
            "Configuration", "JSON", "MPI", "Objectives", "PreferenceData", "Runs", "Tokenizers", "Torch", "Training",
            "Transformers",
        ],
        swiftSettings: swift),
    .target(
        name: "Benchmarks",
        dependencies: [
            "Commands", "MPI", "Objectives", "PreferenceData", "Runs", "Stages", "Torch", "Training", "Transformers",
        ],
        swiftSettings: swift),
    .target(
        name: "Commands",
        dependencies: [
            "Configuration", "JSON", "MPI", "PreferenceData", "Runs", "Stages", "Tokenizers", "Torch", "Training",
            "Transformers",
        ],
        swiftSettings: swift),
    .target(
        name: "Reports",
        dependencies: ["Commands", "Configuration", "JSON", "MPI", "PreferenceData", "Runs", "Stages", "Torch"],
        swiftSettings: swift),
    .executableTarget(
        name: "mpo",
        dependencies: [
            "Benchmarks", "Commands", "Configuration", "MPI", "Objectives", "PreferenceData", "Reports", "Runs",
            "Stages",
            "Torch", "Training",
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ],
        swiftSettings: swift),
]

let tests: [Target] = [
    .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: swift),
    .testTarget(name: "JSONTests", dependencies: ["JSON"], swiftSettings: swift),
    .testTarget(name: "TorchTests", dependencies: ["Torch", "TestSupport"], swiftSettings: swift),
    .executableTarget(
        name: "mpi-check", dependencies: ["MPI"], path: "Tests/Helpers/MPICheck",
        // It makes and compares megabytes, so it is optimised in every configuration.
        swiftSettings: swift + [.unsafeFlags(["-O"])]),
    .testTarget(name: "MPITests", dependencies: ["MPI", "TestSupport", "mpi-check"], swiftSettings: swift),
    .testTarget(name: "TokenizersTests", dependencies: ["JSON", "Tokenizers", "TestSupport"], swiftSettings: swift),
    .testTarget(
        name: "TransformersTests", dependencies: ["JSON", "Torch", "Transformers", "TestSupport"], swiftSettings: swift),
    .executableTarget(
        name: "table-reading", dependencies: ["PreferenceData", "Torch"], path: "Tests/Helpers/TableReading",
        swiftSettings: swift),
    .testTarget(
        name: "PreferenceDataTests",
        dependencies: ["JSON", "PreferenceData", "Tokenizers", "Transformers", "TestSupport", "table-reading"],
        swiftSettings: swift),
    .testTarget(
        name: "ObjectivesTests", dependencies: ["Configuration", "Objectives", "Torch", "TestSupport"],
        swiftSettings: swift),
    .testTarget(
        name: "GoldenTests",
        dependencies: ["Configuration", "JSON", "Objectives", "PreferenceData", "Stages", "TestSupport", "Torch"],
        swiftSettings: swift),
    .target(name: "CSuddenEnd", path: "Tests/Helpers/CSuddenEnd"),
    .executableTarget(
        name: "checkpoint-writer", dependencies: ["CSuddenEnd", "Runs", "Torch", "Training"],
        path: "Tests/Helpers/CheckpointWriter", swiftSettings: swift),
    .testTarget(name: "ConfigurationTests", dependencies: ["Configuration"], swiftSettings: swift),
    .testTarget(
        name: "RunsTests",
        dependencies: [
            "JSON", "PreferenceData", "Runs", "Stages", "Torch", "Training", "Transformers", "TestSupport", "mpo",
            "checkpoint-writer",
        ],
        swiftSettings: swift),
    .executableTarget(
        name: "toy-losses", dependencies: ["Configuration", "MPI", "Objectives", "Runs", "Stages", "Torch"],
        path: "Tests/Helpers/ToyLosses", swiftSettings: swift),
    .executableTarget(
        name: "reference-pass", dependencies: ["MPI", "PreferenceData", "Runs", "Training"],
        path: "Tests/Helpers/ReferencePass", swiftSettings: swift),
    .testTarget(
        name: "TrainingTests",
        dependencies: [
            "JSON", "MPI", "PreferenceData", "Runs", "Tokenizers", "Torch", "Training", "TestSupport", "reference-pass",
        ], swiftSettings: swift
    ),
    .executableTarget(
        name: "toys",
        dependencies: [
            "Configuration", "MPI", "Objectives", "PreferenceData", "Runs", "Stages", "Torch", "Transformers",
        ],
        path: "Tests/Helpers/Toys", swiftSettings: swift),
    .testTarget(
        name: "StagesTests",
        dependencies: [
            "Commands", "Configuration", "JSON", "MPI", "Objectives", "PreferenceData", "Runs", "Stages", "Torch",
            "Training", "Transformers", "TestSupport", "mpo", "checkpoint-writer", "toy-losses", "toys",
        ],
        swiftSettings: swift),
    .testTarget(
        name: "CommandsTests",
        dependencies: [
            "Commands", "Configuration", "JSON", "PreferenceData", "Runs", "Stages", "Training", "TestSupport",
        ], swiftSettings: swift),
    .testTarget(
        name: "ReportsTests", dependencies: ["JSON", "PreferenceData", "Reports", "Runs", "Stages", "TestSupport"],
        swiftSettings: swift),
    .testTarget(
        name: "BenchmarksTests", dependencies: ["Benchmarks", "PreferenceData", "Transformers", "TestSupport"],
        swiftSettings: swift),
    .target(
        name: "FuzzedReaders",
        dependencies: [
            "JSON", "PreferenceData", "Runs", "Stages", "TestSupport", "Tokenizers", "Torch", "Training",
            "Transformers",
        ],
        path: "Tests/Fuzz/Readers", swiftSettings: swift),
    .testTarget(
        name: "FuzzTests", dependencies: ["FuzzedReaders", "PreferenceData", "TestSupport"], swiftSettings: swift),
    .testTarget(name: "LaunchTests", dependencies: ["TestSupport", "mpo"], swiftSettings: swift),
    .testTarget(name: "CommandLineTests", dependencies: ["mpo", "TestSupport"], swiftSettings: swift),
]

let fuzzing: [Target] = [
    .target(name: "CFuzzer", path: "Tests/Fuzz/CFuzzer"),
    .executableTarget(
        name: "mpo-fuzz", dependencies: ["CFuzzer", "FuzzedReaders"], path: "Tests/Fuzz/Driver", swiftSettings: swift),
]

let package = Package(
    name: "mpo",
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    ],
    targets: layers + tests + (fuzzes ? fuzzing : []),
    cxxLanguageStandard: .cxx20
)
