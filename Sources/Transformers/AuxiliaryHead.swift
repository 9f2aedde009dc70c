import Foundation
import Torch

/// A linear layer on a decoder's final hidden states that a loss trains beside the decoder's own head.
///
/// Its weight is in a group of its own, which checkpoints keep and a saved model does not have.
public struct AuxiliaryHead: Sendable, Equatable {
    /// What it tells.
    public let name: String
    /// Its width.
    public let outputs: Int

    /// A head of so many outputs.
    public init(name: String, outputs: Int) { (self.name, self.outputs) = (name, outputs) }

    /// The name of its weight, `[outputs, width]`.
    var parameterName: String { "auxiliary.\(name).weight" }

    func group(width: Int, trainable: Bool, _ placement: Placement) -> ParameterGroup {
        let weight = ParameterGroup.Declaration(name: parameterName, shape: [outputs, width], decays: true)
        return ParameterGroup("auxiliary", [weight], trainable: trainable, placement)
    }
}

extension DecoderModel {
    private static let auxiliaryFile = "auxiliary.safetensors"

    /// The weight of the auxiliary head, `[outputs, width]`; `nil` where there is none.
    package var auxiliaryWeight: Tensor? { auxiliaryHead.map { parameters[$0.parameterName] } }

    /// Writes the auxiliary head's weight into a checkpoint, where there is one.
    package func saveAuxiliaryHead(to directory: URL) throws {
        guard let auxiliaryHead, let auxiliaryWeight else { return }
        try SafetensorsWriter.write(
            [(auxiliaryHead.parameterName, auxiliaryWeight)], to: directory.appending(path: Self.auxiliaryFile))
    }

    /// Takes the auxiliary head's weight from a checkpoint, where there is such a head.
    package func loadAuxiliaryHead(from directory: URL) throws {
        guard let auxiliaryHead else { return }
        let (file, name) = (
            try SafetensorsFile(directory.appending(path: Self.auxiliaryFile)), auxiliaryHead.parameterName
        )
        try parameters.set(name) { try file.read(name, into: $0) }
    }
}
