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
    /// Where candidates compute; weights are mixed on the host.
    private let placement: Placement

    init(_ options: MergeOptions, on context: StageContext) throws {
        policy = try context.models.parameters(of: options.policy)
        from = try context.models.parameters(of: options.from)
        self.options = options
        placement = context.models.placement
        (stage, teller) = (context.stage.name, context.workers.worldRanks[0])
    }

    /// What all of them are: what the first policy is.
    var configuration: ModelConfiguration { policy.configuration }

    var parameterCount: Int { policy.declarations.count }

    /// A parameter of a candidate, in float32.
    ///
    /// - Throws: ``MergeError`` where it holds something else than finite numbers.
    func parameter(_ name: String, at candidate: Int) throws -> Tensor {
        let second = try policy(name)
        if options.method == .adapters { return second.converted(to: .float32).contiguous() }
        let first = try from(name)
        let merged = Tensor.empty(second.shape)
        let flat = (first.reshaped([-1]), second.reshaped([-1]), merged.reshaped([-1]))
        // In blocks: an embedding table in float64, several times over, may be larger than the whole model.
        for start in stride(from: 0, to: merged.count, by: Self.blockSize) {
            let range = start..<min(merged.count, start + Self.blockSize)
            let block = options.lines[candidate](from: flat.0.narrowed(0, range), to: flat.1.narrowed(0, range))
                .converted(to: .float32)
            guard block.abs().max().item().isFinite else {
                throw MergeError(
                    alpha: options.name(ofCandidate: candidate), stage: stage, tensor: name, teller: teller)
            }
            flat.2.narrowed(0, range).copy(from: block)
        }
        return merged
    }

    /// Elements that are mixed at a time.
    private static let blockSize = 1 << 21

    /// Bytes that mixing a parameter of so many elements takes: both policies', as wide as they may be kept, what is written,
    /// and float64 and float32 copies of a block.
    static func bytes(mixing elements: Int) -> Int { 20 * elements + 48 * min(elements, blockSize) }

    /// A candidate whole, to draw from.
    func model(at candidate: Int) throws -> DecoderModel {
        let model = DecoderModel(configuration, head: .languageModel, trainable: false, placement: placement)
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
