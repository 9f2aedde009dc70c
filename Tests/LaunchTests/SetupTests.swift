import Foundation
import TestSupport
import Testing

/// What `launch/setup` accepts and what it refuses, at once and with a way out.
@Suite
struct SetupTests {
    static let libTorch = TestSupport.repository.appending(path: ".deps/libtorch")
    static var hasLibTorch: Bool { FileManager.default.fileExists(atPath: libTorch.appending(path: "lib").path) }

    /// The line of `--check` on `subject`.
    private func check(_ subject: String, _ environment: [String: String?]) throws -> String {
        let outcome = try Script(name: "setup", environment: environment).run("--check")
        let line = outcome.output.split(separator: "\n").first { $0.hasPrefix(subject) }
        #expect(outcome.status == (outcome.output.contains("MISSING") ? 1 : 0))
        return try String(#require(line))
    }

    @Test(
        "Only Open MPI 4.1 and 5 are taken",
        arguments: [
            ("mpirun (Open MPI) 4.1.4", true), ("mpirun (Open MPI) 5.0.11", true), ("mpirun (Open MPI) 4.0.3", false),
            ("mpirun (Open MPI) 3.1.6", false), ("HYDRA build details:", false),
        ])
    func openMPI(banner: String, isTaken: Bool) throws {
        try TestSupport.withTemporaryDirectory { directory in
            let mpirun = try write("#!/bin/sh\necho '\(banner)'\n", "mpirun", in: directory, isExecutable: true)
            // The headers on this machine are of one version.
            let headers = directory.path
            let line = try check("mpi", ["MPIRUN": mpirun, "PKG_CONFIG_LIBDIR": headers, "PKG_CONFIG_PATH": headers])
            #expect(line.contains("MISSING") == !isTaken)
            #expect(isTaken || line.contains("4.1 or 5"))
        }
    }

    @Test("Swift before 6.2 is too old", arguments: [("6.1.2", true), ("5.10", true), ("6.2", false), ("6.10", false)])
    func swiftVersion(version: String, isTooOld: Bool) throws {
        try TestSupport.withTemporaryDirectory { directory in
            try write(
                "#!/bin/sh\necho 'Swift version \(version) (swift-\(version)-RELEASE)'\n", "swift", in: directory,
                isExecutable: true)
            let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
            let line = try check("swift", ["PATH": "\(directory.path):\(path)"])
            #expect(line.contains("too old: Swift 6.2 or later is needed") == isTooOld)
        }
    }

    @Test("A directory without LibTorch is refused by name")
    func empty() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let outcome = try Script(name: "setup", environment: ["LIBTORCH": directory.path]).run()
            #expect(outcome.status == 1)
            #expect(outcome.lastLine.contains("no LibTorch in \(directory.path)"))
        }
    }

    @Test("LibTorch before 2.6, of another processor or C++ ABI is refused", .enabled(if: hasLibTorch))
    func unfit() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let lib = directory.appending(path: "lib")
            try FileManager.default.createDirectory(at: lib, withIntermediateDirectories: true)
            for name in ["libtorch_cpu.so", "libc10.so"] {
                try FileManager.default.createSymbolicLink(
                    at: lib.appending(path: name), withDestinationURL: Self.libTorch.appending(path: "lib/\(name)"))
            }
            func line(version: Int, replacing name: String? = nil, with bytes: [UInt8] = []) throws -> String {
                try write("", "include/torch/csrc/api/include/torch/all.h", in: directory)
                try write(
                    """
                    #define TORCH_VERSION_MAJOR 2
                    #define TORCH_VERSION_MINOR \(version)
                    #define TORCH_VERSION_PATCH 1
                    """, "include/torch/csrc/api/include/torch/version.h", in: directory)
                if let name {
                    try FileManager.default.removeItem(at: lib.appending(path: name))
                    try Data(bytes).write(to: lib.appending(path: name))
                }
                return try check("libtorch", ["LIBTORCH": directory.path])
            }
            #expect(try line(version: 6).contains("ok"))
            #expect(try line(version: 5).contains("LibTorch 2.5.1 in \(directory.path) is too old"))
            #expect(try line(version: 6, replacing: "libc10.so", with: []).contains("old C++ ABI"))
            let otherProcessor = [UInt8](repeating: 0, count: 18) + [0xf3, 0]
            #expect(
                try line(version: 6, replacing: "libtorch_cpu.so", with: otherProcessor).contains("another processor"))
        }
    }

    @Test("A CUDA build whose libraries are missing is told before anything is built", .enabled(if: hasLibTorch))
    func cuda() throws {
        try TestSupport.withTemporaryDirectory { directory in
            let lib = directory.appending(path: "lib")
            try FileManager.default.createDirectory(at: lib, withIntermediateDirectories: true)
            for name in ["lib/libtorch_cpu.so", "lib/libc10.so", "include"] {
                try FileManager.default.createSymbolicLink(
                    at: directory.appending(path: name), withDestinationURL: Self.libTorch.appending(path: name))
            }
            let build = """
                cd "$1" && touch empty.c && cc -shared -o libcudart.so.12 empty.c \
                && cc -shared -Wl,--no-as-needed -o libtorch_cuda.so empty.c ./libcudart.so.12 && rm libcudart.so.12
                """
            let compiler = Process()
            compiler.executableURL = URL(filePath: "/bin/sh")
            compiler.arguments = ["-c", build, "sh", lib.path]
            try compiler.run()
            compiler.waitUntilExit()
            try #require(compiler.terminationStatus == 0)
            let line = try check("libtorch", ["LIBTORCH": directory.path])
            #expect(line.contains("is a CUDA build, and this machine lacks ./libcudart.so.12"))
        }
    }

    @Test(.enabled(if: hasLibTorch))
    func `A wheel of Arrow that is not there, damaged or another package's is refused by name`() throws {
        try TestSupport.withTemporaryDirectory { directory in
            for path in ["launch", "Sources/CArrow"] {
                let copy = directory.appending(path: path)
                try FileManager.default.createDirectory(
                    at: copy.deletingLastPathComponent(), withIntermediateDirectories: true)
                try FileManager.default.copyItem(at: TestSupport.repository.appending(path: path), to: copy)
            }
            try write("", "Package.swift", in: directory)
            func refusal(_ wheel: String) throws -> String {
                let environment = ["LIBTORCH": Self.libTorch.path, "MPO_ARROW_WHEEL": wheel]
                let outcome = try Script(name: "setup", root: directory, environment: environment).run("--arrow")
                #expect(outcome.status == 1)
                return outcome.lastLine
            }
            #expect(try refusal("none.whl").hasSuffix("MPO_ARROW_WHEEL: no file none.whl"))
            let damaged = try write("no wheel", "damaged.whl", in: directory)
            #expect(
                try refusal(damaged).hasSuffix("Arrow cannot be unpacked: \(damaged) is damaged, or the disk is full"))
            let other = directory.appending(path: "other.whl")
            // A zip archive without files.
            try Data([0x50, 0x4B, 5, 6] + [UInt8](repeating: 0, count: 18)).write(to: other)
            #expect(try refusal(other.path).contains("\(other.path) has no Arrow in it: a wheel of pyarrow is needed"))
            #expect(!FileManager.default.fileExists(atPath: directory.appending(path: ".deps/arrow").path))
        }
    }
}
