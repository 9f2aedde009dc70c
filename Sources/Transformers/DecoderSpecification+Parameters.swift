import Torch

extension DecoderSpecification {
    typealias Declaration = ParameterBuffer.Declaration

    /// Every parameter of a decoder with this head: one a tensor of a Hugging Face checkpoint, under its name and in
    /// its layout. Matrices take weight decay; norms and biases do not.
    public func declarations(head: DecoderHead) -> [ParameterBuffer.Declaration] {
        var all = [matrix(names.embedding, vocabularySize, width)]
        if case .learned(let count) = positions { all.append(matrix(names.positions, count, width)) }
        for index in 0..<layers { all += layer(index) }
        all += normalization(names.finalNorm, width)
        switch head {
        case .languageModel: if !tiesEmbeddings { all.append(matrix(names.head, vocabularySize, width)) }
        case .score: all.append(matrix(ParameterNames.score, 1, width))
        }
        return all
    }

    private func layer(_ index: Int) -> [Declaration] {
        let name = { names.layer(index, $0) }
        let (queries, keys) = (heads * channels, keyValueHeads * channels)
        var all = normalization(name(names.attentionNorm), width)
        if projection == .separate {
            all += linear(name(names.query), from: width, to: queries, bias: inputBias)
            all += linear(name(names.key), from: width, to: keys, bias: inputBias)
            all += linear(name(names.value), from: width, to: keys, bias: inputBias)
        } else {
            all += linear(name(names.fused), from: width, to: queries + 2 * keys, bias: inputBias)
        }
        if normalizesHeads {
            all += normalization(name(names.queryNorm), channels) + normalization(name(names.keyNorm), channels)
        }
        all += linear(name(names.attentionOutput), from: queries, to: width, bias: outputBias)
        all += normalization(name(names.feedForwardNorm), width)
        if gated { all += linear(name(names.gate), from: width, to: innerWidth, bias: feedForwardBias) }
        all += linear(name(names.up), from: width, to: innerWidth, bias: feedForwardBias)
        all += linear(name(names.down), from: innerWidth, to: width, bias: feedForwardBias)
        return all
    }

    private func matrix(_ name: String, _ rows: Int, _ columns: Int) -> Declaration {
        Declaration(name: name, shape: [rows, columns], decays: true)
    }

    private func vector(_ name: String, _ count: Int) -> Declaration {
        Declaration(name: name, shape: [count], decays: false)
    }

    private func linear(_ name: String, from input: Int, to output: Int, bias: Bool) -> [Declaration] {
        let (rows, columns) = projection == .concatenated ? (input, output) : (output, input)
        return [matrix("\(name).weight", rows, columns)] + (bias ? [vector("\(name).bias", output)] : [])
    }

    private func normalization(_ name: String, _ count: Int) -> [Declaration] {
        [vector("\(name).weight", count)] + (norm == .layer ? [vector("\(name).bias", count)] : [])
    }
}
