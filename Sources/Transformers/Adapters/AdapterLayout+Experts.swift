import Torch

extension AdapterLayout {
    /// How the matrices of a layer's experts lie in the tensors of one parameter.
    struct Experts: Sendable, Equatable {
        let count: Int
        /// How many weights of an expert share A: each has rows of B.
        let parts: Int
    }

    /// One of the two tensors that hold the matrices of all experts. Here those of one lie together, for gradients of their own:
    /// A `[experts, rank, inputs]` and B `[experts x parts, outputs / parts, rank]`.
    ///
    /// PEFT has A `[experts x rank, inputs]` and B `[outputs, rank x experts]`.
    struct ExpertStack: Sendable, Equatable {
        let module: Module
        let experts: Experts
        let isUp: Bool

        var fileShape: [Int] {
            isUp ? [module.outputs, module.rank * experts.count] : [experts.count * module.rank, module.inputs]
        }

        /// From PEFT's order to this one.
        func read(_ tensor: Tensor) -> Tensor {
            guard isUp else { return tensor.reshaped(module.downShape) }
            return tensor.reshaped([module.outputs, module.rank, experts.count])
                .transposed(0, 2).transposed(1, 2).contiguous().reshaped(module.upShape)
        }

        /// From this order to PEFT's.
        func written(_ tensor: Tensor) -> Tensor {
            guard isUp else { return tensor.reshaped(fileShape) }
            return tensor.reshaped([experts.count, module.outputs, module.rank])
                .transposed(1, 2).transposed(0, 2).contiguous().reshaped(fileShape)
        }
    }

    /// What a parameter of experts' matrices is; `nil` for others.
    func stack(_ parameter: String) -> ExpertStack? { stacks[parameter] }
}

extension AdapterLayout.Module {
    /// The shapes of its parameters here.
    var downShape: [Int] { (experts.map { [$0.count] } ?? []) + [rank, inputs] }
    var upShape: [Int] {
        guard let experts else { return [outputs, rank] }
        return [experts.count * experts.parts, outputs / experts.parts, rank]
    }
}

extension AdapterConfiguration {
    /// The same with experts and routers named as PEFT names them since transformers 5 has the weights of all experts of a layer in
    /// one parameter: modules that meant them become parameters.
    ///
    /// - Throws: ``AdapterMismatch`` where only a part of such a parameter is meant, and for an expression that cannot be read.
    package func stackingExperts(of specification: DecoderSpecification) throws(AdapterMismatch) -> AdapterConfiguration
    {
        if case .pattern(let pattern) = targets {
            do throws(ModuleExpression.Unreadable) {
                _ = try ModuleExpression(pattern)
            } catch {
                throw AdapterMismatch.notReadable(error.description)
            }
        }
        guard let experts = specification.names.experts,
            specification.layers.contains(where: { $0.feedForward.experts?.isFused == false })
        else { return self }
        let router = String(experts.router.split(separator: ".").last ?? "")
        let (up, down) = (ExpertNames.stackedUp, ExpertNames.stackedDown)
        let stacked = [
            router: "\(router).weight", experts.parts.gate: up, experts.parts.up: up, experts.parts.down: down,
        ]
        let named: [String]
        switch targets {
        case .allLinear: named = specification.attentionNames + stacked.keys.sorted()
        case .names(let names): named = names
        case .pattern: named = try specification.attentionPaths(in: targets, asIs: stacked)
        }
        var (kept, parameters, halves): ([String], [String], Set<String>) = ([], self.parameters, [])
        for name in named {
            guard let parameter = stacked[String(name.split(separator: ".").last ?? "")] else {
                kept.append(name)
                continue
            }
            guard !name.contains(".") else { throw AdapterMismatch.notApart(name) }
            if parameter == up { halves.insert(name) }
            if !parameters.contains(parameter) { parameters.append(parameter) }
        }
        if let half = halves.first, halves.count == 1 {
            throw AdapterMismatch.half(half, other: half == experts.parts.up ? experts.parts.gate : experts.parts.up)
        }
        var copy = self
        copy.targets = .names(kept)
        copy.parameters = parameters.sorted()
        if !halves.isEmpty {
            // Both have the rank and the scale that each would have.
            copy.rankPattern.append(Pattern(".*\\.\(up)", 2 * rank))
            copy.alphaPattern.append(Pattern(".*\\.\(up)", 2 * alpha))
        }
        return copy
    }
}

extension DecoderSpecification {
    /// The linear layers of attention, and of no network.
    private var attentionModules: [LinearModule] {
        linearModules.filter { module in
            [names.query, names.key, names.value, names.attentionOutput].contains { module.path.hasSuffix(".\($0)") }
        }
    }

    fileprivate var attentionNames: [String] { attentionModules.map(\.leaf).distinct }

    /// The paths of those that an expression means, which may mean nothing else.
    fileprivate func attentionPaths(
        in targets: AdapterTargets, asIs stacked: [String: String]
    ) throws(AdapterMismatch) -> [String] {
        let attention = attentionModules.map(\.path)
        let meant = linearModules.map(\.path).filter(targets.contain)
        if let other = meant.first(where: { !attention.contains($0) }) { throw AdapterMismatch.notApart(other) }
        return meant
    }
}
