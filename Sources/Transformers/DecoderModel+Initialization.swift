import Torch

extension DecoderModel {
    /// Draws all parameters afresh: matrices from N(0, initializer_range²), norms that multiply by 1, biases 0, and score and auxiliary heads
    /// from N(0, 1 / (width + 1)). What a parameter gets is a function of the seed and its name alone.
    public func initialize(seed: UInt64) {
        for declaration in parameters.declarations { initialize(declaration, seed: seed) }
    }

    /// Draws the score head afresh.
    public func initializeScoreHead(seed: UInt64) {
        precondition(head == .score, "a language model has no score head")
        initialize(only: ParameterNames.score, seed: seed)
    }

    /// Draws the auxiliary head afresh, where there is one.
    package func initializeAuxiliaryHead(seed: UInt64) {
        if let auxiliaryHead { initialize(only: auxiliaryHead.parameterName, seed: seed) }
    }

    private func initialize(only name: String, seed: UInt64) {
        for declaration in parameters.declarations where declaration.name == name {
            initialize(declaration, seed: seed)
        }
    }

    private func initialize(_ declaration: ParameterGroup.Declaration, seed: UInt64) {
        parameters.set(declaration.name) { initialize($0, declaration, seed: seed) }
    }

    private func initialize(_ parameter: Tensor, _ declaration: ParameterGroup.Declaration, seed: UInt64) {
        let name = declaration.name
        if [ParameterNames.score, auxiliaryHead?.parameterName].contains(name) {
            let deviation = 1 / (Double(specification.width) + 1).squareRoot()
            parameter.fillNormal(deviation: deviation, seed: Self.seed(seed, name))
        } else if declaration.decays {
            parameter.fillNormal(deviation: configuration.initializerRange, seed: Self.seed(seed, name))
        } else {
            parameter.fill(name.hasSuffix(".weight") && !specification.finalNorm.isOffset ? 1 : 0)
        }
    }

    /// The seed of one parameter: FNV-1a over the name, mixed with the seed by SplitMix64's finaliser.
    static func seed(_ seed: UInt64, _ name: String) -> UInt64 {
        let hash = name.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        var mixed = hash &+ seed &* 0x9e37_79b9_7f4a_7c15
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
}
