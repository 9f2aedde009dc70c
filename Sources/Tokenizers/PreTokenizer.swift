/// Takes normalised text apart into the words that the model encodes one by one.
struct PreTokenizer: Sendable, Equatable {
    enum Step: Sendable, Equatable {
        case split(Splitter)
        /// Puts a space before every piece that does not start with one (`ByteLevel`'s `add_prefix_space`).
        case prefixSpace
        case metaspace(Metaspace)
        /// Writes bytes in the byte alphabet, for splits that come after `ByteLevel`.
        case spellBytes
        /// Reads them again.
        case readBytes
    }

    /// SentencePiece's visible space.
    struct Metaspace: Sendable, Equatable {
        enum Prepend: String, Sendable { case always, first, never }
        let replacement: [UInt8]
        var prepend: Prepend
        let splits: Bool
    }

    var steps: [Step] = []
    /// The words are bytes written in the byte alphabet; what reads them must take bytes for symbols.
    var isByteLevel = false
    /// `ByteLevel` stands alone, not in a sequence.
    var isByteLevelAlone = false

    /// Calls `body` once with the text (rewritten where a step says so) and the pieces it is taken apart into.
    ///
    /// - Parameter isStart: the text is at the start of what the user gave.
    func split(
        _ text: UnsafeBufferPointer<UInt8>, isStart: Bool, workspace: inout Workspace,
        body: (UnsafeBufferPointer<UInt8>, [Splitter.Piece], inout Workspace) -> Void
    ) {
        var pieces: [Splitter.Piece] = []
        swap(&pieces, &workspace.pieces)
        pieces.removeAll(keepingCapacity: true)
        pieces.append(Splitter.Piece(start: 0, end: text.count))
        run(0, text, isStart, &pieces, &workspace, body)
        swap(&pieces, &workspace.pieces)
    }

    /// Buffers that outlive a call so that the next need not allocate.
    struct Workspace: Sendable {
        var pieces: [Splitter.Piece] = []
        var nextPieces: [Splitter.Piece] = []
        var merging = BytePairEncoder.Workspace()
    }

    private func run(
        _ firstStep: Int, _ text: UnsafeBufferPointer<UInt8>, _ isStart: Bool, _ pieces: inout [Splitter.Piece],
        _ workspace: inout Workspace,
        _ body: (UnsafeBufferPointer<UInt8>, [Splitter.Piece], inout Workspace) -> Void
    ) {
        let reader = UTF8Reader(text)
        for index in firstStep..<steps.count {
            switch steps[index] {
            case .split(let splitter):
                workspace.nextPieces.removeAll(keepingCapacity: true)
                for piece in pieces {
                    splitter.split(reader, from: piece.start, to: piece.end, into: &workspace.nextPieces)
                }
                swap(&pieces, &workspace.nextPieces)
            case .prefixSpace:
                let rewritten = rewrite(text, &pieces) { piece, _, output in
                    if piece.first != UInt8(ascii: " ") { output.append(UInt8(ascii: " ")) }
                    output += piece
                }
                return rewritten.withUnsafeBufferPointer { run(index + 1, $0, isStart, &pieces, &workspace, body) }
            case .spellBytes:
                let rewritten = rewrite(text, &pieces) { piece, _, output in ByteAlphabet.encode(piece, into: &output) }
                return rewritten.withUnsafeBufferPointer { run(index + 1, $0, isStart, &pieces, &workspace, body) }
            case .readBytes:
                let rewritten = rewrite(text, &pieces) { piece, _, output in
                    _ = ByteAlphabet.decode(piece, into: &output)
                }
                return rewritten.withUnsafeBufferPointer { run(index + 1, $0, isStart, &pieces, &workspace, body) }
            case .metaspace(let metaspace):
                let rewritten = rewrite(text, &pieces) { piece, start, output in
                    metaspace.rewrite(piece, isFirst: isStart && start == 0, into: &output)
                }
                return rewritten.withUnsafeBufferPointer { text in
                    if metaspace.splits {
                        let splitter = Splitter(
                            pattern: .literal(metaspace.replacement), behavior: .mergedWithNext, inverted: false)
                        workspace.nextPieces.removeAll(keepingCapacity: true)
                        for piece in pieces {
                            splitter.split(
                                UTF8Reader(text), from: piece.start, to: piece.end, into: &workspace.nextPieces)
                        }
                        swap(&pieces, &workspace.nextPieces)
                    }
                    run(index + 1, text, isStart, &pieces, &workspace, body)
                }
            }
        }
        body(text, pieces, &workspace)
    }

    private func rewrite(
        _ text: UnsafeBufferPointer<UInt8>, _ pieces: inout [Splitter.Piece],
        _ append: (Slice<UnsafeBufferPointer<UInt8>>, Int, inout [UInt8]) -> Void
    ) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(text.count + pieces.count)
        for index in pieces.indices {
            let start = output.count
            append(text[pieces[index].start..<pieces[index].end], pieces[index].start, &output)
            pieces[index] = Splitter.Piece(start: start, end: output.count)
        }
        return output
    }
}

extension PreTokenizer.Metaspace {
    fileprivate func rewrite(_ piece: Slice<UnsafeBufferPointer<UInt8>>, isFirst: Bool, into output: inout [UInt8]) {
        if prepend == .always || (prepend == .first && isFirst),
            piece.first != UInt8(ascii: " "), !piece.starts(with: replacement)
        {
            output += replacement
        }
        for byte in piece {
            if byte == UInt8(ascii: " ") { output += replacement } else { output.append(byte) }
        }
    }
}
