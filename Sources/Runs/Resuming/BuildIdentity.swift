import Foundation
import Torch

/// The program that runs: its version, its file and the library that computes.
package struct BuildIdentity: Codable, Equatable {
    package var version: String
    /// Size and CRC-32 of the executable.
    package var executable: Manifest.Entry
    /// The library's version, and whose kernels compute where they are not the usual ones.
    package var libTorch: String

    /// The program of this process.
    package init() throws {
        try TorchRuntime.check()
        version = BuildInformation.version
        executable = try Manifest.Entry(of: URL(filePath: "/proc/self/exe"))
        libTorch = TorchRuntime.numerics
    }

    /// The build in a few words: `mpo 0.1.0 (a1b2c3d4, LibTorch 2.13.0)`.
    package var text: String { "mpo \(version) (\(executable.checksumText), LibTorch \(libTorch))" }
}
