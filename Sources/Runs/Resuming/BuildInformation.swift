import Torch

/// What this build is.
package enum BuildInformation {
    /// The version of this project.
    package static let version = "0.1.0"

    /// The version, with that of the library that computes.
    package static var description: String { "mpo \(version) (LibTorch \(TorchRuntime.version))" }
}
