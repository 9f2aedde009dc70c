import Foundation
import Runs
import Torch

/// The moments of a stage's optimizers, in `optimizer.safetensors`; the step each has taken is in the file's metadata.
package enum OptimizerFile {
    private static let name = "optimizer.safetensors"

    /// Writes them on the first rank of each model's communicator, while the others ``send(_:)``.
    package static func write(_ updaters: [String: ParameterUpdater], to directory: URL) throws {
        let sorted = updaters.sorted { $0.key < $1.key }
        let entries = sorted.flatMap { model, updater in
            ["exp_avg", "exp_avg_sq"].map {
                SafetensorsWriter.Entry(
                    name: "\(model).\($0)", shape: [updater.parameters.trainedCount], type: .float32)
            }
        }
        let metadata = sorted.map { ("\($0.key).step", String($0.value.optimizer.step)) }
        let writer = try SafetensorsWriter(
            entries, metadata: Dictionary(uniqueKeysWithValues: metadata), to: directory.appending(path: name))
        for (_, updater) in sorted { try updater.collectMoments { try writer.append(part: $0) } }
        try writer.finish()
    }

    /// Sends what the first rank writes, in its order.
    package static func send(_ updaters: [String: ParameterUpdater]) throws {
        for (_, updater) in updaters.sorted(by: { $0.key < $1.key }) { try updater.sendMoments() }
    }

    /// Takes over each optimizer's moments, or its slice of them.
    package static func read(_ optimizers: [String: AdamW], from directory: URL) throws {
        let url = directory.appending(path: name)
        let file = try SafetensorsFile(url)
        for (model, optimizer) in optimizers {
            guard let step = file.metadata["\(model).step"].flatMap({ Int($0) }), (0...Int(Int32.max)).contains(step)
            else {
                throw RunError.other("\(url.path): does not say how many steps \(model)'s optimizer has taken")
            }
            let (slice, count) = (optimizer.slice, optimizer.parameterCount)
            try file.read("\(model).exp_avg", slice, of: count, into: optimizer.firstMoments)
            try file.read("\(model).exp_avg_sq", slice, of: count, into: optimizer.secondMoments)
            optimizer.step = step
        }
    }
}
