import Torch

/// What this build is.
public enum BuildInformation {
    /// The version of this project.
    public static let version = "0.1.0"

    /// The version, with that of the library that computes.
    public static var description: String { "mpo \(version) (LibTorch \(TorchRuntime.version))" }
}
