import MPI
import Runs
import Torch
import Transformers

/// The policies that the candidates for `alpha` make of two, one parameter at a time.
struct MergedPolicy {
    private let policy: ModelParameters
    private let from: ModelParameters
    private let options: MergeOptions
    private let stage: String
    private let teller: Int

    init(_ options: MergeOptions, on context: StageContext) throws {
        policy = try context.models.parameters(of: options.policy)
        from = try context.models.parameters(of: options.from)
        self.options = options
        (stage, teller) = (context.stage.name, context.workers.worldRanks[0])
    }

    /// What all of them are: what the first policy is.
    var configuration: ModelConfiguration { policy.configuration }

    var parameterCount: Int { policy.declarations.count }

    /// A parameter of a candidate, in float32.
    ///
    /// - Throws: ``MergeError`` where it holds something else than finite numbers.
    func parameter(_ name: String, at candidate: Int) throws -> Tensor {
        let merged = options.lines[candidate](from: try from(name), to: try policy(name)).converted(to: .float32)
        guard merged.count == 0 || merged.abs().max().item().isFinite else {
            throw MergeError(
                alpha: options.name(ofCandidate: candidate), stage: stage, tensor: name, teller: teller)
        }
        return merged.contiguous()
    }

    /// A candidate whole, to draw from.
    func model(at candidate: Int) throws -> DecoderModel {
        let model = DecoderModel(configuration, head: .languageModel, trainable: false)
        try withoutGradients {
            for declaration in policy.declarations {
                model.parameters[declaration.name].copy(from: try parameter(declaration.name, at: candidate))
            }
        }
        return model
    }
}

extension MergeOptions {
    /// What messages call a candidate: `alpha 0.3`.
    func name(ofCandidate index: Int) -> String { "alpha \(alpha[index])" }
}

/// Weights that lie so far from the two policies that float32 does not reach them, as several ranks find together.
struct MergeError: Error, Sendable, CustomStringConvertible, ExitStatusProviding {
    let alpha: String
    let stage: String
    let tensor: String
    let teller: Int?

    var description: String {
        "\(stage): \(alpha) takes tensor \(tensor) past the numbers of float32; write one nearer to 0"
    }

    /// 2: the configuration is to blame.
    var exitStatus: Int32 { 2 }
}
