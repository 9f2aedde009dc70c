import Configuration
import MPI
import PreferenceData
import Tokenizers
import Torch
import Transformers

// What the user's files and words are to blame for ends a job with status 2, what fails on the way with status 1.

extension ConfigurationError: ExitStatusProviding {
    /// 2.
    package var exitStatus: Int32 { 2 }
}

extension DataError: ExitStatusProviding {
    /// 2, but 1 where the system failed or a reward model gave no number.
    public var exitStatus: Int32 {
        switch self {
        case .system, .badScore: 1
        default: 2
        }
    }
}

extension TokenizerError: ExitStatusProviding {
    /// 2.
    public var exitStatus: Int32 { 2 }
}

extension ChatTemplateError: ExitStatusProviding {
    /// 2.
    public var exitStatus: Int32 { 2 }
}

extension ModelError: ExitStatusProviding {
    /// 2.
    public var exitStatus: Int32 { 2 }
}

extension SafetensorsError: ExitStatusProviding {
    /// 2.
    public var exitStatus: Int32 { 2 }
}

extension UnknownKernels: ExitStatusProviding {
    /// 2.
    public var exitStatus: Int32 { 2 }
}

extension LibTorchMismatch: ExitStatusProviding {
    /// 2.
    public var exitStatus: Int32 { 2 }
}

extension DeviceError: ExitStatusProviding {
    /// 2.
    public var exitStatus: Int32 { 2 }
}

extension GenerationError: ExitStatusProviding {
    /// 2.
    public var exitStatus: Int32 { 2 }
}

extension MetricsError: ExitStatusProviding {
    /// 1: metrics cannot be written, or not be continued.
    package var exitStatus: Int32 { 1 }
}
