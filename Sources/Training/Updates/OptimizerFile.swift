import Foundation
import Runs
import Torch

/// The moments of a stage's optimizers, in `optimizer.safetensors`; the step each has taken is in the file's metadata.
package enum OptimizerFile {
    private static let name = "optimizer.safetensors"

    package static func write(_ optimizers: [String: OptimizerState], to directory: URL) throws {
        var tensors: [(String, Tensor)] = []
        var metadata: [String: String] = [:]
        for (model, optimizer) in optimizers.sorted(by: { $0.key < $1.key }) {
            tensors.append(("\(model).exp_avg", optimizer.firstMoments))
            tensors.append(("\(model).exp_avg_sq", optimizer.secondMoments))
            metadata["\(model).step"] = String(optimizer.step)
        }
        try SafetensorsWriter.write(tensors, metadata: metadata, to: directory.appending(path: name))
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
