import Foundation
import Torch

/// The moments of a stage's optimizers, in `optimizer.safetensors`; the step each has taken is in the file's metadata.
enum OptimizerFile {
    private static let name = "optimizer.safetensors"

    static func write(_ updaters: [String: ParameterUpdater], to directory: URL) throws {
        var tensors: [(String, Tensor)] = []
        var metadata: [String: String] = [:]
        for (model, updater) in updaters.sorted(by: { $0.key < $1.key }) {
            tensors.append(("\(model).exp_avg", updater.optimizer.firstMoments))
            tensors.append(("\(model).exp_avg_sq", updater.optimizer.secondMoments))
            metadata["\(model).step"] = String(updater.optimizer.step)
        }
        try SafetensorsWriter.write(tensors, metadata: metadata, to: directory.appending(path: name))
    }

    static func read(_ updaters: [String: ParameterUpdater], from directory: URL) throws {
        let url = directory.appending(path: name)
        let file = try SafetensorsFile(url)
        for (model, updater) in updaters {
            guard let step = file.metadata["\(model).step"].flatMap({ Int($0) }) else {
                throw RunError.other("\(url.path): does not say how many steps \(model)'s optimizer has taken")
            }
            try file.read("\(model).exp_avg", into: updater.optimizer.firstMoments)
            try file.read("\(model).exp_avg_sq", into: updater.optimizer.secondMoments)
            updater.optimizer.step = step
        }
    }
}
