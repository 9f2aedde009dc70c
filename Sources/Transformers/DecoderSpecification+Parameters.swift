import Torch

extension DecoderSpecification {
    typealias Declaration = ParameterGroup.Declaration

    /// Every parameter of a decoder with this head: one a tensor of a Hugging Face checkpoint, under its name and in
    /// its layout. Matrices take weight decay; norms and biases do not.
    public func declarations(head: DecoderHead) -> [ParameterGroup.Declaration] {
        var all = [Declaration(matrix: names.embedding, vocabularySize, width)]
        if let positionTable { all.append(Declaration(matrix: names.positions, positionTable, width)) }
        for (index, layer) in layers.enumerated() {
            all += layer.declarations(width: width, names) { names.layer(index, $0) }
        }
        all += finalNorm.declarations(names.finalNorm, width)
        switch head {
        case .languageModel:
            if !tiesEmbeddings { all.append(Declaration(matrix: names.head, vocabularySize, width)) }
        case .score: all.append(Declaration(matrix: ParameterNames.score, 1, width))
        }
        return all
    }

    /// Whether passes round a parameter to the type that they compute in before they use it, so that it may lie in that: matrices
    /// do, but for a score head, and for tables whose rows are scaled or added up first.
    package func isRoundable(_ declaration: ParameterGroup.Declaration) -> Bool {
        let isTable = [names.embedding, names.positions].contains(declaration.name)
        return declaration.decays && declaration.name != ParameterNames.score
            && !(isTable && (positionTable != nil || embeddingScale != 1))
    }
}

extension LayerSpecification {
    /// The parameters of a layer on a residual stream of `width` channels; `name` makes names within a layer whole.
    fileprivate func declarations(
        width: Int, _ names: ParameterNames, _ name: (String) -> String
    ) -> [ParameterGroup.Declaration] {
        let (queries, keys) = (attention.queryWidth, attention.keyWidth)
        let (before, after) = (normPlacement != .after, normPlacement != .before)
        var all = before ? norm.declarations(name(names.attentionNorm), width) : []
        if attention.projection == .separate {
            all += linear(name(names.query), from: width, to: queries, bias: attention.inputBias)
            all += linear(name(names.key), from: width, to: keys, bias: attention.inputBias)
            all += linear(name(names.value), from: width, to: keys, bias: attention.inputBias)
        } else {
            all += linear(name(names.fused), from: width, to: queries + 2 * keys, bias: attention.inputBias)
        }
        if let counts = attention.headNormWidths {
            all += norm.declarations(name(names.queryNorm), counts.query)
            all += norm.declarations(name(names.keyNorm), counts.key)
        }
        if attention.hasSinks { all.append(ParameterGroup.Declaration(vector: name(names.sinks), attention.heads)) }
        all += linear(name(names.attentionOutput), from: queries, to: width, bias: attention.outputBias)
        if after { all += norm.declarations(name(names.attentionPostNorm), width) }
        if before { all += norm.declarations(name(names.feedForwardNorm), width) }
        if let experts = feedForward.experts, let ofExperts = names.experts {
            all += linear(name(ofExperts.router), from: width, to: experts.count, bias: experts.routerBias)
            if experts.isFused {
                all += fused(experts.count, width: width, ofExperts.parts) { name(ofExperts.prefix + $0) }
            } else {
                for index in 0..<experts.count {
                    all += network(width: width, ofExperts.parts) { name(ofExperts.prefix(index) + $0) }
                }
            }
        } else {
            all += network(width: width, names.feedForward, name)
        }
        if after { all += norm.declarations(name(names.feedForwardPostNorm), width) }
        return all
    }

    private func network(
        width: Int, _ names: FeedForwardNames, _ name: (String) -> String
    ) -> [ParameterGroup.Declaration] {
        let (inner, bias) = (feedForward.width, feedForward.hasBias)
        let gate = feedForward.hasGateMatrix ? linear(name(names.gate), from: width, to: inner, bias: bias) : []
        let up = linear(name(names.up), from: width, to: feedForward.upWidth, bias: bias)
        return gate + up + linear(name(names.down), from: inner, to: width, bias: bias)
    }

    /// The networks of all experts, a tensor for each of their parameters.
    private func fused(
        _ count: Int, width: Int, _ names: FeedForwardNames, _ name: (String) -> String
    ) -> [ParameterGroup.Declaration] {
        [(names.up, width, feedForward.upWidth), (names.down, feedForward.width, width)].flatMap {
            part, input, output in
            let matrices = ParameterGroup.Declaration(name: name(part), shape: [count, input, output], decays: true)
            let biases = ParameterGroup.Declaration(
                name: name(ExpertNames.bias(of: part)), shape: [count, output], decays: false)
            return feedForward.hasBias ? [matrices, biases] : [matrices]
        }
    }

    private func linear(_ name: String, from input: Int, to output: Int, bias: Bool) -> [ParameterGroup.Declaration] {
        let (rows, columns) = attention.projection == .concatenated ? (input, output) : (output, input)
        let matrix = ParameterGroup.Declaration(matrix: "\(name).weight", rows, columns)
        return [matrix] + (bias ? [ParameterGroup.Declaration(vector: "\(name).bias", output)] : [])
    }
}

extension LayerSpecification.Attention {
    /// How many weights the norms of queries and keys have; `nil` where there are none.
    fileprivate var headNormWidths: (query: Int, key: Int)? {
        switch headNorm {
        case .none: nil
        case .each: (channels, channels)
        case .together: (queryWidth, keyWidth)
        }
    }
}

extension LayerSpecification.FeedForward {
    /// Whether the activated projection has a matrix of its own.
    var hasGateMatrix: Bool { isGated && halves == .separate }

    /// Outputs of the projection up.
    fileprivate var upWidth: Int { isGated && halves != .separate ? 2 * width : width }
}

extension DecoderSpecification.Norm {
    fileprivate func declarations(_ name: String, _ count: Int) -> [ParameterGroup.Declaration] {
        let names = kind == .layer ? ["\(name).weight", "\(name).bias"] : ["\(name).weight"]
        return names.map { ParameterGroup.Declaration(vector: $0, count) }
    }
}

extension ParameterGroup.Declaration {
    fileprivate init(matrix name: String, _ rows: Int, _ columns: Int) {
        self.init(name: name, shape: [rows, columns], decays: true)
    }

    fileprivate init(vector name: String, _ count: Int) {
        self.init(name: name, shape: [count], decays: false)
    }
}
