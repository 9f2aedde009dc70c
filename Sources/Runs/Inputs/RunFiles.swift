import Foundation

/// Where the things that a configuration names lie on disk.
package struct RunFiles {
    private let plan: RunPlan

    package init(_ plan: RunPlan) {
        self.plan = plan
    }

    /// The JSONL files that references stand for.
    package func data(_ references: [ArtifactReference]) -> [URL] {
        references.flatMap { reference -> [URL] in
            switch reference {
            case .dataset(.train): return plan.configuration.dataset.train.map { URL(filePath: $0) }
            case .dataset(.eval): return plan.configuration.dataset.eval.map { URL(filePath: $0) }
            case .path(let path): return [URL(filePath: path)]
            case .stage(let name, let part):
                let stage = plan.stage(named: name)
                let files = part.map { ["\($0).jsonl"] } ?? stage.configuration.stage.leaves?.fileNames ?? []
                return files.map { stage.directory.appending(path: $0) }
            case .base, .rule, .command, .column: preconditionFailure("\(reference) is not data")
            }
        }
    }

    /// The directory of a model.
    package func model(_ reference: ArtifactReference) -> URL {
        switch reference {
        case .base: URL(filePath: plan.configuration.modelNameOrPath)
        case .path(let path): URL(filePath: path)
        case .stage(let name, _): plan.stage(named: name).final
        case .dataset, .rule, .command, .column: preconditionFailure("\(reference) is not a model")
        }
    }
}
