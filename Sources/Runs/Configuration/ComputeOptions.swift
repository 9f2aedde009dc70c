import Configuration
import Torch

/// Where models lie, and the type of what they compute.
package struct ComputeOptions: Sendable, Equatable {
    /// The device of each worker.
    package var device = DeviceChoice.auto
    /// The type of what models compute; weights and the optimizer's moments are float32.
    package var dtype = ComputeType.float32

    /// The defaults.
    package init() {}

    /// Takes what was not given from the run.
    package mutating func inherit(_ scope: StageScope) {
        if !scope.given.contains("device") { device = scope.run.compute.device }
        if !scope.given.contains("dtype") { dtype = scope.run.compute.dtype }
    }

    /// - Parameter own: The device that this process has found, where one is wanted.
    package func placement(own: Device) -> Placement { Placement(dtype.type, on: device == .cpu ? .cpu : own) }
}

extension ComputeOptions: KeyedOptions {
    package static let fields = Field<Self>.list {
        Field(
            "device", \.device, effect: .free,
            "Where models lie: a card where LibTorch finds one (auto), the CPU, or a card (cuda). A worker takes the card of "
                + "its place among the ranks of its host.")
        typeField
    }

    private static var typeField: Field<Self> {
        var field = Field<Self>(
            "dtype", \.dtype,
            "Type of what models compute; bf16: true means bfloat16. Weights, gradients, moments, sums and log-probabilities "
                + "are float32 in any case; with zero: 2 weights are held once more, rounded, and divided themselves.")
        field.spelling = FieldSpelling(key: "bf16", kind: Bool.kind) { node in
            Bool(node).map { ($0 ? ComputeType.bfloat16 : .float32).node }
        }
        return field
    }
}

extension DeviceChoice: ConfigurationWord {}

/// The type of what models compute.
package enum ComputeType: String, Sendable, ConfigurationWord {
    case float32, bfloat16

    /// As tensors have it.
    package var type: ScalarType { self == .float32 ? .float32 : .bfloat16 }
}

extension RunConfiguration {
    /// The device that processes are to find: a card where the run or a stage asks for one, else what `auto` finds where one of
    /// them leaves it open.
    package var wantedDevice: DeviceChoice {
        let wanted = stages.compactMap(\.stage.compute?.device)
        return [.cuda, .auto].first { wanted.contains($0) } ?? .cpu
    }
}
